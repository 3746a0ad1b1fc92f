/** Body bytes for executors that cannot send from a descriptor themselves. */
import fs from "node:fs";
import { type Duplex, Readable } from "node:stream";
import { promisify } from "node:util";
import type { FileSegment, PlanBody } from "@tz/http1";

const readFile = promisify(fs.read) as (
  fd: number,
  buffer: Uint8Array,
  offset: number,
  length: number,
  position: number,
) => Promise<{ bytesRead: number }>;

/** One read and one write at a time: large enough that the trip to the pool is small beside the copy. */
const CHUNK_BYTES = 128 * 1024;

/** The promised length cannot be kept: the file shrank or was written to. The connection has to be closed. */
export class FileChangedError extends Error {
  override readonly name = "FileChangedError";
}

/**
 * The bytes of all parts, in order. A chunk that came from a file is checked **after** it was read and before
 * it is handed out, so that bytes of another version of the file are never sent.
 * @throws FileChangedError
 */
export async function* readSegments(
  segments: readonly (Uint8Array | FileSegment)[],
): AsyncGenerator<Uint8Array, void, undefined> {
  for (const segment of segments) {
    if (segment instanceof Uint8Array) {
      yield segment;
      continue;
    }
    for (let done = 0; done < segment.length; ) {
      const chunk = Buffer.allocUnsafeSlow(Math.min(CHUNK_BYTES, segment.length - done));
      const { bytesRead } = await readFile(
        segment.file.fd,
        chunk,
        0,
        chunk.byteLength,
        segment.offset + done,
      );
      if (bytesRead === 0) throw new FileChangedError("the file is shorter than promised");
      if (segment.file.isUnchanged?.() === false)
        throw new FileChangedError("the file was changed while it was sent");
      done += bytesRead;
      yield chunk.subarray(0, bytesRead);
    }
  }
}

/** Any body as chunks. */
export function chunksOf(body: PlanBody): AsyncIterable<Uint8Array> {
  switch (body.kind) {
    case "none":
      return readSegments([]);
    case "bytes":
      return readSegments([body.bytes]);
    case "segments":
      return readSegments(body.segments);
    case "stream":
      return body.chunks;
  }
}

/** Passes chunks through a decoder. An error on either side ends the iteration with it. */
export async function* decoded(
  source: AsyncIterable<Uint8Array>,
  decoder: NodeJS.ReadWriteStream,
): AsyncGenerator<Uint8Array, void, undefined> {
  const stream = compose(Readable.from(source, { objectMode: false }), decoder as Duplex);
  try {
    for await (const chunk of stream) yield chunk as Uint8Array;
  } finally {
    stream.destroy();
  }
}

function compose(source: Readable, decoder: Duplex): Duplex {
  source.once("error", (error) => decoder.destroy(error));
  decoder.once("close", () => source.destroy());
  return source.pipe(decoder);
}
