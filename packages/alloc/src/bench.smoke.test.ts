import { isSupported } from "@tz/sys";
import { expect, test } from "vitest";
import { benchFragmentation } from "../bench/fragmentation/fragmentation.js";
import { jemallocPath, MallocDriver } from "../bench/fragmentation/malloc.js";
import { webServerTrace } from "../bench/fragmentation/trace.js";
import { compare, table } from "../bench/measure.js";
import { benchPageFaults } from "../bench/page-faults.js";
import { benchOthers, benchSlabPool, benchTimerWheel } from "../bench/pools.js";
import { benchMpmcQueue, benchSharedSlabPool, benchSpscRing } from "../bench/threads.js";

/** Small enough for a test: the benches check their results at any size. Nothing is asserted of the times. */
const SMALL = { part: 0.002, rounds: 1 };

test("the benches of one thread run and have a figure in each row", () => {
  for (const bench of [benchSlabPool, benchOthers, benchTimerWheel]) {
    const rows = bench(SMALL);
    expect(rows.length).toBeGreaterThan(2);
    for (const row of rows) expect(row.figure).toMatch(/^\d/);
  }
});

test("the benches of several threads run and have a figure in each row", async () => {
  for (const bench of [benchSharedSlabPool, benchSpscRing, benchMpmcQueue]) {
    for (const row of await bench(SMALL)) expect(row.figure).toMatch(/^\d+\.\d M\/s$/);
  }
}, 240_000);

test.skipIf(process.platform !== "linux")(
  "prefaulting saves the page faults of serving",
  () => {
    const [row] = benchPageFaults({ part: 0.05, rounds: 1 });
    const without = Number(/[\d,]+$/.exec(row!.note!)![0].replaceAll(",", ""));
    expect(without).toBeGreaterThan(400);
    // 0 in the bench; here the machine may be busy with other things.
    expect(Number(row!.figure)).toBeLessThan(without / 10);
  },
  240_000,
);

test("the fragmentation bench runs, with the peers that the machine has", () => {
  const rows = benchFragmentation({ part: 0.05, rounds: 1 });
  const driver = MallocDriver.compile();
  driver?.remove();
  const text = table(rows);
  expect(text).toContain("SizeClassAllocator over array buffers");
  expect(text.includes("SizeClassAllocator over mappings")).toBe(isSupported().supported);
  expect(text.includes("after purge: glibc malloc")).toBe(driver !== undefined);
  expect(text.includes("after purge: jemalloc")).toBe(driver !== undefined && jemallocPath !== undefined);
}, 240_000);

test("the trace is the same for the same seed, and balanced", () => {
  const a = webServerTrace(7, 20_000);
  const b = webServerTrace(7, 20_000);
  expect(a.operations).toEqual(b.operations);
  expect(webServerTrace(8, 20_000).operations).not.toEqual(a.operations);
  const sizes = new Map<number, number>();
  let live = 0;
  let peak = 0;
  for (let i = 0; i < a.count; i++) {
    const [kind, id, bytes] = a.operations.subarray(i * 3, i * 3 + 3) as unknown as [number, number, number];
    expect(sizes.has(id)).toBe(kind !== 0);
    live += kind === 1 ? -sizes.get(id)! : bytes - (sizes.get(id) ?? 0);
    if (kind === 1) sizes.delete(id);
    else sizes.set(id, bytes);
    peak = Math.max(peak, live);
  }
  expect([live, peak]).toEqual([a.endBytes, a.peakBytes]);
});

test("compare gives medians and ratios to the last", () => {
  const log: string[] = [];
  const { ns, ratios } = compare([() => log.push("a"), () => log.push("b")], [1, 1], 3);
  expect(log.join("")).toBe("abababab");
  expect(ns.length).toBe(2);
  expect(ratios[1]).toBe(1);
});
