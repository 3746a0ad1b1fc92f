import type { TerminalEnd } from "./terminal-backend.js";
import type { TerminalSize } from "./terminal-size.js";

export type Access = "read" | "write";

/** What a viewer is told beside output. Every field is there when it is news. */
export interface ViewerState extends Partial<TerminalSize> {
  readonly terminal?: string;
  /** Number of the output byte that comes next. */
  readonly sequence?: number;
  /** Output is missing in between, or comes from the beginning: start with an empty screen. */
  readonly reset?: boolean;
  readonly access?: Access;
  readonly viewers?: number;
  readonly title?: string;
}

/** Where a viewer's output goes: a WebSocket, a test. */
export interface ViewerSink {
  /**
   * `bytes[start]` is {@link OUTPUT_TYPE}, output follows up to `end`. Taken as a whole; valid during the call only.
   * @returns false to stop until `viewer.writable()`
   */
  output(bytes: Uint8Array, start: number, end: number): boolean;
  state(state: ViewerState): void;
  title(title: string): void;
  /** The program has ended and all of its output was given. */
  ended(end: TerminalEnd): void;
  /** The viewer may see no more: its session, its link or its time is over. @param code 4000 – 4999 */
  dismissed(code: number, reason: string): void;
}

/** Who looks at a terminal, and what they may do. */
export interface ViewerOptions {
  readonly access: Access;
  /** The login session; `Terminals.dismiss` finds viewers by it. */
  readonly sessionId?: string | undefined;
  /** The invite link that let the viewer in. */
  readonly inviteId?: string | undefined;
  /** Who it is, for lists. */
  readonly name?: string | undefined;
  readonly size?: TerminalSize | undefined;
  /** Number of the first output byte that is missing here; without it, all that is kept comes. */
  readonly resumeFrom?: number | undefined;
  /** The viewer acknowledges what it has shown: never more than the window is under way to it. */
  readonly acknowledges?: boolean | undefined;
}

/** What a viewer needs of its terminal. @internal */
export interface ViewedTerminal {
  readonly windowBytes: number;
  readonly outputStart: number;
  readonly outputEnd: number;
  /** Where output can be shown from, when what came before is lost. */
  firstShown(): number;
  copy(sequence: number, target: Uint8Array, targetStart: number, length: number): number;
  moved(): void;
  input(viewer: Viewer, bytes: Uint8Array, start: number, end: number): boolean;
  resized(viewer: Viewer): void;
  left(viewer: Viewer): void;
}

/** First byte of an output message, ttyd's. */
export const OUTPUT_TYPE = 0x30;

const MESSAGE_BYTES = 64 * 1024;
/** One for all: a sink takes or copies what it is given. */
const message = new Uint8Array(MESSAGE_BYTES);
message[0] = OUTPUT_TYPE;

/**
 * One reader of a terminal: its own place in the output, its own pace. It holds no bytes; what it has not read waits in
 * the terminal's ring, and a reader that falls out of the ring goes on at its beginning.
 */
export class Viewer {
  readonly options: ViewerOptions;
  readonly sinceMs: number;
  /** Called when input is taken again after {@link input} returned false. */
  onInputDrain: (() => void) | undefined;
  size: TerminalSize | undefined;
  readonly #terminal: ViewedTerminal;
  readonly #sink: ViewerSink;
  #position: number;
  #acknowledged: number;
  #blocked = false;
  #held = false;
  #end: TerminalEnd | undefined;
  #gone = false;

  /** @internal Use `terminal.attach`. */
  constructor(terminal: ViewedTerminal, sink: ViewerSink, options: ViewerOptions, nowMs: number) {
    this.#terminal = terminal;
    this.#sink = sink;
    this.options = options;
    this.size = options.size;
    this.sinceMs = nowMs;
    const { resumeFrom } = options;
    const kept = resumeFrom !== undefined && resumeFrom >= terminal.outputStart;
    this.#position = kept && resumeFrom <= terminal.outputEnd ? resumeFrom : terminal.firstShown();
    this.#acknowledged = this.#position;
  }

  /** Number of the output byte that comes next. */
  get position(): number {
    return this.#position;
  }

  get mayWrite(): boolean {
    return this.options.access === "write";
  }

  /** @internal Tells where output begins. */
  greet(state: ViewerState): void {
    const sequence = this.#position;
    this.#sink.state({ ...state, sequence, reset: sequence !== this.options.resumeFrom });
  }

  /** @internal */
  tell(state: ViewerState): void {
    if (!this.#gone) this.#sink.state(state);
  }

  /** @internal */
  tellTitle(title: string): void {
    if (!this.#gone) this.#sink.title(title);
  }

  /** @internal Gives the sink what it takes. */
  pump(): void {
    const terminal = this.#terminal;
    if (this.#gone) return;
    while (!this.#blocked && !this.#held && this.#position < terminal.outputEnd) {
      if (this.#position < terminal.outputStart) this.#skip();
      let length = MESSAGE_BYTES - 1;
      if (this.options.acknowledges === true) {
        length = Math.min(length, terminal.windowBytes - (this.#position - this.#acknowledged));
        if (length <= 0) return;
      }
      const count = terminal.copy(this.#position, message, 1, length);
      this.#position += count;
      if (!this.#sink.output(message, 0, count + 1)) this.#blocked = true;
      if (this.#gone) return;
    }
    if (this.#end !== undefined && this.#position >= terminal.outputEnd && !this.#blocked) {
      const end = this.#end;
      this.leave();
      this.#sink.ended(end);
    }
  }

  #skip(): void {
    this.#position = this.#terminal.firstShown();
    this.#acknowledged = this.#position;
    this.#sink.state({ sequence: this.#position, reset: true });
  }

  /** The sink takes output again. */
  writable(): void {
    this.#blocked = false;
    this.#go();
  }

  /** No output until {@link resume}. */
  pause(): void {
    this.#held = true;
  }

  resume(): void {
    this.#held = false;
    this.#go();
  }

  /** @param sequence all before this number was shown; numbers that cannot be are ignored */
  acknowledge(sequence: number): void {
    if (!(sequence > this.#acknowledged && sequence <= this.#position)) return;
    this.#acknowledged = sequence;
    this.#go();
  }

  #go(): void {
    if (this.#gone) return;
    this.pump();
    this.#terminal.moved();
  }

  /** Input; ignored without access. @returns false to stop until `onInputDrain` */
  input(bytes: Uint8Array, start: number, end: number): boolean {
    if (this.#gone || !this.mayWrite) return true;
    return this.#terminal.input(this, bytes, start, end);
  }

  /** The viewer's own size; what the terminal makes of it is its policy's business. */
  resize(size: TerminalSize): void {
    if (this.#gone) return;
    this.size = size;
    this.#terminal.resized(this);
  }

  /** @internal The program has ended: told behind the rest of the output. */
  finish(end: TerminalEnd): void {
    this.#end = end;
    this.pump();
  }

  /** The viewer goes. */
  leave(): void {
    if (this.#gone) return;
    this.#gone = true;
    this.#terminal.left(this);
  }

  /** Sends the viewer away. @param code 4000 – 4999 */
  dismiss(code: number, reason: string): void {
    if (this.#gone) return;
    this.leave();
    this.#sink.dismissed(code, reason);
  }
}
