/** Sends no faster than so many bytes a second, from the first byte on. */
import type { PlanBody } from "@tz/http1";
import { chunksOf } from "./segment-reader.js";

/** As often as this a piece is sent: small enough to look even, large enough to cost little. */
const TICK_MS = 100;

export function throttled(body: PlanBody, bytesPerSecond: number): PlanBody {
  if (body.kind === "none") return body;
  const length = body.kind === "bytes" ? body.bytes.byteLength : body.length;
  return { kind: "stream", length, chunks: paced(chunksOf(body), bytesPerSecond) };
}

export async function* paced(
  source: AsyncIterable<Uint8Array>,
  bytesPerSecond: number,
  now: () => number = () => performance.now(),
): AsyncGenerator<Uint8Array, void, undefined> {
  const pieceBytes = Math.max(1, Math.floor((bytesPerSecond * TICK_MS) / 1000));
  const startMs = now();
  let sent = 0;
  for await (const chunk of source) {
    for (let at = 0; at < chunk.byteLength; at += pieceBytes) {
      // What was sent so far should have taken this long.
      const waitMs = startMs + (sent * 1000) / bytesPerSecond - now();
      if (waitMs > 0) await new Promise((done) => setTimeout(done, waitMs));
      const piece = chunk.subarray(at, at + pieceBytes);
      sent += piece.byteLength;
      yield piece;
    }
  }
}
