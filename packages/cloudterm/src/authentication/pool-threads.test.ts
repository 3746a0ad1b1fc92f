import { expect, test } from "vitest";
import { HashQueue, poolThreads } from "./hash-queue.js";

test.each<[string | undefined, number]>([
  [undefined, 4],
  ["4", 4],
  ["1", 1],
  // As libuv's atoi has it.
  ["0", 1],
  ["", 1],
  ["many", 1],
  [" 8", 8],
  ["8 threads", 8],
  ["2.9", 2],
  ["1e3", 1],
  ["-1", 1024],
  ["99999", 1024],
])("UV_THREADPOOL_SIZE=%j is %i threads", (text, threads) => {
  expect(poolThreads(text)).toBe(threads);
});

test.each(["0", "", "-1", "odd"])("UV_THREADPOOL_SIZE=%j: hashes run all the same", async (text) => {
  const before = process.env.UV_THREADPOOL_SIZE;
  process.env.UV_THREADPOOL_SIZE = text;
  try {
    expect(await new HashQueue().run(async () => 1)).toBe(1);
  } finally {
    if (before === undefined) delete process.env.UV_THREADPOOL_SIZE;
    else process.env.UV_THREADPOOL_SIZE = before;
  }
});
