import { expect, test } from "vitest";
import { SlabPool } from "./slab-pool.js";

test("hands out each slot once, the one freed last first", () => {
  const pool = new SlabPool({ slotBytes: 100, capacity: 4 });
  expect([pool.allocate(), pool.allocate(), pool.allocate(), pool.allocate()]).toEqual([0, 1, 2, 3]);
  pool.free(1);
  pool.free(3);
  expect(pool.allocate()).toBe(3);
  expect(pool.allocate()).toBe(1);
  expect(pool.used).toBe(4);
});

test("slots begin at multiples of the alignment and do not overlap", () => {
  const pool = new SlabPool({ slotBytes: 100, capacity: 3, alignmentBytes: 64 });
  expect(pool.strideBytes).toBe(128);
  const views = [pool.allocate(), pool.allocate(), pool.allocate()].map((slot) => pool.view(slot));
  views.forEach((view, i) => {
    view.fill(i + 1);
  });
  views.forEach((view, i) => {
    expect(view.length).toBe(100);
    expect(view.every((byte) => byte === i + 1)).toBe(true);
    expect(pool.slotOf(view.subarray(50))).toBe(i);
  });
});

test("the capacity is a sum of named holders, each with its share", () => {
  const pool = new SlabPool({
    slotBytes: 16,
    capacity: { connections: 2, handshakes: 1 },
    atCapacity: "null",
  });
  expect(pool.capacity).toBe(3);
  expect(pool.capacityText).toBe("2 connections + 1 handshakes = 3");
  const connections = pool.holder("connections");
  const handshakes = pool.holder("handshakes");
  const first = pool.allocate(connections)!;
  pool.allocate(connections);
  expect(pool.allocate(connections)).toBeNull();
  // The share of the other holder is still there.
  expect(pool.allocate(handshakes)).not.toBeNull();
  pool.free(first);
  expect(pool.allocate(connections)).not.toBeNull();
  expect(pool.statistics().parts).toMatchObject([
    { name: "connections", live: 2, liveMax: 2, limit: 2 },
    { name: "handshakes", live: 1, liveMax: 1, limit: 1 },
  ]);
  expect(() => pool.holder("sessions")).toThrow(/no holder "sessions"; there are connections, handshakes/);
  expect(() => pool.allocate(2)).toThrow(/holder must be from 0 to 1, got 2/);
  expect(() => pool.allocate(Number.NaN)).toThrow(expect.objectContaining({ code: "TZ_ALLOC_OWNER" }));
});

test("throws at capacity by default, and names who holds it", () => {
  const pool = new SlabPool({ slotBytes: 16, capacity: 1, name: "partial requests" });
  pool.allocate();
  expect(() => pool.allocate()).toThrow(
    expect.objectContaining({
      code: "TZ_ALLOC_CAPACITY",
      message: 'SlabPool partial requests: all 1 slots of "all" are held (capacity 1 all)',
    }),
  );
  expect(pool.used).toBe(1);
});

test("a function at capacity may make room; when it does not, the answer is null", () => {
  let frees = 1;
  const pool: SlabPool<() => boolean> = new SlabPool({
    slotBytes: 16,
    capacity: 1,
    atCapacity: () => {
      if (frees-- > 0) pool.free(0);
      return true;
    },
  });
  expect(pool.allocate()).toBe(0);
  expect(pool.allocate()).toBe(0);
  expect(pool.allocate()).toBeNull();
  expect(pool.used).toBe(1);
});

test("finds double frees and foreign slots, and stays valid", () => {
  const pool = new SlabPool({ slotBytes: 16, capacity: 4 });
  const slot = pool.allocate();
  pool.free(slot);
  expect(() => pool.free(slot)).toThrow(expect.objectContaining({ code: "TZ_ALLOC_DOUBLE_FREE" }));
  expect(() => pool.view(slot)).toThrow(expect.objectContaining({ code: "TZ_ALLOC_DOUBLE_FREE" }));
  for (const bad of [-1, 4, 1.5, Number.NaN, 2 ** 40]) {
    expect(() => pool.free(bad)).toThrow(
      expect.objectContaining({
        code: "TZ_ALLOC_ADDRESS",
        message: `SlabPool SlabPool: slot must be an integer from 0 to 3, got ${bad}`,
      }),
    );
  }
  expect(() => pool.slotOf(new Uint8Array(16))).toThrow(/is not memory of this pool/);
  expect([pool.allocate(), pool.allocate(), pool.allocate(), pool.allocate()].sort()).toEqual([0, 1, 2, 3]);
});

