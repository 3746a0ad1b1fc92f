import { WsError } from "../errors.js";
import type { RawStream, RawStreamOptions } from "./raw-stream.js";
import type { DeflateRuntime } from "./runtime.js";
import type { SlicedJob } from "./sliced-jobs.js";

/** What the sender left out: an empty stored block ends with it (RFC 7692 §7.2.1). */
const TAIL = Uint8Array.of(0, 0, 0xff, 0xff);

/** A message that is longer when inflated is finished in later turns of the event loop. */
const OUTPUT_BYTES_PER_TURN = 256 * 1024;

/**
 * The receiving half of permessage-deflate (RFC 7692 §7.2.2) for one connection.
 *
 * The output grows with what comes out of the stream and stops one byte above `maxMessageBytes`: a bomb costs
 * at most that. With context takeover the connection holds a stream (about 40 KiB); without, one is borrowed
 * while a message is inflated.
 */
export class Inflater implements SlicedJob {
  /** The message, valid until `release`. */
  output: Buffer = NOTHING;
  length = 0;

  readonly #runtime: DeflateRuntime;
  readonly #options: RawStreamOptions;
  readonly #takeover: boolean;
  #stream: RawStream | undefined = undefined;
  /** What is left of the message's input. */
  #input: Uint8Array = TAIL;
  #at = 0;
  #end = 0;
  #tailIncluded = false;
  /** A block with BFINAL was read (§7.2.3.5): the stream begins anew behind it. */
  #restarted = false;
  #onDone: ((error: WsError | undefined) => void) | undefined = undefined;

  constructor(runtime: DeflateRuntime, windowBits: number, takeover: boolean, maxMessageBytes: number) {
    this.#runtime = runtime;
    this.#takeover = takeover;
    this.#options = {
      kind: "inflate",
      windowBits,
      level: 0,
      memoryLevel: 1,
      runLengthOnly: false,
      outputBytesMax: maxMessageBytes,
    };
  }

  /**
   * Inflates one message.
   *
   * @param owned the bytes stay as they are until the message is finished
   * @param onDone called in a later turn when the message is too long for this one
   * @returns true when the message is in `output`
   * @throws WsError `TZ_WS_INFLATE`, `TZ_WS_MESSAGE_SIZE`; the inflater is closed
   */
  inflate(
    bytes: Uint8Array,
    start: number,
    end: number,
    owned: boolean,
    onDone: (error: WsError | undefined) => void,
  ): boolean {
    this.#stream ??= this.#runtime.acquire(this.#options);
    this.output = this.#runtime.inflated.take();
    this.length = 0;
    this.#restarted = false;
    if (this.#firstTurn(bytes, start, end)) {
      this.#finishStream();
      return true;
    }
    if (!owned) {
      this.#input = Buffer.from(this.#input.subarray(this.#at, this.#end));
      this.#end -= this.#at;
      this.#at = 0;
    }
    this.#onDone = onDone;
    this.#runtime.jobs.add(this);
    return false;
  }

  step(): boolean {
    const onDone = this.#onDone!;
    let error: WsError | undefined;
    try {
      if (!this.#turn()) return false;
      this.#finishStream();
    } catch (caught) {
      error = caught as WsError;
    }
    this.#onDone = undefined;
    onDone(error);
    return true;
  }

  /** Ends the use of `output`. */
  release(): void {
    if (this.output !== NOTHING) this.#runtime.inflated.give(this.output);
    this.output = NOTHING;
  }

  close(): void {
    if (this.#onDone !== undefined) {
      this.#onDone = undefined;
      this.#runtime.jobs.cancel(this);
    }
    this.#stream?.close();
    this.#stream = undefined;
  }

  /**
   * The first turn saves a call into zlib: the tail is put behind the message where it lies, and what it
   * covered is put back.
   */
  #firstTurn(bytes: Uint8Array, start: number, end: number): boolean {
    this.#input = bytes;
    this.#at = start;
    this.#end = end;
    this.#tailIncluded = end + TAIL.length <= bytes.length;
    if (!this.#tailIncluded) return this.#turn();
    const [a, b, c, d] = [bytes[end]!, bytes[end + 1]!, bytes[end + 2]!, bytes[end + 3]!];
    bytes[end] = bytes[end + 1] = 0;
    bytes[end + 2] = bytes[end + 3] = 0xff;
    this.#end = end + TAIL.length;
    try {
      const done = this.#turn();
      if (!done) {
        this.#tailIncluded = this.#at > end;
        if (!this.#tailIncluded) this.#end = end;
        else this.#keepTail();
      }
      return done;
    } finally {
      bytes[end] = a;
      bytes[end + 1] = b;
      bytes[end + 2] = c;
      bytes[end + 3] = d;
    }
  }

  /** The turn ended inside the tail that is about to be taken away from behind the message. */
  #keepTail(): void {
    this.#input = TAIL;
    this.#at = TAIL.length - (this.#end - this.#at);
    this.#end = TAIL.length;
  }

  /** @returns true when the message is complete */
  #turn(): boolean {
    const stream = this.#stream!;
    const until = this.length + OUTPUT_BYTES_PER_TURN;
    for (;;) {
      const room = Math.min(this.output.length, until) - this.length;
      stream.step(this.#input, this.#at, this.#end, this.output, this.length, this.length + room, true);
      this.#at += stream.taken;
      this.length += stream.made;
      if (this.length > this.#options.outputBytesMax) {
        throw new WsError(
          "TZ_WS_MESSAGE_SIZE",
          `a message of more than ${this.#options.outputBytesMax} bytes when inflated`,
        );
      }
      if (stream.made === room) {
        if (this.length === this.output.length) this.#grow();
        if (this.length >= until) return false;
      } else if (this.#at < this.#end) {
        this.#restart(stream.taken + stream.made > 0);
      } else if (this.#tailIncluded) {
        return true;
      } else {
        this.#input = TAIL;
        this.#at = 0;
        this.#end = TAIL.length;
        this.#tailIncluded = true;
      }
    }
  }

  /** Input is left and room is left: the stream has ended. What follows is another one. */
  #restart(progress: boolean): void {
    if (this.#restarted && !progress) throw new WsError("TZ_WS_INFLATE", "data after the end of the stream");
    this.#restarted = true;
    this.#stream!.reset();
  }

  #grow(): void {
    const capacity = Math.min(this.length * 4, Math.max(this.#options.outputBytesMax + 1, this.length + 1));
    const grown = Buffer.allocUnsafeSlow(capacity);
    this.output.copy(grown, 0, 0, this.length);
    this.#runtime.inflated.give(this.output);
    this.output = grown;
  }

  #finishStream(): void {
    if (!this.#takeover) {
      this.#runtime.release(this.#options, this.#stream!);
      this.#stream = undefined;
    } else if (this.#restarted) {
      this.#stream!.reset();
    }
  }
}

const NOTHING = Buffer.alloc(0);
