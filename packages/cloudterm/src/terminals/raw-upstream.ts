import type { TerminalBackend } from "./terminal-backend.js";
import { type UpstreamTerminalOptions, upstreamTerminal } from "./upstream-terminal.js";

export interface RawUpstreamOptions extends UpstreamTerminalOptions {
  readonly protocols?: readonly string[] | undefined;
}

/**
 * Terminals that are a WebSocket's messages as they are: input goes out as binary messages, every message that comes is
 * output. Such an upstream hears of no sizes.
 * @throws CloudtermError `TZ_CLOUDTERM_REQUEST` for a URL that may not be, `TZ_CLOUDTERM_OPTION`
 */
export function rawUpstream({ protocols = [], ...options }: RawUpstreamOptions): TerminalBackend {
  return upstreamTerminal("raw", options, async () => ({
    protocols,
    greet: () => [],
    input: (bytes, start, end) => bytes.subarray(start, end),
    resize: () => undefined,
    read: (bytes, start, end, events) => events.onOutput(bytes, start, end),
  }));
}
