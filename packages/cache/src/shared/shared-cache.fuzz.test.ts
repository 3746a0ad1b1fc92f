import fc from "fast-check";
import { expect, test } from "vitest";
import { KiB, MiB } from "../options.js";
import { inconsistencies } from "./consistency.fixture.js";
import { SharedCache } from "./shared-cache.js";

const OPTIONS = { maxBytes: MiB, maxEntryBytes: 60 * KiB, maxEntries: 60, maxWorkers: 3 };
const KEYS = Array.from({ length: 40 }, (_, index) =>
  index === 0 ? "__proto__" : `/key/${"ä".repeat(index % 3)}${index}`,
);

type Operation =
  | { op: "insert"; key: number; bytes: number }
  | { op: "reserve"; key: number; bytes: number }
  | { op: "publish" | "abandon" | "unpin"; which: number }
  | { op: "pin" | "pinOld"; key: number; keep: boolean }
  | { op: "invalidate"; key: number }
  | { op: "invalidateAll" | "reattach" };

const index = fc.nat(KEYS.length - 1);
const bytes = fc.oneof(fc.integer({ min: 0, max: 3000 }), fc.integer({ min: 0, max: 61 * KiB }));
const operation = fc.oneof(
  { weight: 12, arbitrary: fc.record({ op: fc.constant("insert" as const), key: index, bytes }) },
  { weight: 2, arbitrary: fc.record({ op: fc.constant("reserve" as const), key: index, bytes }) },
  {
    weight: 5,
    arbitrary: fc.record({
      op: fc.constantFrom("publish" as const, "abandon" as const, "unpin" as const, "unpin" as const),
      which: fc.nat(50),
    }),
  },
  {
    weight: 12,
    arbitrary: fc.record({
      op: fc.constantFrom("pin" as const, "pinOld" as const),
      key: index,
      keep: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ op: fc.constant("invalidate" as const), key: index }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constantFrom("invalidateAll" as const, "reattach" as const) }) },
) as fc.Arbitrary<Operation>;

/** Every byte of a value depends on its key, version and place. */
function fill(view: Uint8Array, key: number, version: number): void {
  for (let i = 0; i < view.length; i++) view[i] = (key * 31 + version * 17 + i * 7) & 0xff;
}

function isIntact(view: Uint8Array, key: number, version: number): boolean {
  return view.every((byte, i) => byte === ((key * 31 + version * 17 + i * 7) & 0xff));
}

test("SharedCache: a hit is the last published value of the key and version, pinned bytes stay, all lists agree", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(1), operation), { maxLength: 250, size: "max" }), (list) => {
      const memory = new SharedArrayBuffer(SharedCache.byteLength(OPTIONS));
      SharedCache.create(memory, OPTIONS);
      const workers = [0, 1].map(() => SharedCache.attach(memory));
      const latest = new Map<number, number>();
      const pins: { worker: number; handle: number; key: number; version: number }[] = [];
      const reserved: { worker: number; handle: number; key: number; version: number; stale: boolean }[] = [];
      let version = 0;
      for (const [worker, operation] of list) {
        const cache = workers[worker]!;
        version++;
        switch (operation.op) {
          case "insert": {
            const { key, bytes } = operation;
            const value = new Uint8Array(bytes);
            fill(value, key, version);
            if (cache.insert(KEYS[key]!, version, value)) latest.set(key, version);
            break;
          }
          case "reserve": {
            const { key, bytes } = operation;
            const handle = cache.reserve(KEYS[key]!, version, bytes);
            if (handle === SharedCache.NONE) break;
            expect(cache.byteLength(handle)).toBe(bytes);
            fill(cache.view(handle), key, version);
            reserved.push({ worker, handle, key, version, stale: false });
            break;
          }
          case "publish": {
            const [entry] = reserved.splice(operation.which % (reserved.length || 1), 1);
            if (!entry) break;
            const published = workers[entry.worker]!.publish(entry.handle);
            // Invalidation may hit a neighbour too, so only the one direction is certain.
            if (entry.stale) expect(published).toBe(false);
            if (published) latest.set(entry.key, entry.version);
            break;
          }
          case "abandon": {
            const [entry] = reserved.splice(operation.which % (reserved.length || 1), 1);
            if (entry) workers[entry.worker]!.abandon(entry.handle);
            break;
          }
          case "pin":
          case "pinOld": {
            const { op, key, keep } = operation;
            const known = latest.get(key);
            const wanted = op === "pin" ? SharedCache.ANY_VERSION : (known ?? 1) - 1;
            const handle = cache.pin(KEYS[key]!, wanted);
            if (op === "pinOld") expect(handle).toBe(SharedCache.NONE);
            if (handle === SharedCache.NONE) break;
            expect(cache.version(handle)).toBe(known);
            expect(isIntact(cache.view(handle), key, known!)).toBe(true);
            if (keep) pins.push({ worker, handle, key, version: known! });
            else cache.unpin(handle);
            break;
          }
          case "unpin": {
            const [pin] = pins.splice(operation.which % (pins.length || 1), 1);
            if (pin) workers[pin.worker]!.unpin(pin.handle);
            break;
          }
          case "invalidate":
            cache.invalidate(KEYS[operation.key]!);
            latest.delete(operation.key);
            for (const entry of reserved) if (entry.key === operation.key) entry.stale = true;
            expect(cache.pin(KEYS[operation.key]!, SharedCache.ANY_VERSION)).toBe(SharedCache.NONE);
            break;
          case "invalidateAll":
            cache.invalidateAll();
            latest.clear();
            for (const entry of reserved) entry.stale = true;
            break;
          case "reattach":
            cache.close();
            workers[worker] = SharedCache.attach(memory);
            for (const held of [pins, reserved])
              for (let i = held.length - 1; i >= 0; i--) if (held[i]!.worker === worker) held.splice(i, 1);
            break;
        }
        for (const pin of pins)
          expect(isIntact(workers[pin.worker]!.view(pin.handle), pin.key, pin.version)).toBe(true);
        const { bytes, maxBytes } = cache.statistics();
        expect(bytes).toBeLessThanOrEqual(maxBytes);
      }
      expect(inconsistencies(memory)).toEqual([]);
    }),
    { numRuns: 120 },
  );
});

test("SharedCache: what was stored last is found until something had to go", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(index, fc.integer({ min: 0, max: 2000 })), { maxLength: 60 }), (list) => {
      const options = { maxBytes: MiB, maxEntries: 100, maxWorkers: 1 };
      const memory = new SharedArrayBuffer(SharedCache.byteLength(options));
      SharedCache.create(memory, options);
      const cache = SharedCache.attach(memory);
      const latest = new Map<number, number>();
      list.forEach(([key, bytes], version) => {
        const value = new Uint8Array(bytes);
        fill(value, key, version);
        expect(cache.insert(KEYS[key]!, version, value)).toBe(true);
        latest.set(key, version);
      });
      expect(cache.statistics()).toMatchObject({ evictions: 0, entries: latest.size, inserts: list.length });
      for (const [key, version] of latest) {
        const handle = cache.pin(KEYS[key]!, version);
        expect(isIntact(cache.view(handle), key, version)).toBe(true);
        cache.unpin(handle);
      }
      cache.close();
      expect(inconsistencies(memory)).toEqual([]);
    }),
    { numRuns: 100 },
  );
});
