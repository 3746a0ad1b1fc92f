import fc from "fast-check";
import { expect, test } from "vitest";
import { AllocError } from "./errors.js";
import { SharedSlabPool } from "./shared-slab-pool.js";

const step = fc.record({
  kind: fc.constantFrom("allocate", "allocate", "allocate", "free", "free", "give", "flush", "die", "leave"),
  worker: fc.nat(2),
  pick: fc.nat(30),
  to: fc.nat(2),
});

test("three workers behave as three sets of slots and a set of free ones", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 12 }),
      fc.constantFrom(0, 2, 5),
      fc.array(step, { maxLength: 150 }),
      (capacity, magazineSlots, steps) => {
        const layout = { slotBytes: 8, capacity };
        const memory = new ArrayBuffer(SharedSlabPool.bytesFor(layout));
        SharedSlabPool.create(memory, layout);
        const attach = (worker: number) =>
          SharedSlabPool.attach(memory, { owner: worker + 1, magazineSlots, atCapacity: "null" });
        const pools = [0, 1, 2].map(attach);
        const held = [new Set<number>(), new Set<number>(), new Set<number>()];
        const supervisor = SharedSlabPool.attach(memory, { owner: 200, magazineSlots: 0 });
        for (const { kind, worker, pick, to } of steps) {
          const pool = pools[worker]!;
          const mine = held[worker]!;
          if (kind === "allocate") {
            const slot = pool.allocate();
            const taken = held.reduce((sum, set) => sum + set.size, 0);
            if (slot === null) {
              // All are held, or in the magazines of the others.
              expect(taken + 2 * magazineSlots).toBeGreaterThanOrEqual(capacity);
              continue;
            }
            for (const set of held) expect(set.has(slot)).toBe(false);
            mine.add(slot);
            pool.view(slot).fill(worker + 1);
          } else if (kind === "free" || kind === "give") {
            const slot = [...mine][pick % Math.max(1, mine.size)];
            if (slot === undefined) {
              expect(() => pool.free(pick)).toThrow(AllocError);
              continue;
            }
            expect(pool.view(slot).every((byte) => byte === worker + 1)).toBe(true);
            mine.delete(slot);
            if (kind === "free") pool.free(slot);
            else {
              pool.give(slot, to + 1);
              pools[to]!.accept(slot);
              pools[to]!.view(slot).fill(to + 1);
              held[to]!.add(slot);
            }
          } else if (kind === "flush") {
            pool.flush();
          } else if (kind === "die") {
            expect(supervisor.recover(worker + 1)).toBeGreaterThanOrEqual(mine.size);
            mine.clear();
            pools[worker] = attach(worker);
          } else {
            expect(pool.detach()).toBe(mine.size);
            mine.clear();
            pools[worker] = attach(worker);
          }
          held.forEach((set, i) => {
            expect(pools[i]!.used).toBe(set.size);
            for (const slot of set) expect(supervisor.ownerOf(slot)).toBe(i + 1);
          });
        }
        for (const pool of pools) pool.detach();
        const slots = new Set(Array.from({ length: capacity }, () => supervisor.allocate()));
        expect(slots.size).toBe(capacity);
      },
    ),
    { numRuns: 200 },
  );
});
