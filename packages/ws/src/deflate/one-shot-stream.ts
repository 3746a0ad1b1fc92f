import { constants, deflateRawSync, inflateRawSync } from "node:zlib";
import { WsError } from "../errors.js";
import { type RawStream, type RawStreamOptions, zlibOptionsOf } from "./raw-stream.js";

const NOTHING = Buffer.alloc(0);

/**
 * A stream made of the documented one-shot functions: every message is a call of its own that is given what
 * came before as `dictionary`. Slower (a state is set up and the window is hashed each time), for runtimes
 * whose zlib objects cannot be worked by hand.
 */
export class OneShotStream implements RawStream {
  taken = 0;
  made = 0;
  readonly #options: RawStreamOptions;
  readonly #windowBytes: number;
  /** The last plain bytes, at most a window of them. */
  #window: Buffer = NOTHING;
  /** Input that waits for a flush. */
  #input: Buffer[] = [];
  /** Output that found no room yet. */
  #output: Buffer = NOTHING;

  constructor(options: RawStreamOptions) {
    this.#options = options;
    this.#windowBytes = 2 ** options.windowBits;
  }

  step(
    input: Uint8Array,
    start: number,
    end: number,
    output: Uint8Array,
    outStart: number,
    outEnd: number,
    flush: boolean,
  ): void {
    this.taken = end - start;
    if (end > start) this.#input.push(Buffer.from(input.subarray(start, end)));
    if (flush && this.#input.length > 0) this.#run();
    this.made = Math.min(this.#output.length, outEnd - outStart);
    output.set(this.#output.subarray(0, this.made), outStart);
    this.#output = this.#output.subarray(this.made);
  }

  reset(): void {
    this.#window = NOTHING;
    this.#input = [];
    this.#output = NOTHING;
  }

  close(): void {
    this.reset();
  }

  #run(): void {
    const input = Buffer.concat(this.#input);
    this.#input = [];
    const options = {
      ...zlibOptionsOf(this.#options),
      finishFlush: constants.Z_SYNC_FLUSH,
      ...(this.#window.length > 0 && { dictionary: this.#window }),
    };
    const plain = this.#options.kind === "inflate" ? this.#inflate(input, options) : input;
    const made = this.#options.kind === "inflate" ? plain : deflateRawSync(input, options);
    this.#output = this.#output.length > 0 ? Buffer.concat([this.#output, made]) : made;
    this.#window = Buffer.from(Buffer.concat([this.#window, plain]).subarray(-this.#windowBytes));
  }

  #inflate(input: Buffer, options: object): Buffer {
    try {
      return inflateRawSync(input, { ...options, maxOutputLength: this.#options.outputBytesMax + 1 });
    } catch (cause) {
      const tooLarge = (cause as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE";
      throw new WsError(tooLarge ? "TZ_WS_MESSAGE_SIZE" : "TZ_WS_INFLATE", undefined, { cause });
    }
  }
}
