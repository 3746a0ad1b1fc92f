import type { Config } from "./config/config-table.js";
import { UsageError } from "./usage-error.js";

/** What the codes of a failed `listen` mean to the person at the keyboard. */
const explanations: Record<string, (config: Config, message: string) => string> = {
  EADDRINUSE: ({ host, port }) =>
    host.includes("/")
      ? `${host} is taken; choose another path with --host`
      : `port ${port} on ${host} is taken; choose another with --port (0 picks a free one)`,
  EACCES: ({ host, port }) =>
    host.includes("/")
      ? `${host} is not allowed for this user; choose another path with --host`
      : `port ${port} is not allowed for this user; choose one from 1024 to 65535 with --port`,
  EADDRNOTAVAIL: ({ host }) =>
    `host ${JSON.stringify(host)} is not an address of this machine; --host takes one of its own (127.0.0.1, ::1, 0.0.0.0 or :: for all)`,
  ENOTFOUND: ({ host }) =>
    `host ${JSON.stringify(host)} is not known; --host takes an address of this machine or a name that resolves to one`,
  // A user that there is not, and the like: the server names the option already.
  TZ_SERVER_OPTION: (_config, message) => message,
  TZ_SERVER_LOOP_UNSUPPORTED: ({ loop }, message) =>
    `--loop ${loop} does not run here: ${reasonIn(message)}; --loop node runs everywhere`,
};

/**
 * A {@link UsageError} for the failures that the caller can put right, the error itself for all others.
 * The cause chain is searched: the code of the system call may lie below the server's own error.
 */
export function explainListenFailure(error: unknown, config: Config): unknown {
  for (let each = error; each instanceof Error; each = each.cause) {
    const { code } = each as NodeJS.ErrnoException;
    // A name that a resolver cannot answer for now is as good as unknown here.
    const explain = explanations[code === "EAI_AGAIN" ? "ENOTFOUND" : (code ?? "")];
    if (explain) return new UsageError(explain(config, each.message), { cause: error });
  }
  return error;
}

/** What is missing, without what the server says in front of it. */
function reasonIn(message: string): string {
  return message.replace(/^the epoll loop cannot run here: /, "");
}
