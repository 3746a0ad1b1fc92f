import { expect, test } from "vitest";
import { SharedSlabPool } from "./shared-slab-pool.js";

const layout = { slotBytes: 100, capacity: 8 };

function makePool(capacity = 8) {
  const memory = new SharedArrayBuffer(SharedSlabPool.bytesFor({ ...layout, capacity }));
  SharedSlabPool.create(memory, { ...layout, capacity });
  return memory;
}

/** Every slot once, taken by a worker without a magazine: proof that none is lost and none is there twice. */
function takeAll(memory: SharedArrayBuffer, owner: number): number[] {
  const pool = SharedSlabPool.attach(memory, { owner, magazineSlots: 0, atCapacity: "null" });
  const slots: number[] = [];
  for (let slot = pool.allocate(); slot !== null; slot = pool.allocate()) slots.push(slot);
  pool.detach();
  return slots.sort((a, b) => a - b);
}
const all = (count: number) => Array.from({ length: count }, (_, i) => i);

test("gives each slot to one worker, and all have the same bytes", () => {
  const memory = makePool();
  const a = SharedSlabPool.attach(memory, { owner: 1, magazineSlots: 2 });
  const b = SharedSlabPool.attach(memory, { owner: 2, magazineSlots: 2 });
  const slots = [a.allocate(), b.allocate(), a.allocate(), b.allocate()];
  expect(new Set(slots).size).toBe(4);
  a.view(slots[0]!).fill(7);
  expect(b.bytes[b.offset(slots[0]!)]).toBe(7);
  expect(a.view(slots[0]!).length).toBe(100);
  expect(a.strideBytes).toBe(128);
  expect(b.ownerOf(slots[0]!)).toBe(1);
});

test.each([0, 1, 2, 3, 8, 100])(
  "all slots can be taken, given back and taken again (magazine of %i)",
  (magazineSlots) => {
    const memory = makePool();
    const pool = SharedSlabPool.attach(memory, { owner: 1, magazineSlots, atCapacity: "null" });
    for (let round = 0; round < 3; round++) {
      const slots = all(8).map(() => pool.allocate()!);
      expect([...slots].sort()).toEqual(all(8));
      expect(pool.allocate()).toBeNull();
      for (const slot of slots) pool.free(slot);
      expect(pool.used).toBe(0);
    }
    pool.flush();
    expect(takeAll(memory, 2)).toEqual(all(8));
  },
);

test("finds double frees, foreign slots and slots of others", () => {
  const memory = makePool();
  const a = SharedSlabPool.attach(memory, { owner: 1 });
  const b = SharedSlabPool.attach(memory, { owner: 2, magazineSlots: 0, atCapacity: "null" });
  const slot = a.allocate();
  expect(() => b.free(slot)).toThrow(
    expect.objectContaining({
      code: "TZ_ALLOC_OWNER",
      message: `SharedSlabPool SharedSlabPool: slot ${slot} is not held by owner 2: it is owner 1's`,
    }),
  );
  expect(() => b.view(slot)).toThrow(/is not held by owner 2/);
  a.free(slot);
  expect(() => a.free(slot)).toThrow(expect.objectContaining({ code: "TZ_ALLOC_DOUBLE_FREE" }));
  for (const bad of [-1, 8, 0.5, Number.NaN]) {
    expect(() => a.free(bad)).toThrow(
      expect.objectContaining({
        code: "TZ_ALLOC_ADDRESS",
        message: `SharedSlabPool SharedSlabPool: slot must be an integer from 0 to 7, got ${bad}`,
      }),
    );
  }
  // The magazine of a has all: b finds the pool empty until a flushes.
  expect(b.allocate()).toBeNull();
  a.flush();
  expect(b.allocate()).not.toBeNull();
});

