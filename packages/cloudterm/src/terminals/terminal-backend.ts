/**
 * What stands behind a terminal: a program on this machine, an SSH host, another terminal server.
 *
 * ```
 *   local-pty.ts     a program on a pseudo-terminal of this machine
 *   ssh-fleet.ts     a shell on a host of a list
 *   ttyd-upstream.ts a server that speaks ttyd's protocol
 *   raw-upstream.ts  a WebSocket whose messages are the terminal's bytes
 * ```
 */
import type { TerminalFiles } from "../files/terminal-files.js";
import type { TerminalSize } from "./terminal-size.js";

/** How a terminal ended. */
export interface TerminalEnd {
  /** Exit code of the program; `undefined` when it has none. */
  readonly code: number | undefined;
  /** The signal that ended it, as `"SIGKILL"`. */
  readonly signal: string | undefined;
  /** In words, for the person in front of it: `"the program exited with code 1"`. */
  readonly message: string;
}

/** What a back end tells. Never called from inside of {@link TerminalBackend.open}'s synchronous part. */
export interface BackendEvents {
  /** `bytes[start, end)` are valid during the call only. */
  onOutput(bytes: Uint8Array, start: number, end: number): void;
  /** Input is taken again after a `write` that returned false. */
  onDrain(): void;
  onTitle?(title: string): void;
  /** Once, last. */
  onEnd(end: TerminalEnd): void;
}

/** One terminal of a back end. */
export interface BackendTerminal {
  /** Process id, when it is a process of this machine. */
  readonly pid?: number | undefined;
  /** Files beside it, when there are any. */
  readonly files?: TerminalFiles | undefined;
  /** Input that the other side has not taken yet. */
  readonly pendingInputBytes: number;
  /** Input; copied or sent before it returns. @returns false to stop until `onDrain` */
  write(bytes: Uint8Array, start: number, end: number): boolean;
  resize(size: TerminalSize): void;
  /** No more output until `resume`: the program waits. */
  pause(): void;
  resume(): void;
  /** Hangs up; what does not end by itself soon is killed. `onEnd` follows. */
  end(): void;
}

/** What a terminal is asked to be. */
export interface TerminalStart extends TerminalSize {
  /** Who opened it. */
  readonly user: string;
  /** What the user chose out of the back end's own list, such as a host of the fleet. */
  readonly choice?: string | undefined;
  /** Whoever asked for the terminal is gone, or has waited too long: what is being opened is broken off. */
  readonly signal?: AbortSignal | undefined;
}

export interface TerminalBackend {
  /** What the user sees of it: `"local"`, `"ssh"`. */
  readonly name: string;
  /** @throws CloudtermError `TZ_CLOUDTERM_BACKEND` when there is nothing to open */
  open(start: TerminalStart, events: BackendEvents): Promise<BackendTerminal>;
}
