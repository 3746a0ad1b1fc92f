import { constants } from "node:zlib";

/**
 * One raw DEFLATE stream, worked synchronously a step at a time, so that messages keep their order and a step
 * is bounded by the room that it is given.
 */
export interface RawStream {
  /** Input bytes that the last step used. */
  taken: number;
  /** Output bytes that the last step made. As many as there was room: there may be more, step again. */
  made: number;
  /**
   * @param flush end at a byte boundary with an empty stored block (Z_SYNC_FLUSH)
   * @throws WsError `TZ_WS_INFLATE` when the input is not DEFLATE data; the stream is of no use after it
   */
  step(
    input: Uint8Array,
    start: number,
    end: number,
    output: Uint8Array,
    outStart: number,
    outEnd: number,
    flush: boolean,
  ): void;
  /** As new: forgets the window. */
  reset(): void;
  /** Frees the native memory. */
  close(): void;
}

export interface RawStreamOptions {
  readonly kind: "deflate" | "inflate";
  /** log2 of the window, 9 to 15. */
  readonly windowBits: number;
  /** Deflate only: 0 (none) to 9. */
  readonly level: number;
  /** Deflate only: 1 to 9. */
  readonly memoryLevel: number;
  /** Deflate only: matches of distance 1 alone, for peers with a window of 256 bytes. */
  readonly runLengthOnly: boolean;
  /** Inflate only: a step may stop with an error above this. */
  readonly outputBytesMax: number;
}

/** zlib's own parameters for these options. */
export function zlibOptionsOf(options: RawStreamOptions) {
  return {
    windowBits: options.windowBits,
    level: options.level,
    memLevel: options.memoryLevel,
    strategy: options.runLengthOnly ? constants.Z_RLE : constants.Z_DEFAULT_STRATEGY,
  };
}