test("zeroes freed slots when asked to", () => {
  const pool = new SlabPool({ slotBytes: 16, capacity: 2, zeroOnFree: true });
  const slot = pool.allocate();
  pool.view(slot).fill(9);
  pool.free(slot);
  expect(pool.bytes.every((byte) => byte === 0)).toBe(true);
});

test("prefault keeps what the memory holds", () => {
  const memory = new Uint8Array(3 * 4096).fill(5);
  const pool = new SlabPool({ slotBytes: 4096, capacity: 3, memory, prefault: true });
  expect(pool.bytes.every((byte) => byte === 5)).toBe(true);
  expect(pool.statistics()).toMatchObject({ mappedBytes: 3 * 4096, retainedBytes: 0 });
});

test("statistics count what is held, what was touched and the most there was", () => {
  const pool = new SlabPool({ slotBytes: 100, alignmentBytes: 128, capacity: 10 });
  const slots = [pool.allocate(), pool.allocate(), pool.allocate()];
  pool.free(slots[0]!);
  expect(pool.statistics()).toMatchObject({
    allocatedBytes: 200,
    activeBytes: 256,
    mappedBytes: 384,
    retainedBytes: 7 * 128,
    allocations: 3,
    frees: 1,
    highWater: { allocatedBytes: 300, activeBytes: 384, mappedBytes: 384 },
  });
  expect(pool.statistics().internalFragmentation).toBeCloseTo(1 - 200 / 256);
  expect(pool.statistics().efficiency).toBeCloseTo(200 / 384);
});

test("debug mode poisons free slots and finds who wrote to one", () => {
  const pool = new SlabPool({ slotBytes: 16, capacity: 2, debug: true });
  const slot = pool.allocate();
  const view = pool.view(slot);
  view.fill(1);
  pool.free(slot);
  expect(view[0]).toBe(0xdd);
  view[3] = 1;
  expect(() => pool.allocate()).toThrow(
    expect.objectContaining({
      code: "TZ_ALLOC_POISON",
      message: expect.stringContaining("byte 3 of slot 0"),
    }),
  );
  expect(pool.used).toBe(0);
});

test("debug mode reports what is held, with the stack that took it", () => {
  const pool = new SlabPool({ slotBytes: 16, capacity: 2, debug: true, zeroOnFree: true });
  function takeForever(): number {
    return pool.allocate();
  }
  const kept = takeForever();
  expect(pool.view(kept).every((byte) => byte === 0)).toBe(true);
  pool.free(pool.allocate());
  const leaks = pool.leaks();
  expect(leaks).toHaveLength(1);
  expect(leaks[0]).toMatchObject({ id: kept, bytes: 16, lost: false });
  expect(leaks[0]?.stack).toMatch(/^\s+at takeForever/);
  expect(new SlabPool({ slotBytes: 16, capacity: 2 }).leaks()).toEqual([]);
});

test("refuses bad options by name, value and bounds", () => {
  const make = (options: object) => () => new SlabPool({ slotBytes: 16, capacity: 4, ...options });
  expect(make({ slotBytes: 0 })).toThrow(
    /"slotBytes" must be an integer from 1 to 1073741824 \(bytes\), got 0/,
  );
  expect(make({ slotBytes: undefined })).toThrow(/"slotBytes" must be .* got undefined/);
  expect(make({ capacity: { a: 1, b: Number.NaN } })).toThrow(/"capacity" \(holder "b"\) must be .* got NaN/);
  expect(make({ capacity: {} })).toThrow(/1 to 255 holders/);
  expect(make({ capacity: 2 ** 40 })).toThrow(/"capacity" .* from 1 to 67108864, got 1099511627776/);
  expect(make({ slotBytes: 2 ** 30, capacity: 5 })).toThrow(/from 1 to 4, got 5/);
  expect(make({ alignmentBytes: 48 })).toThrow(/"alignmentBytes" must be a power of two/);
  expect(make({ atCapacity: "wait" })).toThrow(
    /"atCapacity" must be "throw", "null" or a function, got "wait"/,
  );
  expect(make({ debug: 1 })).toThrow(/"debug" must be true or false, got 1/);
  expect(make({ name: "" })).toThrow(/"name" must be a string of 1 to 100 characters/);
  expect(make({ memory: new ArrayBuffer(63) })).toThrow(
    /memory must have 64 bytes \(4 slots of 16\), got 63/,
  );
  expect(make({ memory: new Uint8Array(new ArrayBuffer(100), 4) })).toThrow(/begin at a multiple of 8/);
  expect(make({ slots: 3 })).toThrow(/unknown option "slots"/);
});
