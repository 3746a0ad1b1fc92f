import { constants, createDeflateRaw, createInflateRaw } from "node:zlib";
import { WsError } from "../errors.js";
import { type RawStream, type RawStreamOptions, zlibOptionsOf } from "./raw-stream.js";

/**
 * The zlib stream inside a `node:zlib` object, called synchronously with memory of ours: 1 µs for a small
 * message where the stream API takes 70 to 100 µs and `deflateRawSync` 15 µs (a new 256 KiB state each call).
 *
 * `_handle.writeSync` and `_writeState` are not documented, and have been the same from Node 8 to 26. What a
 * runtime has is tried once by {@link handleStreamsWork}; without them `OneShotStream` takes over.
 */
interface ZlibHandle {
  writeSync(
    flush: number,
    input: Uint8Array,
    inputOffset: number,
    inputLength: number,
    output: Uint8Array,
    outputOffset: number,
    outputLength: number,
  ): void;
  reset(): void;
  onerror: (message: string, errno: number, code: string) => void;
}

interface ZlibInternals {
  readonly _handle: ZlibHandle | null;
  /** Room left in the output, bytes left of the input: written by each `writeSync`. */
  readonly _writeState: Uint32Array;
}

class HandleStream implements RawStream {
  taken = 0;
  made = 0;
  /** Keeps the native stream alive, and frees it. */
  readonly #owner: ReturnType<typeof createInflateRaw>;
  readonly #handle: ZlibHandle;
  readonly #state: Uint32Array;
  #failure: string | undefined = undefined;

  constructor(owner: ReturnType<typeof createInflateRaw>) {
    const { _handle, _writeState } = owner as unknown as ZlibInternals;
    this.#owner = owner;
    this.#handle = _handle!;
    this.#state = _writeState;
    this.#handle.onerror = (message) => {
      this.#failure = message;
    };
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
    const mode = flush ? constants.Z_SYNC_FLUSH : constants.Z_NO_FLUSH;
    this.#handle.writeSync(mode, input, start, end - start, output, outStart, outEnd - outStart);
    if (this.#failure !== undefined) throw new WsError("TZ_WS_INFLATE", this.#failure);
    this.made = outEnd - outStart - this.#state[0]!;
    this.taken = end - start - this.#state[1]!;
  }

  reset(): void {
    this.#failure = undefined;
    this.#handle.reset();
  }

  close(): void {
    this.#owner.close();
  }
}

export function createHandleStream(options: RawStreamOptions): RawStream {
  const zlibOptions = zlibOptionsOf(options);
  return new HandleStream(
    options.kind === "inflate" ? createInflateRaw(zlibOptions) : createDeflateRaw(zlibOptions),
  );
}

let works: boolean | undefined;

/** True when this runtime's zlib objects can be driven so: they have the parts, and a round trip comes back. */
export function handleStreamsWork(): boolean {
  works ??= tryRoundTrip();
  return works;
}

function tryRoundTrip(): boolean {
  const common = { windowBits: 15, level: 1, memoryLevel: 8, runLengthOnly: false, outputBytesMax: 64 };
  const text = Buffer.from("round trip, round trip");
  const packed = Buffer.alloc(64);
  const back = Buffer.alloc(64);
  try {
    const deflate = createHandleStream({ kind: "deflate", ...common });
    const inflate = createHandleStream({ kind: "inflate", ...common });
    deflate.step(text, 0, text.length, packed, 0, packed.length, true);
    inflate.step(packed, 0, deflate.made, back, 0, back.length, true);
    const same = inflate.made === text.length && text.equals(back.subarray(0, text.length));
    deflate.close();
    inflate.close();
    return same;
  } catch {
    return false;
  }
}
