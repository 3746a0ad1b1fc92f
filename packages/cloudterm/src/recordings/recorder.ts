import type { TerminalEnd } from "../terminals/terminal-backend.js";
import type { TerminalSize } from "../terminals/terminal-size.js";

/** What a terminal tells while it is recorded. */
export interface OutputRecorder {
  readonly id: string;
  /** More waits for the disk than is allowed: the program should wait. */
  readonly isBehind: boolean;
  onDrain(listener: () => void): void;
  /** `bytes[start, end)` are valid during the call only. */
  output(bytes: Uint8Array, start: number, end: number): void;
  resize(size: TerminalSize): void;
  end(end: TerminalEnd): void;
}
