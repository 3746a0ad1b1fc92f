import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { expect, test } from "vitest";
import { CounterCells } from "./counter-cells.js";
import { NamedRows, rowWords } from "./named-rows.js";

test("counts beyond 32 bits", () => {
  const cells = new CounterCells(new Uint32Array(4));
  cells.add(2, 0xffff_fffe);
  cells.add(2, 1);
  expect(cells.read(2)).toBe(0xffff_ffff);
  cells.add(2, 1);
  expect(cells.read(2)).toBe(2 ** 32);
  cells.add(2, 2 ** 40);
  expect(cells.read(2)).toBe(2 ** 40 + 2 ** 32);
  cells.set(2, 7);
  expect(cells.read(2)).toBe(7);
  expect(cells.read(0)).toBe(0);
});

test("a reader in another thread never sees a count fall, not even when its high word changes", async () => {
  const shared = new SharedArrayBuffer(16);
  const words = new Uint32Array(shared);
  const writer = new Worker(
    `const { workerData } = require("node:worker_threads");
     const words = new Uint32Array(workerData);
     const CARRYING = 0x80000000;
     // As CounterCells.add, in steps that carry every other time.
     for (let i = 0; i < 200_000; i++) {
       const after = words[0] + 0x90000000;
       if (after < 2 ** 32) { words[0] = after; continue; }
       const high = (words[1] & ~CARRYING) + 1;
       Atomics.store(words, 1, (high | CARRYING) >>> 0);
       Atomics.store(words, 0, after % 2 ** 32);
       Atomics.store(words, 1, high);
     }`,
    { eval: true, workerData: shared },
  );
  const cells = new CounterCells(words);
  let ended = false;
  const exit = once(writer, "exit").then(() => {
    ended = true;
  });
  let last = 0;
  while (!ended) {
    for (let i = 0; i < 1000; i++) {
      const now = cells.read(0);
      expect(now >= last).toBe(true);
      last = now;
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
  await exit;
  expect(cells.read(0)).toBe(200_000 * 0x9000_0000);
});

test("rows keep their values under their name, and begin anew under another", () => {
  const shape = { rows: 3, nameBytes: 8, columns: 2 };
  const words = new Uint32Array(3 * rowWords(shape));
  const rows = new NamedRows(new CounterCells(words), 0, shape);
  rows.put(0, "one", [1, 2]);
  rows.put(1, "wörter-länger", [3, 4]);
  expect(rows.read()).toEqual([
    { name: "one", values: [1, 2] },
    { name: "wörter-", values: [3, 4] },
  ]);
  // Somebody else who takes the memory over.
  const next = new NamedRows(new CounterCells(words), 0, shape);
  next.claim(0, "one");
  next.claim(1, "two");
  expect(next.read()).toEqual([
    { name: "one", values: [1, 2] },
    { name: "two", values: [0, 0] },
  ]);
  next.truncate(1);
  expect(next.read()).toEqual([{ name: "one", values: [1, 2] }]);
});

test("a count whose writer stopped in the middle of a carry is between what it was and what it would be", () => {
  const words = new Uint32Array(2);
  const cells = new CounterCells(words);
  cells.add(0, 2 ** 32 - 10);
  const before = cells.read(0);
  // What a carry of 20 stores first, and then.
  for (const low of [2 ** 32 - 10, 10]) {
    words.set([low, 0x8000_0001]);
    expect(cells.read(0)).toBeGreaterThanOrEqual(before);
    expect(cells.read(0)).toBeLessThan(2 ** 32 + 10);
  }
});
