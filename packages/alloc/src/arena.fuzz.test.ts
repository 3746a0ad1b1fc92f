import fc from "fast-check";
import { expect, test } from "vitest";
import { Arena, type ArenaMark } from "./arena.js";

const step = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant("allocate" as const),
      bytes: fc.integer({ min: 1, max: 700 }),
      power: fc.nat(9),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("mark" as const),
      bytes: fc.constant(0),
      power: fc.constant(0),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant("reset" as const), bytes: fc.nat(10), power: fc.constant(0) }),
  },
);

/** The model: a list of live allocations with a content, cut at marks. */
test.each([false, true])(
  "no overlap, alignment, content and counts as in a plain list (debug: %s)",
  (debug) => {
    fc.assert(
      fc.property(fc.constantFrom(64, 512, 2048), fc.array(step, { maxLength: 150 }), (chunkBytes, steps) => {
        const arena = new Arena({ chunkBytes, limitBytes: 16 * 1024, atCapacity: "null", debug });
        let live: { offset: number; bytes: number; byte: number }[] = [];
        let marks: { mark: ArenaMark; count: number }[] = [];
        const ended: number[] = [];
        let byte = 1;
        for (const { kind, bytes, power } of steps) {
          if (kind === "allocate") {
            const offset = arena.allocate(bytes, 2 ** power);
            if (offset === null) continue;
            expect(offset % 2 ** power).toBe(0);
            byte = (byte % 200) + 1;
            arena.view(offset, bytes).fill(byte);
            live.push({ offset, bytes, byte });
          } else if (kind === "mark") {
            marks.push({ mark: arena.mark(), count: live.length });
          } else {
            // A reset to a mark that was taken, or of everything.
            const chosen = marks[bytes];
            arena.reset(chosen?.mark);
            const count = chosen?.count ?? 0;
            ended.push(...live.slice(count).map((dead) => dead.offset));
            live = live.slice(0, count);
            marks = chosen === undefined ? [] : marks.slice(0, bytes + 1);
          }
          const sorted = [...live].sort((a, b) => a.offset - b.offset);
          for (let i = 1; i < sorted.length; i++) {
            expect(sorted[i - 1]!.offset + sorted[i - 1]!.bytes).toBeLessThanOrEqual(sorted[i]!.offset);
          }
          const total = live.reduce((sum, { bytes }) => sum + bytes, 0);
          const statistics = arena.statistics();
          expect(statistics.allocatedBytes).toBe(total);
          expect(statistics.activeBytes).toBeGreaterThanOrEqual(total);
          expect(statistics.mappedBytes).toBeGreaterThanOrEqual(statistics.activeBytes);
          expect(statistics.mappedBytes).toBeLessThanOrEqual(16 * 1024);
        }
        for (const { offset, bytes, byte } of live) {
          expect(arena.view(offset, bytes).every((found) => found === byte)).toBe(true);
        }
        if (debug)
          for (const offset of ended) expect(() => arena.view(offset, 1)).toThrow(/since the last reset/);
      }),
      { numRuns: 150 },
    );
  },
);
