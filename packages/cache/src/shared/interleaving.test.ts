import { afterEach, expect, test, vi } from "vitest";
import { KiB, MiB } from "../options.js";
import { inconsistencies } from "./consistency.fixture.js";
import { SharedCache } from "./shared-cache.js";

/*
 * A reader and a writer in every order: between any two shared accesses of the one, a whole call of the other runs.
 * What the hammer finds in a minute if it is lucky is found here each time.
 */

const OPTIONS = { maxBytes: MiB, maxEntryBytes: 30 * KiB, maxEntries: 16, maxWorkers: 2 };

afterEach(() => {
  vi.restoreAllMocks();
});

/** Runs `other` once, before the nth shared access from now on. @returns whether it ran */
function meanwhile(step: number, other: () => void): { readonly ran: boolean } {
  const state = { ran: false };
  let left = step;
  for (const name of ["load", "store", "compareExchange", "add"] as const) {
    const original = Atomics[name] as (...args: unknown[]) => unknown;
    vi.spyOn(Atomics, name).mockImplementation(((...args: unknown[]) => {
      if (!state.ran && --left === 0) {
        state.ran = true;
        other();
      }
      return original.apply(Atomics, args);
    }) as never);
  }
  return state;
}

const value = (version: number, bytes = 20_000): Uint8Array => new Uint8Array(bytes).fill(version);
const isValue = (view: Uint8Array, version: number): boolean =>
  view.length === 20_000 && view.every((byte) => byte === version);

function setup(): { memory: SharedArrayBuffer; reader: SharedCache; writer: SharedCache } {
  const memory = new SharedArrayBuffer(SharedCache.byteLength(OPTIONS));
  SharedCache.create(memory, OPTIONS);
  const [reader, writer] = [SharedCache.attach(memory), SharedCache.attach(memory)];
  for (let i = 0; i < 15; i++) writer.insert(`/k${i}`, 9, value(9));
  writer.insert("/a", 1, value(1));
  return { memory, reader, writer };
}

/** Uses every record and block again that is not pinned. */
function reuseAll(writer: SharedCache): void {
  for (let i = 0; i < 40; i++) expect(writer.insert(`/again${i}`, 3, value(3))).toBe(true);
}

const WRITES: Record<string, (writer: SharedCache) => void> = {
  "is replaced": (writer) => void writer.insert("/a", 2, value(2)),
  "is replaced and all is used again": (writer) => {
    writer.insert("/a", 2, value(2));
    reuseAll(writer);
  },
  "is replaced, and its record and block are free": (writer) => {
    writer.insert("/a", 2, value(2, 100));
  },
  "is pushed out": reuseAll,
  "is invalidated": (writer) => writer.invalidate("/a"),
};

for (const [what, write] of Object.entries(WRITES)) {
  test(`an entry that ${what} while it is being pinned is whole or not there`, () => {
    let [hits, misses] = [0, 0];
    for (let step = 1; ; step++) {
      const { memory, reader, writer } = setup();
      const order = meanwhile(step, () => write(writer));
      const handle = reader.pin("/a", 1);
      vi.restoreAllMocks();
      if (!order.ran) break;
      if (handle === SharedCache.NONE) misses++;
      else {
        hits++;
        expect(isValue(reader.view(handle), 1)).toBe(true);
        reuseAll(writer);
        expect(isValue(reader.view(handle), 1)).toBe(true);
        reader.unpin(handle);
      }
      reuseAll(writer);
      expect([step, inconsistencies(memory)]).toEqual([step, []]);
    }
    expect([hits > 0, misses > 0]).toEqual([true, true]);
  });
}

test("a reader at any step of a writer gets the old value, the new one or none, and keeps what it got", () => {
  const seen = new Set<number>();
  for (let step = 1; ; step++) {
    const { memory, reader, writer } = setup();
    let handle = SharedCache.NONE;
    const order = meanwhile(step, () => {
      handle = reader.pin("/a", SharedCache.ANY_VERSION);
    });
    writer.insert("/a", 2, value(2));
    vi.restoreAllMocks();
    if (!order.ran) break;
    const version = handle === SharedCache.NONE ? 0 : reader.version(handle);
    seen.add(version);
    if (handle !== SharedCache.NONE) {
      reuseAll(writer);
      expect([step, isValue(reader.view(handle), version)]).toEqual([step, true]);
      reader.unpin(handle);
    }
    reuseAll(writer);
    expect([step, inconsistencies(memory)]).toEqual([step, []]);
  }
  expect([...seen].sort()).toEqual([0, 1, 2]);
});

test("what is invalidated at any step of its own insert is never found", () => {
  for (let step = 1; ; step++) {
    const { memory, reader, writer } = setup();
    const order = meanwhile(step, () => reader.invalidate("/new"));
    const ticket = writer.ticket("/new");
    const inserted = writer.insert("/new", 5, value(5), { since: ticket });
    vi.restoreAllMocks();
    if (!order.ran) break;
    const handle = reader.pin("/new", SharedCache.ANY_VERSION);
    // Only before the ticket was read may it come too early to count.
    if (step > 1) expect([step, handle]).toEqual([step, SharedCache.NONE]);
    else expect(inserted).toBe(true);
    if (handle !== SharedCache.NONE) reader.unpin(handle);
    expect([step, inconsistencies(memory)]).toEqual([step, []]);
  }
});

test("an entry pinned while the writer clears its page keeps its bytes, and the queues stay whole", () => {
  const options = { ...OPTIONS, maxEntryBytes: 60 * KiB, maxEntries: 512 };
  const keys = Array.from({ length: 64 * 6 }, (_, i) => `/k${i}`);
  const pinnedAfter: number[] = [];
  for (let step = 1; ; step += 3) {
    const memory = new SharedArrayBuffer(SharedCache.byteLength(options));
    SharedCache.create(memory, options);
    const [reader, writer] = [SharedCache.attach(memory), SharedCache.attach(memory)];
    // Six entries a page, one of them in use: what is evicted one by one is scattered, and no page gets empty by it.
    for (const [i, key] of keys.entries()) {
      writer.insert(key, 1, new Uint8Array(9_000).fill(1));
      if (i % 6 !== 0) continue;
      for (let use = 0; use < 4; use++) reader.unpin(reader.pin(key, 1));
    }
    const pins: number[] = [];
    const order = meanwhile(step, () => {
      for (const key of keys) {
        const handle = reader.pin(key, 1);
        if (handle !== SharedCache.NONE) pins.push(handle);
      }
    });
    writer.insert("/large", 1, new Uint8Array(50_000).fill(1));
    vi.restoreAllMocks();
    if (!order.ran) break;
    pinnedAfter.push(pins.length);
    expect([step, inconsistencies(memory)]).toEqual([step, []]);
    for (const handle of pins) expect(reader.view(handle).every((byte) => byte === 1)).toBe(true);
    for (const handle of pins) reader.unpin(handle);
    for (let i = 0; i < 40; i++) expect(writer.insert(`/again${i}`, 1, new Uint8Array(30_000))).toBe(true);
    expect([step, inconsistencies(memory)]).toEqual([step, []]);
  }
  expect(new Set(pinnedAfter).size).toBeGreaterThan(3);
});
