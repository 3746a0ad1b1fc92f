import { expect, test } from "vitest";
import { Arena } from "./arena.js";
import { ArenaSet } from "./arena-set.js";
import { ObjectPool } from "./object-pool.js";
import { report, size } from "./report.js";
import { SharedSlabPool } from "./shared-slab-pool.js";
import { SizeClassAllocator } from "./size-class-allocator.js";
import { SlabPool } from "./slab-pool.js";

test("text has a line for each structure and part, JSON has all", () => {
  const arena = new Arena({ name: "head", memory: new ArrayBuffer(1024) });
  arena.allocate(100);
  const pool = new SlabPool({
    name: "partial",
    slotBytes: 1000,
    alignmentBytes: 1024,
    capacity: { reads: 3, writes: 1 },
  });
  pool.allocate(pool.holder("writes"));
  const all = report(arena, pool);
  expect(String(all).split("\n")).toEqual([
    "name      kind      allocated    active    mapped  retained  internal  external  efficiency  most mapped         live",
    "head      Arena         100 B     100 B  1.00 KiB       0 B     0.0 %    90.2 %       9.8 %     1.00 KiB            1",
    "partial   SlabPool     1000 B  1.00 KiB  1.00 KiB  3.00 KiB     2.3 %     0.0 %      97.7 %     1.00 KiB            1",
    "  reads                   0 B       0 B  3.00 KiB                                                         0/3 (max 0)",
    "  writes               1000 B  1.00 KiB  1.00 KiB                                                         1/1 (max 1)",
    "",
  ]);
  expect(JSON.parse(JSON.stringify(all))).toMatchObject({
    structures: [
      { name: "head", kind: "Arena", allocatedBytes: 100 },
      {
        name: "partial",
        kind: "SlabPool",
        parts: [{ name: "reads" }, { name: "writes", live: 1, limit: 1 }],
      },
    ],
    leaks: [],
  });
});

test("what is held in debug mode comes with the stack that took it", () => {
  const pool = new SlabPool({ name: "leaky", slotBytes: 2048, capacity: 2, debug: true });
  (function forgetful() {
    pool.allocate();
  })();
  const set = new ArenaSet({ debug: true });
  set.lease("task");
  const all = report(pool, set);
  expect(all.leaks).toMatchObject([
    { name: "leaky", id: 0, bytes: 2048, lost: false },
    { name: "ArenaSet", id: 0 },
  ]);
  expect(String(all)).toMatch(/held \(debug mode\): 2\nleaky 0: 2\.00 KiB, \d+ ms old\n\s+at forgetful/);
});

test("the ratios of every structure follow from its bytes", () => {
  const shared = new ArrayBuffer(SharedSlabPool.bytesFor({ slotBytes: 10, capacity: 4 }));
  SharedSlabPool.create(shared, { slotBytes: 10, capacity: 4 });
  const structures = [
    new Arena(),
    new ArenaSet(),
    new SlabPool({ slotBytes: 10, capacity: 4, prefault: true }),
    new ObjectPool({ create: () => ({}), capacity: 3, objectBytes: 32 }),
    new SizeClassAllocator(),
    SharedSlabPool.attach(shared, { owner: 1 }),
  ];
  for (const row of report(...structures).structures) {
    const {
      allocatedBytes,
      activeBytes,
      mappedBytes,
      internalFragmentation,
      externalFragmentation,
      efficiency,
    } = row;
    expect(allocatedBytes).toBeLessThanOrEqual(activeBytes);
    expect(activeBytes).toBeLessThanOrEqual(mappedBytes);
    expect((1 - internalFragmentation) * activeBytes).toBeCloseTo(allocatedBytes);
    if (mappedBytes === 0) expect([externalFragmentation, efficiency]).toEqual([0, 1]);
    else {
      expect((1 - externalFragmentation) * mappedBytes).toBeCloseTo(activeBytes);
      expect(efficiency * mappedBytes).toBeCloseTo(allocatedBytes);
    }
  }
});

test("sizes have three digits and a unit", () => {
  expect([0, 1023, 1024, 15 * 1024, 500 * 1024, 3 * 1024 ** 2, 5000 * 1024 ** 3].map(size)).toEqual([
    "0 B",
    "1023 B",
    "1.00 KiB",
    "15.0 KiB",
    "500 KiB",
    "3.00 MiB",
    "5000 GiB",
  ]);
});

test("refuses what has no statistics", () => {
  expect(() => report({} as never)).toThrow(/an object \(Object\) has no statistics/);
  expect(() => report(undefined as never)).toThrow(/undefined has no statistics/);
});
