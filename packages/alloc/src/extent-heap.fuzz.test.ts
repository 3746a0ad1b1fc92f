import fc from "fast-check";
import { expect, test } from "vitest";
import { ExtentHeap, LARGE, NONE, RUN_FIELDS, START, UNITS } from "./extent-heap.js";

const step = fc.record({
  kind: fc.constantFrom(
    "take" as const,
    "take" as const,
    "give" as const,
    "grow" as const,
    "shrink" as const,
    "pass" as const,
  ),
  units: fc.oneof(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 300 })),
  pick: fc.nat(),
});

const CHUNK_UNITS = 128;

test("runs and free runs are a partition of the chunks, free neighbours are joined, the fit is the best", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 150 }), (steps) => {
      let ms = 0;
      const heap = new ExtentHeap({
        structure: "heap",
        source: { map: (bytes) => new ArrayBuffer(bytes), unmap: () => {}, purge: () => {} },
        fixed: false,
        chunkBytes: CHUNK_UNITS * 512,
        limitBytes: 1024 * 512,
        decayMs: 1000,
        dirtyPercentMax: 1000,
        now: () => ms,
        onMap: undefined,
      });
      const runs: number[] = [];
      const field = (run: number, name: number) => heap.runs[run * RUN_FIELDS + name]!;
      for (const { kind, units, pick } of steps) {
        const at = runs.length === 0 ? -1 : pick % runs.length;
        const run = runs[at] ?? NONE;
        if (kind === "take") {
          const fitting = [...heap.freeRuns()]
            .map(([, length]) => length)
            .filter((length) => length >= units);
          const taken = heap.take(units, 1, LARGE);
          if (taken === NONE) expect(fitting).toEqual([]);
          else {
            runs.push(taken);
            expect(field(taken, UNITS)).toBe(units);
            if (fitting.length > 0) {
              // One run of the best length is gone, or shorter.
              const best = Math.min(...fitting);
              const left = [...heap.freeRuns()].filter(([, length]) => length === best).length;
              expect(left).toBe(fitting.filter((length) => length === best).length - 1);
            }
          }
        } else if (kind === "give" && run !== NONE) {
          runs.splice(at, 1);
          heap.give(run);
        } else if (kind === "grow" && run !== NONE) {
          const before = field(run, UNITS);
          const start = field(run, START);
          const grown = heap.grow(run, before + units);
          expect(field(run, UNITS)).toBe(grown ? before + units : before);
          expect(field(run, START)).toBe(start);
        } else if (kind === "shrink" && run !== NONE && field(run, UNITS) > units) {
          heap.shrink(run, units);
        } else if (kind === "pass") {
          ms += units * 10;
          heap.decay();
        }
        const all = [
          ...runs.map((live) => ({ start: field(live, START), units: field(live, UNITS), free: false })),
          ...[...heap.freeRuns()].map(([start, length]) => ({ start, units: length, free: true })),
        ].sort((a, b) => a.start - b.start);
        expect(all.reduce((sum, { units: length }) => sum + length, 0) * 512).toBe(heap.reservedBytes);
        expect(runs.reduce((sum, live) => sum + field(live, UNITS), 0)).toBe(heap.activeUnits);
        for (let i = 1; i < all.length; i++) {
          const [a, b] = [all[i - 1]!, all[i]!];
          expect(a.start + a.units).toBeLessThanOrEqual(b.start);
          const touching = a.start + a.units === b.start && heap.chunkAt(a.start) === heap.chunkAt(b.start);
          expect(touching && a.free && b.free).toBe(false);
        }
        // A live run is found from each of its units.
        for (const live of runs) {
          for (const unit of [field(live, START), field(live, START) + field(live, UNITS) - 1]) {
            expect(heap.unitRun[unit]).toBe(live + 1);
          }
        }
        expect(heap.touchedPages * 8).toBeGreaterThanOrEqual(heap.activeUnits);
      }
    }),
    { numRuns: 150 },
  );
});
