import type { ServeConfig } from "../config.js";
import { UsageError } from "../usage-error.js";

/** What the codes of a failed start mean to the person at the keyboard. */
const explanations: Record<string, (config: ServeConfig) => string> = {
  EADDRINUSE: ({ host, port }) =>
    `port ${port} on ${host} is taken; choose another with --port (0 picks a free one)`,
  EACCES: ({ port }) =>
    `port ${port} is not allowed for this user; choose one from 1024 to 65535 with --port`,
  EADDRNOTAVAIL: ({ host }) => `host ${JSON.stringify(host)} is not an address of this machine`,
  ENOTFOUND: ({ host }) => `host ${JSON.stringify(host)} is not known`,
  TZ_MILLION_REDIS: ({ redis }) => `--redis ${redis} does not answer`,
};

/** A UsageError for the failures that the caller can put right, the error itself for all others. */
export function explainStartFailure(error: unknown, config: ServeConfig): unknown {
  for (let each = error; each instanceof Error; each = each.cause) {
    const explain = explanations[(each as NodeJS.ErrnoException).code ?? ""];
    if (explain) return new UsageError(explain(config), { cause: error });
  }
  return error;
}
