import { createHandleStream, handleStreamsWork } from "./handle-stream.js";
import { OneShotStream } from "./one-shot-stream.js";
import type { RawStream, RawStreamOptions } from "./raw-stream.js";

/** The fastest kind that works in this runtime. */
export function createRawStream(options: RawStreamOptions): RawStream {
  return handleStreamsWork() ? createHandleStream(options) : new OneShotStream(options);
}
