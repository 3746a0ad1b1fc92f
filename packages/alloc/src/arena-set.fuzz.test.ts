import fc from "fast-check";
import { expect, test } from "vitest";
import { ArenaSet, type LeasedArena, LIFETIMES } from "./arena-set.js";

const step = fc.record({
  kind: fc.constantFrom("lease", "lease", "allocate", "allocate", "allocate", "allocate", "release", "trim"),
  lifetime: fc.constantFrom(...LIFETIMES),
  bytes: fc.integer({ min: 1, max: 900 }),
  pick: fc.nat(),
});

interface Lease {
  readonly arena: LeasedArena;
  readonly blocks: { offset: number; bytes: number; byte: number }[];
}

test("leases of all lifetimes keep apart, within the limit of each", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 150 }), fc.boolean(), (steps, debug) => {
      const limits = { chunkBytes: 1024, limitBytes: 8192, atCapacity: "null" as const };
      const set = new ArenaSet({
        request: limits,
        response: limits,
        task: limits,
        cache: limits,
        static: limits,
        debug,
        idleArenasMax: 2,
      });
      const leases = new Map(LIFETIMES.map((lifetime) => [lifetime, [] as Lease[]]));
      let byte = 0;
      for (const { kind, lifetime, bytes, pick } of steps) {
        const mine = leases.get(lifetime)!;
        const lease = mine[pick % Math.max(1, mine.length)];
        if (kind === "lease") mine.push({ arena: set.lease(lifetime), blocks: [] });
        else if (kind === "trim") set.trim();
        else if (lease !== undefined && kind === "allocate") {
          const offset = lease.arena.allocate(bytes);
          if (offset === null) continue;
          byte = (byte % 200) + 1;
          lease.arena.view(offset, bytes).fill(byte);
          lease.blocks.push({ offset, bytes, byte });
        } else if (lease !== undefined && kind === "release") {
          mine.splice(mine.indexOf(lease), 1);
          set.release(lease.arena);
          expect(() => set.release(lease.arena)).toThrow(/not leased/);
        }
        for (const row of set.statistics()) {
          const held = leases.get(row.name as (typeof LIFETIMES)[number])!;
          const sum = held.reduce(
            (all, { blocks }) => all + blocks.reduce((own, block) => own + block.bytes, 0),
            0,
          );
          expect(row.allocatedBytes).toBe(sum);
          expect(row.parts[0]?.live).toBe(held.length);
          expect(row.mappedBytes).toBeLessThanOrEqual(8192);
        }
      }
      for (const { arena, blocks } of [...leases.values()].flat()) {
        for (const { offset, bytes, byte: expected } of blocks) {
          expect(arena.view(offset, bytes).every((found) => found === expected)).toBe(true);
        }
      }
      const count = [...leases.values()].flat().length;
      expect(set.leaks().length).toBe(debug ? count : 0);
    }),
    { numRuns: 100 },
  );
});
