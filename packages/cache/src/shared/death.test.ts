import { afterEach, expect, test, vi } from "vitest";
import { KiB, MiB } from "../options.js";
import { inconsistencies } from "./consistency.fixture.js";
import { EntryQueues } from "./entry-queues.js";
import { PageHeap } from "./page-heap.js";
import { PinTable } from "./pin-table.js";
import { SharedCache } from "./shared-cache.js";
import type { Liveness } from "./thread-identity.js";
import { WriterLock } from "./writer-lock.js";

/*
 * A worker that dies at any of many points inside its calls, in one process and so repeatable: at the nth shared
 * access or inner call an error stops it, and the lock stays as it is. Real kills are in `kill.test.ts`.
 */

const OPTIONS = { maxBytes: MiB, maxEntryBytes: 50 * KiB, maxEntries: 40, maxWorkers: 2 };

class Death extends Error {}

afterEach(() => {
  vi.restoreAllMocks();
});

/** Workers by name; the dead ones are in the set. */
function livenessOf(thread: number, dead: Set<number>): Liveness {
  return { self: { thread, start: 1 }, isAlive: (other) => !dead.has(other) };
}

/** From now on the nth step of any call ends in death. @returns whether somebody died */
function dieAt(step: number): { readonly died: boolean } {
  const state = { died: false };
  let left = step;
  const count = (): void => {
    // Dead: whatever is still called on the way out must change nothing.
    if (state.died || --left === 0) {
      state.died = true;
      throw new Death();
    }
  };
  const stopAt = (target: object, names: readonly string[]): void => {
    const methods = target as Record<string, (...args: unknown[]) => unknown>;
    for (const name of names) {
      const original = methods[name]!;
      vi.spyOn(methods, name).mockImplementation(function (this: unknown, ...args: unknown[]) {
        count();
        return original.apply(this, args);
      });
    }
  };
  stopAt(Atomics, ["store", "compareExchange", "add", "exchange"]);
  stopAt(PageHeap.prototype, ["allocate", "free"]);
  stopAt(EntryQueues.prototype, ["pushNewest", "remove", "nextVictim"]);
  stopAt(PinTable.prototype, ["isPinned"]);
  const release = WriterLock.prototype.release;
  vi.spyOn(WriterLock.prototype, "release").mockImplementation(function (this: WriterLock) {
    if (!state.died) release.call(this);
  });
  return state;
}

/** Values by seed; each is the beginning of a longer one, made once. */
const longValues = Array.from({ length: 100 }, (_, seed) =>
  new Uint8Array(50_000).map((_, i) => (seed * 13 + i * 7) & 0xff),
);

function value(seed: number, bytes: number): Uint8Array {
  return longValues[seed]!.subarray(0, bytes);
}

const isValue = (view: Uint8Array, seed: number): boolean =>
  Buffer.compare(view, value(seed, view.length)) === 0;

/** What the worker does whose death is tried out. Sizes so that records, slots and whole pages have to be made free. */
const SCENARIOS: Record<string, (cache: SharedCache) => void> = {
  "an insert": (cache) => void cache.insert("/new", 7, value(7, 900)),
  "a replacement": (cache) => void cache.insert("/k3", 7, value(7, 900)),
  "a replacement of what is pinned": (cache) => void cache.insert("/pinned", 7, value(7, 900)),
  "an insert that needs a page": (cache) => void cache.insert("/large", 7, value(7, 49_000)),
  "a pin and its return": (cache) => cache.unpin(cache.pin("/k38", 38)),
  "a reserved entry that is given up": (cache) => cache.abandon(cache.reserve("/new", 7, 3000)),
  "inserts after an abandoned one": (cache) => {
    cache.abandon(cache.reserve("/new", 7, 3000));
    cache.insert("/other", 7, value(7, 3000));
  },
  "an invalidation and a replacement": (cache) => {
    cache.invalidate("/k4");
    cache.insert("/k4", 7, value(7, 40_000));
  },
  "leaving with pins and half-made entries": (cache) => {
    cache.pin("/k2", 2);
    cache.reserve("/half", 7, 500);
    cache.close();
  },
};

