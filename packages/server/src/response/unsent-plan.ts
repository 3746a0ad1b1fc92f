import type { ResponsePlan } from "@tz/http1";

/**
 * Gives back all that an answer holds which nobody will send: its client is gone, or another answer goes in its place.
 * The executor of a plan that is sent does both by itself.
 */
export function dropPlan(plan: ResponsePlan): void {
  if (plan.body.kind === "stream") abandonChunks(plan.body.chunks);
  plan.release?.();
}

/**
 * Ends the source of a body that nobody reads, whether it has begun or not. Never throws.
 * @param iterator where it has begun
 */
export function abandonChunks(chunks: AsyncIterable<Uint8Array>, iterator?: AsyncIterator<Uint8Array>): void {
  if (!isNodeStream(chunks)) {
    // An iterator that somebody waits for ends when it comes to its next chunk.
    endIterator(chunks, iterator).catch(() => {});
    return;
  }
  // The iterator of a Node stream would not close what it has not begun to read, and would wait for what it has. A file
  // that cannot be opened says so afterwards, and there is nobody left to hear it.
  chunks.on("error", () => {});
  chunks.destroy();
}

async function endIterator(
  chunks: AsyncIterable<Uint8Array>,
  iterator = chunks[Symbol.asyncIterator](),
): Promise<void> {
  await iterator.return?.();
}

interface NodeStream {
  on(event: "error", listener: () => void): unknown;
  destroy(): unknown;
}

function isNodeStream(chunks: object): chunks is NodeStream & AsyncIterable<Uint8Array> {
  const { on, destroy } = chunks as Partial<NodeStream>;
  return typeof on === "function" && typeof destroy === "function";
}
