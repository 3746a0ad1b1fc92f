import { read } from "node:fs";
import { promisify } from "node:util";
import type { FileSegment } from "@tz/http1";
import type { StreamSink } from "./stream-sender.js";

const readFile = promisify(read);
const FILE_CHUNK_BYTES = 256 * 1024;

/**
 * Sends bytes and pieces of files in order, waiting for the client where it is behind. Ends early when it is gone.
 * @throws Error when a file is not any more what was promised: the answer must then be cut
 */
export async function sendSegments(
  sink: StreamSink,
  segments: readonly (Uint8Array | FileSegment)[],
): Promise<void> {
  for (const segment of segments) {
    if (segment instanceof Uint8Array) {
      if (sink.push(segment)) await sink.drained();
    } else {
      await sendFile(sink, segment);
    }
  }
}

async function sendFile(sink: StreamSink, { file, offset, length }: FileSegment): Promise<void> {
  for (let at = 0; at < length && !sink.gone; ) {
    if (at > 0 && file.isUnchanged?.() === false) throw new Error("the file changed while it was sent");
    const chunk = Buffer.allocUnsafe(Math.min(FILE_CHUNK_BYTES, length - at));
    const { bytesRead } = await readFile(file.fd, chunk, 0, chunk.byteLength, offset + at);
    if (bytesRead === 0) throw new Error("the file ended before its promised length");
    at += bytesRead;
    if (sink.push(chunk.subarray(0, bytesRead))) await sink.drained();
  }
}
