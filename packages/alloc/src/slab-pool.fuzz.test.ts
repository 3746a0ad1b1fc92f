import fc from "fast-check";
import { expect, test } from "vitest";
import { AllocError } from "./errors.js";
import { SlabPool } from "./slab-pool.js";

const step = fc.record({ free: fc.boolean(), pick: fc.nat(20), holder: fc.nat(2) });

test.each([false, true])("behaves as a stack of free numbers with a count by holder (debug: %s)", (debug) => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 3, maxLength: 3 }),
      fc.array(step),
      (shares, steps) => {
        const capacity = { a: shares[0]!, b: shares[1]!, c: shares[2]! };
        const pool = new SlabPool({ slotBytes: 9, capacity, atCapacity: "null", debug });
        const free = Array.from({ length: pool.capacity }, (_, i) => pool.capacity - 1 - i);
        const held = new Map<number, number>();
        for (const { free: isFree, pick, holder } of steps) {
          if (!isFree) {
            const taken = [...held.values()].filter((other) => other === holder).length;
            const slot = pool.allocate(holder);
            if (taken === shares[holder]) expect(slot).toBeNull();
            else {
              expect(slot).toBe(free.pop());
              held.set(slot!, holder);
              pool.view(slot!).fill(slot! + 1);
            }
          } else if (held.has(pick)) {
            expect(pool.view(pick).every((byte) => byte === pick + 1)).toBe(true);
            pool.free(pick);
            held.delete(pick);
            free.push(pick);
          } else {
            expect(() => pool.free(pick)).toThrow(AllocError);
          }
          expect(pool.used).toBe(held.size);
        }
        const { allocatedBytes, allocations, frees } = pool.statistics();
        expect(allocatedBytes).toBe(held.size * 9);
        expect(allocations - frees).toBe(held.size);
      },
    ),
    { numRuns: 300 },
  );
});