for (const [name, scenario] of Object.entries(SCENARIOS)) {
  test(`whoever dies at any step of ${name} leaves nothing behind`, () => {
    let deaths = 0;
    for (let step = 1; ; step++) {
      const dead = new Set<number>();
      const memory = new SharedArrayBuffer(SharedCache.byteLength(OPTIONS));
      SharedCache.create(memory, OPTIONS);
      const victim = SharedCache.attach(memory, { liveness: livenessOf(101, dead), lockWaitMs: 0 });
      const other = SharedCache.attach(memory, { liveness: livenessOf(102, dead), lockWaitMs: 0 });
      for (let i = 0; i < 39; i++) other.insert(`/k${i}`, i, value(i, 20_000 + i * 300));
      other.insert("/pinned", 99, value(99, 777));
      const pinned = other.pin("/pinned", 99);
      expect(pinned).not.toBe(SharedCache.NONE);

      const outcome = dieAt(step);
      try {
        scenario(victim);
      } catch (error) {
        if (!(error instanceof Death)) throw error;
      }
      vi.restoreAllMocks();
      if (!outcome.died) break;
      deaths++;
      dead.add(101);

      other.recoverDead();
      expect([step, inconsistencies(memory)]).toEqual([step, []]);
      expect(isValue(other.view(pinned), 99)).toBe(true);
      for (const [key, seed] of [
        ["/new", 7],
        ["/large", 7],
        ["/other", 7],
        ["/half", 7],
        ...Array.from({ length: 39 }, (_, i) => [`/k${i}`, i]),
      ] as [string, number][]) {
        for (const version of [seed, 7]) {
          const handle = other.pin(key, version);
          if (handle === SharedCache.NONE) continue;
          expect(isValue(other.view(handle), version)).toBe(true);
          other.unpin(handle);
        }
      }
      // The row is free for another, and there is room for everything.
      const next = SharedCache.attach(memory, { liveness: livenessOf(103, dead), lockWaitMs: 0 });
      other.unpin(pinned);
      for (let i = 0; i < 60; i++) expect(next.insert(`/again${i}`, i, value(i, 30_000))).toBe(true);
      expect(next.pinned + other.pinned).toBe(0);
      next.close();
      other.close();
      expect([step, inconsistencies(memory)]).toEqual([step, []]);
    }
    expect(deaths).toBeGreaterThan(1);
  });
}

test("whoever dies while repairing leaves a repair to the next", () => {
  let deaths = 0;
  for (let step = 1; ; step += 3) {
    const dead = new Set<number>();
    const memory = new SharedArrayBuffer(SharedCache.byteLength(OPTIONS));
    SharedCache.create(memory, OPTIONS);
    const [first, second] = [101, 102].map((thread) =>
      SharedCache.attach(memory, { liveness: livenessOf(thread, dead), lockWaitMs: 0 }),
    ) as [SharedCache, SharedCache];
    for (let i = 0; i < 39; i++) first.insert(`/k${i}`, i, value(i, 20_000));
    const firstDeath = dieAt(12);
    expect(() => first.insert("/large", 7, value(7, 49_000))).toThrow(Death);
    vi.restoreAllMocks();
    expect(firstDeath.died).toBe(true);
    dead.add(101);
    const outcome = dieAt(step);
    try {
      second.recoverDead();
    } catch (error) {
      if (!(error instanceof Death)) throw error;
    }
    vi.restoreAllMocks();
    if (!outcome.died) break;
    deaths++;
    dead.add(102);
    // Both rows belong to the dead: the newcomer has to clean up before it has a row of its own.
    const third = SharedCache.attach(memory, { liveness: livenessOf(103, dead), lockWaitMs: 0 });
    third.recoverDead();
    expect([step, inconsistencies(memory)]).toEqual([step, []]);
    for (let i = 0; i < 60; i++) expect(third.insert(`/again${i}`, i, value(i, 30_000))).toBe(true);
    third.close();
    expect([step, inconsistencies(memory)]).toEqual([step, []]);
  }
  expect(deaths).toBeGreaterThan(10);
});

test("a live holder of the lock is waited for and never robbed", () => {
  const dead = new Set<number>();
  const memory = new SharedArrayBuffer(SharedCache.byteLength(OPTIONS));
  SharedCache.create(memory, OPTIONS);
  const holder = SharedCache.attach(memory, { liveness: livenessOf(101, dead) });
  const other = SharedCache.attach(memory, { liveness: livenessOf(102, dead), lockWaitMs: 20 });
  // The holder stops in the middle of an insert, but lives.
  dieAt(12);
  expect(() => holder.insert("/a", 1, value(1, 100))).toThrow(Death);
  vi.restoreAllMocks();
  expect(other.insert("/b", 1, value(1, 100))).toBe(false);
  expect(other.statistics().rejectedBusy).toBe(1);
  expect(other.pin("/b", 1)).toBe(SharedCache.NONE);
  other.invalidate("/a"); // needs no lock
  expect(() => SharedCache.attach(memory, { liveness: livenessOf(103, dead) })).toThrow(/writer lock/);
  dead.add(101);
  expect(other.insert("/b", 1, value(1, 100))).toBe(true);
  expect(other.statistics()).toMatchObject({ repairs: 1, entries: 1 });
  expect(inconsistencies(memory)).toEqual([]);
});
