import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { paced } from "./throttle.js";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "performance"] });
});
afterEach(() => {
  vi.useRealTimers();
});

async function* source(...sizes: number[]): AsyncGenerator<Uint8Array> {
  for (const size of sizes) yield new Uint8Array(size).fill(size % 251);
}

test("no faster than asked, from the first byte on, and nothing is lost", async () => {
  const startMs = performance.now();
  const sent: { atMs: number; byteLength: number }[] = [];
  const done = (async () => {
    for await (const piece of paced(source(25_000, 10, 0, 4990), 10_000)) {
      sent.push({ atMs: performance.now() - startMs, byteLength: piece.byteLength });
    }
  })();
  await vi.advanceTimersByTimeAsync(10_000);
  await done;
  let total = 0;
  for (const { atMs, byteLength } of sent) {
    // A piece may leave when what was before it has had its time.
    expect(total).toBeLessThanOrEqual((atMs / 1000) * 10_000 + 1);
    total += byteLength;
    expect(byteLength).toBeLessThanOrEqual(1000);
  }
  expect(total).toBe(30_000);
  expect(sent.at(-1)!.atMs).toBeGreaterThan(2800);
});

test("its source ends with it", async () => {
  let isEnded = false;
  async function* endless(): AsyncGenerator<Uint8Array> {
    try {
      for (;;) yield new Uint8Array(100);
    } finally {
      isEnded = true;
    }
  }
  for await (const _ of paced(endless(), 1_000_000)) break;
  expect(isEnded).toBe(true);
});
