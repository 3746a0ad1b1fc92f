import { afterEach, expect, test } from "vitest";
import { MpmcQueue } from "./mpmc-queue.js";
import { SharedSlabPool } from "./shared-slab-pool.js";
import { SpscRing } from "./spsc-ring.js";

/*
 * A worker dies before its n-th atomic access, for every n that its work has: the access throws, and whatever the
 * worker's own memory says is forgotten. Then the others go on. (Orders in which several work at the same time are
 * tried in tagged-free-list.model.test.ts, and with real processes in the stress tests.)
 */
class Killed extends Error {}

const genuine = {
  load: Atomics.load,
  store: Atomics.store,
  add: Atomics.add,
  compareExchange: Atomics.compareExchange,
};
type Access = keyof typeof genuine;

afterEach(() => {
  Object.assign(Atomics, genuine);
});

/** Runs `work` until its access number `dieAt`. Returns false when it ended before. */
function killedAt(dieAt: number, work: () => void): boolean {
  let accesses = 0;
  for (const name of Object.keys(genuine) as Access[]) {
    const run = genuine[name] as (...all: never[]) => never;
    (Atomics as unknown as Record<string, unknown>)[name] = (...all: never[]) => {
      if (accesses++ === dieAt) throw new Killed();
      return run(...all);
    };
  }
  try {
    work();
    return false;
  } catch (error) {
    if (!(error instanceof Killed)) throw error;
    return true;
  } finally {
    Object.assign(Atomics, genuine);
  }
}

/**
 * Calls `scenario` with 0, 1, 2, … until it returns false: no access is left to die before. Beyond 70 not with each:
 * there the end of a recovery looks through its 255 owners.
 */
function atEachPoint(scenario: (dieAt: number) => boolean): number {
  let points = 0;
  for (let dieAt = 0; scenario(dieAt); dieAt += dieAt < 70 ? 1 : 23) {
    points++;
    if (points > 2000) throw new Error("the work does not end");
  }
  return points;
}

const SLOTS = 5;
const poolLayout = { slotBytes: 8, capacity: SLOTS };
const attachPool = (memory: ArrayBuffer, owner: number, magazineSlots = 2) =>
  SharedSlabPool.attach(memory, { owner, magazineSlots, atCapacity: "null" });

function newPool(): ArrayBuffer {
  const memory = new ArrayBuffer(SharedSlabPool.bytesFor(poolLayout));
  SharedSlabPool.create(memory, poolLayout);
  return memory;
}

/** Each slot is there once, and nobody is left in the table. */
function expectWhole(memory: ArrayBuffer, checker: number): void {
  const pool = attachPool(memory, checker, 0);
  const slots = Array.from({ length: SLOTS }, () => pool.allocate());
  expect(pool.allocate()).toBeNull();
  expect([...slots].sort()).toEqual(Array.from({ length: SLOTS }, (_, i) => i));
  pool.detach();
  for (let owner = 1; owner < 5; owner++) attachPool(memory, owner).detach();
}

const poolWork: [string, (memory: ArrayBuffer) => void][] = [
  ["attaches and detaches", (memory) => attachPool(memory, 1).detach()],
  [
    "takes and gives back through a magazine",
    (memory) => {
      const pool = attachPool(memory, 1);
      const slots = [pool.allocate(), pool.allocate(), pool.allocate()];
      for (const slot of slots) pool.free(slot!);
      pool.allocate();
      pool.flush();
    },
  ],
  [
    "takes and gives back without a magazine",
    (memory) => {
      const pool = attachPool(memory, 1, 0);
      const slots = [pool.allocate(), pool.allocate()];
      pool.free(slots[0]!);
      pool.allocate();
      pool.free(slots[1]!);
    },
  ],
  [
    "hands over to one that is dead already",
    (memory) => {
      attachPool(memory, 2);
      const pool = attachPool(memory, 1, 0);
      pool.give(pool.allocate()!, 2);
      pool.give(pool.allocate()!, 2);
    },
  ],
  [
    "recovers another",
    (memory) => {
      const patient = attachPool(memory, 2);
      patient.allocate();
      patient.allocate();
      attachPool(memory, 1, 0).recover(2);
    },
  ],
  [
    "leaves with slots in its hands",
    (memory) => {
      const pool = attachPool(memory, 1);
      pool.allocate();
      pool.detach();
    },
  ],
];

test.each(poolWork)("SharedSlabPool: a worker that %s may die anywhere", (_name, work) => {
  const points = atEachPoint((dieAt) => {
    const memory = newPool();
    const killed = killedAt(dieAt, () => work(memory));
    const supervisor = attachPool(memory, 4, 0);
    supervisor.recover(1);
    supervisor.recover(2);
    supervisor.detach();
    expectWhole(memory, 9);
    return killed;
  });
  expect(points).toBeGreaterThan(8);
});

test.each(poolWork)(
  "SharedSlabPool: whoever recovers a worker that %s may die anywhere, too",
  (_name, work) => {
    let pairs = 0;
    atEachPoint((dieAt) => {
      let killed = false;
      pairs += atEachPoint((recovererDiesAt) => {
        const memory = newPool();
        killed = killedAt(dieAt, () => work(memory));
        const again = killedAt(recovererDiesAt, () => {
          const recoverer = attachPool(memory, 3, 0);
          recoverer.recover(1);
          recoverer.recover(2);
          recoverer.detach();
        });
        const supervisor = attachPool(memory, 4, 0);
        supervisor.recover(3);
        supervisor.recover(1);
        supervisor.recover(2);
        supervisor.detach();
        expectWhole(memory, 9);
        return again;
      });
      return killed;
    });
    expect(pairs).toBeGreaterThan(100);
  },
);

