import type { Settings } from "./settings.js";
import { UsageError } from "./usage-error.js";

/** What the codes of a failed `listen` mean to the person at the keyboard. */
const explanations: Record<
  string,
  (config: Pick<Settings, "host" | "port" | "loop">, option: string, message: string) => string | undefined
> = {
  EADDRINUSE: ({ host, port }, option) =>
    host.includes("/")
      ? `${host} is taken; choose another path with --host`
      : `port ${port} on ${host} is taken; choose another with ${option} (0 picks a free one)`,
  EACCES: ({ host, port }, option) =>
    host.includes("/")
      ? `${host} is not allowed for this user; choose another path with --host`
      : `port ${port} is not allowed for this user; choose one from 1024 to 65535 with ${option}`,
  ENOENT: ({ host }) =>
    host.includes("/")
      ? `${host} cannot be made, its folder is not there; choose another path with --host`
      : undefined,
  EADDRNOTAVAIL: ({ host }) =>
    `host ${JSON.stringify(host)} is not an address of this machine; --host takes one of its own (127.0.0.1, ::1, 0.0.0.0 or :: for all)`,
  ENOTFOUND: ({ host }) =>
    `host ${JSON.stringify(host)} is not known; --host takes an address of this machine or a name that resolves to one`,
  // A user that there is not, files that cannot be read, a key of another certificate: the server names the option.
  TZ_SERVER_OPTION: (_config, _option, message) => message.replace(/^tls\./, "--"),
  TZ_SERVER_LOOP_UNSUPPORTED: ({ loop }, _option, message) =>
    `--loop ${loop} does not run here: ${reasonIn(message)}; --loop node runs everywhere`,
};

/**
 * A {@link UsageError} for the failures that the caller can put right, the error itself for all others.
 * The cause chain is searched: the code of the system call may lie below the server's own error.
 * @param option the flag that names the port
 */
export function explainListenFailure(
  error: unknown,
  config: Pick<Settings, "host" | "port" | "loop">,
  option = "--port",
): unknown {
  for (let each = error; each instanceof Error; each = each.cause) {
    const { code } = each as NodeJS.ErrnoException;
    // A name that a resolver cannot answer for now is as good as unknown here.
    const explain = explanations[code === "EAI_AGAIN" ? "ENOTFOUND" : (code ?? "")];
    const text = explain?.(config, option, each.message);
    if (text !== undefined) return new UsageError(text, { cause: error });
  }
  return error;
}

/** What is missing, without what the server says in front of it. */
function reasonIn(message: string): string {
  return message.replace(/^the epoll loop cannot run here: /, "");
}
