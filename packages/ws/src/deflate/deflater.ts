import type { RawStream, RawStreamOptions } from "./raw-stream.js";
import type { DeflateRuntime } from "./runtime.js";
import type { SlicedJob } from "./sliced-jobs.js";

/** A flush ends with these; the last frame of a message leaves them out (RFC 7692 §7.2.1). */
const TAIL_BYTES = 4;
/** An empty stored block without its tail (§7.2.3.6). */
const EMPTY_MESSAGE = Buffer.of(0, 0, 0, 0xff, 0xff);

/** What is compressed in one turn of the event loop; longer input is finished in later turns. */
const INPUT_BYTES_PER_TURN = 64 * 1024;

export interface DeflaterOptions {
  /** log2 of the window that the peer has, 8 to 15. */
  readonly windowBits: number;
  readonly takeover: boolean;
  readonly level: number;
  readonly memoryLevel: number;
}

/**
 * The sending half of permessage-deflate (RFC 7692 §7.2.1) for one connection.
 *
 * With context takeover the connection holds a stream (about 260 KiB with 15 bits); without, one is borrowed
 * while a message is compressed.
 */
export class Deflater implements SlicedJob {
  /** The compressed bytes, valid until `release`. */
  output: Buffer = EMPTY_MESSAGE;
  length = 0;

  readonly #runtime: DeflateRuntime;
  readonly #options: RawStreamOptions;
  /** The stream keeps its window from message to message. */
  readonly takeover: boolean;
  #stream: RawStream | undefined = undefined;
  #input: Uint8Array = EMPTY_MESSAGE;
  #at = 0;
  #end = 0;
  #last = true;
  #onDone: (() => void) | undefined = undefined;

  constructor(runtime: DeflateRuntime, options: DeflaterOptions) {
    this.#runtime = runtime;
    this.takeover = options.takeover;
    this.#options = {
      kind: "deflate",
      // zlib has no raw window of 8 bits: it takes 9. Matches of distance 1 fit into any window.
      windowBits: Math.max(9, options.windowBits),
      runLengthOnly: options.windowBits < 9,
      level: options.level,
      memoryLevel: options.memoryLevel,
      outputBytesMax: 0,
    };
  }

  /** True while a long input is in work. */
  get busy(): boolean {
    return this.#onDone !== undefined;
  }

  /** True for an input that should not be compressed in one turn. */
  isLong(byteLength: number): boolean {
    return byteLength > INPUT_BYTES_PER_TURN;
  }

  /**
   * Compresses the payload of a frame into `output`.
   *
   * @param last the frame ends its message
   */
  deflate(bytes: Uint8Array, start: number, end: number, last: boolean): void {
    this.#begin(bytes, start, end, last);
    while (this.#at < this.#end) this.#turn();
    this.#finish();
  }

  /**
   * The same over several turns of the event loop, for bytes that stay until then.
   *
   * @param onDone called in a later turn, when the payload is in `output`
   */
  deflateLater(bytes: Uint8Array, last: boolean, onDone: () => void): void {
    this.#begin(bytes, 0, bytes.length, last);
    this.#onDone = onDone;
    this.#runtime.jobs.add(this);
  }

  step(): boolean {
    if (this.#at < this.#end) this.#turn();
    if (this.#at < this.#end) return false;
    const onDone = this.#onDone!;
    this.#onDone = undefined;
    this.#finish();
    onDone();
    return true;
  }

  /** Ends the use of `output`. */
  release(): void {
    if (this.output !== EMPTY_MESSAGE) this.#runtime.deflated.give(this.output);
    this.output = EMPTY_MESSAGE;
    this.#input = EMPTY_MESSAGE;
  }

  close(): void {
    if (this.#onDone !== undefined) {
      this.#onDone = undefined;
      this.#runtime.jobs.cancel(this);
    }
    this.#stream?.close();
    this.#stream = undefined;
  }

  #begin(bytes: Uint8Array, start: number, end: number, last: boolean): void {
    this.#last = last;
    this.#input = bytes;
    this.#at = start;
    this.#end = end;
    this.length = 0;
    if (start === end) {
      this.output = EMPTY_MESSAGE;
      this.length = EMPTY_MESSAGE.length;
      return;
    }
    this.#stream ??= this.#runtime.acquire(this.#options);
    this.output = this.#runtime.deflated.take();
  }

  /** Compresses the next slice of the input, and flushes behind the last one. */
  #turn(): void {
    const stream = this.#stream!;
    const until = Math.min(this.#end, this.#at + INPUT_BYTES_PER_TURN);
    const flush = until === this.#end;
    for (;;) {
      const room = this.output.length - this.length;
      stream.step(this.#input, this.#at, until, this.output, this.length, this.output.length, flush);
      this.#at += stream.taken;
      this.length += stream.made;
      if (stream.made < room) return;
      this.#grow();
    }
  }

  #grow(): void {
    const grown = Buffer.allocUnsafeSlow(this.output.length * 2);
    this.output.copy(grown, 0, 0, this.length);
    this.#runtime.deflated.give(this.output);
    this.output = grown;
  }

  #finish(): void {
    if (!this.#last) return;
    this.length -= TAIL_BYTES;
    if (this.takeover || this.#stream === undefined) return;
    this.#runtime.release(this.#options, this.#stream);
    this.#stream = undefined;
  }
}
