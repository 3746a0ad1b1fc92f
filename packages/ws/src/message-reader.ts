import { Assembler } from "./assembler.js";
import type { Inflater } from "./deflate/inflater.js";
import { WsError } from "./errors.js";
import { type FrameEvents, FrameParser } from "./frame-parser.js";
import { FIN, OPCODE, OPCODE_BITS, type Role, RSV1 } from "./opcode.js";
import { isUtf8Text, UTF8_FAILED, UTF8_START, validateUtf8 } from "./utf8.js";
import type { Workspace } from "./workspace.js";

/** `bytes[start, end)` is valid during the call only. */
export interface MessageEvents {
  onMessage(bytes: Uint8Array, start: number, end: number, isText: boolean): void;
  onControl(opcode: number, bytes: Uint8Array, start: number, end: number): void;
  /** Nothing is reported after it. */
  onReadError(error: WsError): void;
  /** A message that took several turns to inflate was delivered: reading goes on. */
  onReadResume(): void;
}

export interface MessageLimits {
  readonly maxMessageBytes: number;
  readonly maxFragments: number;
}

/** A compressed message may be longer than what it holds: stored blocks, and what a poor encoder adds. */
function maxCompressedBytes(maxMessageBytes: number): number {
  return maxMessageBytes + (maxMessageBytes >>> 3) + 64;
}

/**
 * Frames to messages: joins fragments, validates text as it arrives (so that invalid text fails at the byte
 * that makes it so), inflates, and holds the limits. A message that is one whole frame is passed on where it
 * lies.
 */
export class MessageReader implements FrameEvents {
  readonly parser: FrameParser;
  /** A message is inflated over several turns: the parser is halted until `onReadResume`. */
  busy = false;
  readonly #events: MessageEvents;
  readonly #limits: MessageLimits;
  readonly #inflater: Inflater | undefined;

  // The message at hand, when it is more than one whole frame.
  #assembler: Assembler | undefined = undefined;
  #isText = false;
  #compressed = false;
  #utf8 = UTF8_START;
  #fragments = 0;
  /** Bytes of the frame at hand that are still to come. */
  #frameRest = 0;
  #isLast = false;

  constructor(
    role: Role,
    workspace: Workspace,
    events: MessageEvents,
    limits: MessageLimits,
    inflater: Inflater | undefined,
  ) {
    this.#events = events;
    this.#limits = limits;
    this.#inflater = inflater;
    const { maxMessageBytes } = limits;
    this.parser = new FrameParser(
      role,
      workspace,
      this,
      { maxMessageBytes, maxCompressedBytes: maxCompressedBytes(maxMessageBytes) },
      inflater !== undefined,
    );
  }

  onFrame(first: number, bytes: Uint8Array, start: number, end: number, ascii: boolean): void {
    const opcode = first & OPCODE_BITS;
    const isText = opcode === OPCODE.text;
    if ((first & FIN) === 0 || opcode === OPCODE.continuation) {
      this.onFrameStart(first, end - start);
      if (end > start) this.onFrameData(bytes, start, end, ascii);
      this.onFrameEnd();
    } else if ((first & RSV1) !== 0) {
      this.#inflate(bytes, start, end, isText, false);
    } else if (isText && !ascii && !isUtf8Text(bytes, start, end)) {
      this.#fail("TZ_WS_UTF8");
    } else {
      this.#events.onMessage(bytes, start, end, isText);
    }
  }

  onFrameStart(first: number, length: number): void {
    const opcode = first & OPCODE_BITS;
    if (opcode !== OPCODE.continuation) {
      this.#isText = opcode === OPCODE.text;
      this.#compressed = (first & RSV1) !== 0;
      this.#utf8 = UTF8_START;
      this.#fragments = 0;
    }
    this.#frameRest = length;
    this.#isLast = (first & FIN) !== 0;
    if (++this.#fragments > this.#limits.maxFragments) this.#fail("TZ_WS_FRAGMENTS");
  }

  onFrameData(bytes: Uint8Array, start: number, end: number, ascii: boolean): void {
    if (this.parser.failed) return;
    if (this.#isText && !this.#compressed && !(ascii && this.#utf8 === UTF8_START)) {
      this.#utf8 = validateUtf8(this.#utf8, bytes, start, end);
      if (this.#utf8 === UTF8_FAILED) {
        this.#fail("TZ_WS_UTF8");
        return;
      }
    }
    this.#frameRest -= end - start;
    this.#assembler ??= new Assembler(end - start + this.#frameRest);
    this.#assembler.append(bytes, start, end, this.#frameRest);
  }

  onFrameEnd(): void {
    if (!this.#isLast || this.parser.failed) return;
    const assembler = this.#assembler;
    this.#assembler = undefined;
    const bytes = assembler?.bytes ?? NO_BYTES;
    const length = assembler?.length ?? 0;
    if (this.#compressed) this.#inflate(bytes, 0, length, this.#isText, true);
    else if (this.#isText && this.#utf8 !== UTF8_START) this.#fail("TZ_WS_UTF8");
    else this.#events.onMessage(bytes, 0, length, this.#isText);
  }

  onControl(opcode: number, bytes: Uint8Array, start: number, end: number): void {
    this.#events.onControl(opcode, bytes, start, end);
  }

  onFrameError(error: WsError): void {
    this.close();
    this.#events.onReadError(error);
  }

  /** Gives back what a message in the middle holds. */
  close(): void {
    this.parser.stop();
    this.#assembler = undefined;
    this.#inflater?.close();
  }

  /** @param owned the bytes stay when this call returns */
  #inflate(bytes: Uint8Array, start: number, end: number, isText: boolean, owned: boolean): void {
    const inflater = this.#inflater!;
    const onDone = (error: WsError | undefined): void => this.#finishLater(error, isText);
    let done: boolean;
    try {
      done = inflater.inflate(bytes, start, end, owned, onDone);
    } catch (error) {
      inflater.release();
      this.#failWith(error as WsError);
      return;
    }
    if (done) {
      this.#deliver(isText);
    } else {
      this.busy = true;
      this.parser.halted = true;
    }
  }

  #finishLater(error: WsError | undefined, isText: boolean): void {
    try {
      if (error === undefined) {
        this.#deliver(isText);
      } else {
        this.#inflater!.release();
        this.#failWith(error);
      }
    } finally {
      // Not before: a callback that resumes must not read on inside the message at hand.
      this.busy = false;
    }
    if (!this.parser.failed) this.#events.onReadResume();
  }

  #deliver(isText: boolean): void {
    const inflater = this.#inflater!;
    const { output, length } = inflater;
    try {
      if (isText && !isUtf8Text(output, 0, length)) this.#fail("TZ_WS_UTF8");
      else this.#events.onMessage(output, 0, length, isText);
    } finally {
      inflater.release();
    }
  }

  #fail(code: "TZ_WS_UTF8" | "TZ_WS_FRAGMENTS"): void {
    this.#failWith(new WsError(code));
  }

  #failWith(error: WsError): void {
    this.close();
    this.#events.onReadError(error);
  }
}

const NO_BYTES = new Uint8Array(0);