const queueLayout = { recordBytes: 8, capacity: 4 };
const message = (value: number) => new Uint8Array(1 + (value % 8)).fill(value);

function newQueue(): ArrayBuffer {
  const memory = new ArrayBuffer(MpmcQueue.bytesFor(queueLayout));
  MpmcQueue.create(memory, queueLayout);
  return memory;
}
function takeAll(queue: MpmcQueue): number[] {
  const values: number[] = [];
  queue.drain((found) => {
    expect([...found]).toEqual([...message(found[0]!)]);
    values.push(found[0]!);
  });
  return values;
}
/** After all that happened the queue is as good as new: it takes its capacity, twice around. */
function expectUsable(memory: ArrayBuffer): void {
  const queue = MpmcQueue.attach(memory, { owner: 9 });
  for (let round = 0; round < 3; round++) {
    expect(queue.pushBatch([1, 2, 3, 4, 5].map(message))).toBe(4);
    expect(takeAll(queue)).toEqual([1, 2, 3, 4]);
  }
}

test.each([0, 1, 3])(
  "MpmcQueue: a writer may die anywhere; what it had pushed is there (%i before)",
  (before) => {
    const points = atEachPoint((dieAt) => {
      const memory = newQueue();
      const other = MpmcQueue.attach(memory, { owner: 2 });
      // So that the writer also meets the end of a lap.
      for (let i = 0; i < before; i++) other.push(message(9));
      takeAll(other);
      let pushed = 0;
      const killed = killedAt(dieAt, () => {
        const writer = MpmcQueue.attach(memory, { owner: 1 });
        for (const value of [1, 2, 3]) if (writer.push(message(value))) pushed = value;
        writer.detach();
      });
      other.push(message(4));
      other.recover(1);
      const found = takeAll(other);
      // All that returned, in order; the one at which it died may be there, whole, or not.
      const some = Array.from({ length: pushed }, (_, i) => i + 1);
      expect([
        [...some, 4],
        [...some, pushed + 1, 4],
      ]).toContainEqual(found);
      expectUsable(memory);
      return killed;
    });
    expect(points).toBeGreaterThan(15);
  },
);

test("MpmcQueue: a reader may die anywhere, and so may whoever recovers it; no message is lost", () => {
  let pairs = 0;
  atEachPoint((dieAt) => {
    let killed = false;
    pairs += atEachPoint((recovererDiesAt) => {
      const memory = newQueue();
      MpmcQueue.attach(memory, { owner: 2 }).pushBatch([1, 2, 3].map(message));
      const taken: number[] = [];
      killed = killedAt(dieAt, () => {
        const reader = MpmcQueue.attach(memory, { owner: 1 });
        reader.drain((found) => taken.push(found[0]!), 2);
        reader.detach();
      });
      const orphans: number[] = [];
      const again = killedAt(recovererDiesAt, () => {
        const recoverer = MpmcQueue.attach(memory, { owner: 3 });
        recoverer.recover(1, (orphan) => orphans.push(orphan[0]!));
        recoverer.detach();
      });
      const last = MpmcQueue.attach(memory, { owner: 4 });
      last.recover(3, (orphan) => orphans.push(orphan[0]!));
      last.recover(1, (orphan) => orphans.push(orphan[0]!));
      const rest = takeAll(last);
      const all = new Set([...taken, ...orphans, ...rest]);
      expect([...all].sort()).toEqual([1, 2, 3]);
      // Twice only what a dead one had in its hands.
      expect(new Set([...taken, ...rest]).size).toBe(taken.length + rest.length);
      expectUsable(memory);
      return again;
    });
    return killed;
  });
  expect(pairs).toBeGreaterThan(300);
});

test.each([{ recordBytes: 8, capacity: 8 }, { capacityBytes: 128 }])(
  "SpscRing: both sides may die anywhere (%j)",
  (layout) => {
    const bytes = (value: number) => new Uint8Array(8).fill(value);
    let pairs = 0;
    atEachPoint((dieAt) => {
      let killed = false;
      pairs += atEachPoint((readerDiesAt) => {
        const memory = new ArrayBuffer(SpscRing.bytesFor(layout));
        SpscRing.create(memory, layout).pushBatch([bytes(1), bytes(2)]);
        let pushed = 2;
        killed = killedAt(dieAt, () => {
          const writer = SpscRing.attach(memory);
          if (writer.push(bytes(3))) pushed = 3;
          if (writer.push(bytes(4))) pushed = 4;
        });
        const taken: number[] = [];
        const again = killedAt(readerDiesAt, () => {
          const reader = SpscRing.attach(memory);
          while (reader.drain((all, at) => taken.push(all[at]!), 1) > 0);
        });
        SpscRing.attach(memory).push(bytes(5));
        const rest: number[] = [];
        SpscRing.attach(memory).drain((all, at) => rest.push(all[at]!));
        // In order, nothing left out; what the reader had not released comes again, and it may have been seen or not.
        const seen = [...new Set([...taken, ...rest])];
        const some = Array.from({ length: pushed }, (_, i) => i + 1);
        expect(
          [
            [...some, 5],
            [...some, pushed + 1, 5],
          ].map(String),
        ).toContain(String(seen));
        expect(taken.length + rest.length - seen.length).toBeLessThanOrEqual(1);
        return again;
      });
      return killed;
    });
    expect(pairs).toBeGreaterThan(30);
  },
);
