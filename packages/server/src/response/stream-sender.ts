import { abandonChunks } from "./unsent-plan.js";

/** What a stream needs of its connection. */
export interface StreamSink {
  /** Queues bytes and sends what fits. `true`: the client is behind, wait for {@link drained}. */
  push(bytes: Uint8Array): boolean;
  /** Resolves when the queue is empty; also when the connection is gone. */
  drained(): Promise<void>;
  /** Calls once when the connection is gone, unless {@link drained} was asked meanwhile. */
  whenGone(listener: () => void): void;
  readonly gone: boolean;
}

const CRLF = Buffer.from("\r\n", "latin1");
const LAST_CHUNK = Buffer.from("0\r\n\r\n", "latin1");

/**
 * Sends the chunks of a stream, waiting for the client where it is behind.
 *
 * @param length bytes that were promised; `undefined` when the chunks frame themselves
 * @param chunked frame by the chunked coding (RFC 9112 §7.1); otherwise the bytes go out bare
 * @returns `true` when the answer is complete; `false` when the stream failed, ended early, promised too little,
 *   or the client left: the connection must then be destroyed, so that the client can tell
 */
export async function sendStream(
  sink: StreamSink,
  chunks: AsyncIterable<Uint8Array>,
  length: number | undefined,
  chunked: boolean,
): Promise<boolean> {
  const iterator = chunks[Symbol.asyncIterator]();
  let left = length ?? Number.POSITIVE_INFINITY;
  let finished = false;
  /** The source is behind with an answer: it cannot be waited for. */
  let waiting = false;
  let begun = false;
  try {
    while (!sink.gone) {
      waiting = true;
      begun = true;
      const next = await nextOrGone(sink, iterator);
      if (next === undefined) break;
      waiting = false;
      if (next.done === true) {
        finished = true;
        break;
      }
      if (sink.gone) break;
      const chunk = bytesOf(next.value);
      if (chunk.byteLength === 0) continue;
      if (chunk.byteLength > left) return false;
      left -= chunk.byteLength;
      const behind = chunked ? pushChunk(sink, chunk) : sink.push(chunk);
      if (behind) await sink.drained();
    }
  } finally {
    if (!begun || (waiting && sink.gone)) abandonChunks(chunks, iterator);
    else if (!finished) await iterator.return?.();
  }
  if (!finished || sink.gone || (length !== undefined && left !== 0)) return false;
  if (chunked) sink.push(LAST_CHUNK);
  return true;
}

/** Streams of Node's with an encoding yield strings, whatever their type says. */
function bytesOf(chunk: unknown): Uint8Array {
  if (chunk instanceof Uint8Array) return chunk;
  if (typeof chunk === "string") return Buffer.from(chunk, "utf8");
  throw new TypeError(
    `a streamed answer yielded ${typeof chunk}; allowed: Uint8Array, string (sent as UTF-8)`,
  );
}

/** The next chunk, or `undefined` as soon as the client is gone, whatever the source does. */
function nextOrGone(
  sink: StreamSink,
  iterator: AsyncIterator<Uint8Array>,
): Promise<IteratorResult<Uint8Array> | undefined> {
  return new Promise((resolve, reject) => {
    sink.whenGone(() => resolve(undefined));
    iterator.next().then(resolve, reject);
  });
}

function pushChunk(sink: StreamSink, chunk: Uint8Array): boolean {
  const size = Buffer.from(`${chunk.byteLength.toString(16)}\r\n`, "latin1");
  return sink.push(Buffer.concat([size, chunk, CRLF]));
}