test("a slot can be handed over", () => {
  const memory = makePool();
  const a = SharedSlabPool.attach(memory, { owner: 1 });
  const b = SharedSlabPool.attach(memory, { owner: 2 });
  const slot = a.allocate();
  a.view(slot).fill(5);
  expect(() => b.accept(slot)).toThrow(/was not given to owner 2 \(it is owner 1's\)/);
  a.give(slot, 2);
  expect(a.used).toBe(0);
  expect(() => a.free(slot)).toThrow(/it is owner 2's/);
  expect(() => b.free(slot)).toThrow(/it is owner 2's and was not accepted/);
  b.accept(slot);
  expect(() => b.accept(slot)).toThrow(expect.objectContaining({ code: "TZ_ALLOC_OWNER" }));
  expect(b.view(slot)[99]).toBe(5);
  b.free(slot);
  expect(() => b.accept(slot)).toThrow(/already/);
  expect(() => a.give(a.allocate(), 3)).toThrow(/cannot be given: owner 3 is not attached/);
  expect(() => a.give(slot, 2)).toThrow(/is not held/);
});

test("a slot given to a worker that dies before it accepts comes back", () => {
  const memory = makePool();
  const a = SharedSlabPool.attach(memory, { owner: 1, magazineSlots: 0 });
  SharedSlabPool.attach(memory, { owner: 2 });
  a.give(a.allocate(), 2);
  expect(a.recover(2)).toBe(1);
  expect(takeAll(memory, 3)).toEqual(all(8));
});

test("everything of a dead worker comes back: held, handed over, and in its magazine", () => {
  const memory = makePool();
  const dead = SharedSlabPool.attach(memory, { owner: 1, magazineSlots: 4 });
  const other = SharedSlabPool.attach(memory, {
    owner: 2,
    magazineSlots: 0,
    atCapacity: "null",
    zeroOnFree: true,
  });
  const slots = [dead.allocate(), dead.allocate(), dead.allocate()];
  dead.view(slots[0]!).fill(9);
  expect(() => SharedSlabPool.attach(memory, { owner: 1 })).toThrow(
    /owner 1 is attached already; if it is dead, recover\(1\) from another owner first/,
  );
  expect(() => dead.recover(1)).toThrow(/cannot recover itself/);
  expect(other.recover(1)).toBe(4);
  expect(other.recover(1)).toBe(0);
  expect(other.bytes.every((byte) => byte === 0)).toBe(true);
  const again = SharedSlabPool.attach(memory, { owner: 1 });
  again.detach();
  expect(takeAll(memory, 3)).toEqual(all(8));
});

test("a recoverer that dies in the middle is recovered, and then its patient", () => {
  const memory = makePool();
  const patient = SharedSlabPool.attach(memory, { owner: 1, magazineSlots: 0 });
  patient.allocate();
  patient.allocate();
  // The recoverer dies between two slots: as if, by throwing where it wipes the second.
  const recoverer = SharedSlabPool.attach(memory, { owner: 2, magazineSlots: 0, zeroOnFree: true });
  let wipes = 0;
  recoverer.bytes.fill = () => {
    if (++wipes === 2) throw new Error("killed");
    return recoverer.bytes;
  };
  expect(() => recoverer.recover(1)).toThrow("killed");
  const third = SharedSlabPool.attach(memory, { owner: 3, magazineSlots: 0 });
  expect(() => third.recover(1)).toThrow(
    /owner 1 is being recovered by owner 2; if that is dead, recover\(2\) first/,
  );
  expect(third.recover(2)).toBe(1);
  expect(third.recover(1)).toBe(0);
  SharedSlabPool.attach(memory, { owner: 1 }).detach();
  SharedSlabPool.attach(memory, { owner: 2 }).detach();
  expect(takeAll(memory, 4)).toEqual(all(8));
});

test("detach gives all back and says what was held", () => {
  const memory = makePool();
  const pool = SharedSlabPool.attach(memory, { owner: 1, magazineSlots: 4 });
  pool.allocate();
  pool.allocate();
  expect(pool.statistics()).toMatchObject({ allocatedBytes: 200, activeBytes: 256, mappedBytes: 1024 });
  expect(pool.statistics().parts).toMatchObject([{ name: "owner 1", live: 2 }]);
  expect(pool.detach()).toBe(2);
  expect(pool.detach()).toBe(0);
  expect(() => pool.allocate()).toThrow(/owner 1 has detached/);
  expect(takeAll(memory, 2)).toEqual(all(8));
});

test("a function at capacity may make room", () => {
  const memory = makePool(1);
  const a = SharedSlabPool.attach(memory, { owner: 1, magazineSlots: 0 });
  const slot = a.allocate();
  const b: SharedSlabPool<() => boolean> = SharedSlabPool.attach(memory, {
    owner: 2,
    atCapacity: () => {
      a.free(slot);
      return true;
    },
  });
  expect(b.allocate()).toBe(slot);
  expect(() => a.allocate()).toThrow(expect.objectContaining({ code: "TZ_ALLOC_CAPACITY" }));
});

test("refuses memory that is too small or holds something else, and bad options", () => {
  expect(() => SharedSlabPool.create(new ArrayBuffer(100), layout)).toThrow(
    /memory must have \d+ bytes, got 100/,
  );
  expect(() => SharedSlabPool.attach(new ArrayBuffer(4096), { owner: 1 })).toThrow(
    /does not hold a SharedSlabPool/,
  );
  expect(() => SharedSlabPool.attach(makePool(), { owner: 256 })).toThrow(
    /owner must be an integer from 1 to 255, got 256/,
  );
  expect(() => SharedSlabPool.bytesFor({ slotBytes: 0, capacity: 1 })).toThrow(/"slotBytes" must be/);
  expect(() => SharedSlabPool.bytesFor({ slotBytes: 8, capacity: 0 })).toThrow(/"capacity"/);
  expect(() => SharedSlabPool.attach(makePool(), { owner: 1, magazineSlots: -1 })).toThrow(
    /"magazineSlots" must be/,
  );
});

test("works over memory that is not shared, as a mapping is", () => {
  const memory = new Uint8Array(new ArrayBuffer(SharedSlabPool.bytesFor(layout) + 8), 8);
  SharedSlabPool.create({ bytes: memory }, layout);
  const pool = SharedSlabPool.attach({ bytes: memory }, { owner: 1 });
  pool.free(pool.allocate());
  expect(pool.used).toBe(0);
});
