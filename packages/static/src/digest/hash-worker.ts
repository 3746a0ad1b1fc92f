/** Hashes files and bytes on a thread of its own. Knows nothing but Node: it must not load native modules. */
import { createHash } from "node:crypto";
import { readSync } from "node:fs";
import { parentPort } from "node:worker_threads";

/** Either bytes, or a range of a file that the other side keeps open. */
export interface HashRequest {
  readonly id: number;
  /** Names as OpenSSL has them. */
  readonly algorithms: readonly string[];
  readonly bytes?: Uint8Array;
  readonly fd?: number;
  readonly start?: number;
  readonly end?: number;
}

export interface HashReply {
  readonly id: number;
  /** Base64, in the order of the algorithms; `undefined` when the file could not be read to the end. */
  readonly digests: readonly string[] | undefined;
}

const CHUNK_BYTES = 1024 * 1024;

function digest({ algorithms, bytes, fd, start = 0, end = 0 }: HashRequest): string[] | undefined {
  const hashes = algorithms.map((algorithm) => createHash(algorithm));
  if (bytes !== undefined) {
    for (const hash of hashes) hash.update(bytes);
  } else if (fd !== undefined) {
    const chunk = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, Math.max(1, end - start)));
    for (let at = start; at < end; ) {
      const count = readSync(fd, chunk, 0, Math.min(chunk.byteLength, end - at), at);
      if (count === 0) return undefined;
      for (const hash of hashes) hash.update(chunk.subarray(0, count));
      at += count;
    }
  }
  return hashes.map((hash) => hash.digest("base64"));
}

parentPort?.on("message", (request: HashRequest) => {
  let digests: string[] | undefined;
  try {
    digests = digest(request);
  } catch {
    digests = undefined;
  }
  const reply: HashReply = { id: request.id, digests };
  parentPort?.postMessage(reply);
});
