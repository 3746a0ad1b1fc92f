import fc from "fast-check";
import { expect, test } from "vitest";
import { MpmcQueue } from "./mpmc-queue.js";

const step = fc.record({
  kind: fc.constantFrom("push", "push", "push", "batch", "pop", "pop", "drain", "dieReading"),
  worker: fc.nat(2),
  count: fc.integer({ min: 1, max: 5 }),
  length: fc.integer({ min: 1, max: 40 }),
});

test("behaves as one queue for all workers, also when readers die", () => {
  fc.assert(
    fc.property(fc.constantFrom(2, 4, 8), fc.array(step, { maxLength: 150 }), (capacity, steps) => {
      const layout = { recordBytes: 40, capacity };
      const memory = new ArrayBuffer(MpmcQueue.bytesFor(layout));
      MpmcQueue.create(memory, layout);
      const attach = (worker: number) => MpmcQueue.attach(memory, { owner: worker + 1 });
      const queues = [0, 1, 2].map(attach);
      const supervisor = MpmcQueue.attach(memory, { owner: 100 });
      const model: number[][] = [];
      let next = 0;
      const message = (length: number) => {
        next++;
        return Uint8Array.from({ length }, (_, i) => (next * 17 + i) & 0xff);
      };
      for (const { kind, worker, count, length } of steps) {
        const queue = queues[worker]!;
        if (kind === "push") {
          const one = message(length);
          expect(queue.push(one)).toBe(model.length < capacity);
          if (model.length < capacity) model.push([...one]);
        } else if (kind === "batch") {
          const many = Array.from({ length: count }, () => message(length));
          const added = queue.pushBatch(many);
          expect(added).toBe(Math.min(count, capacity - model.length));
          for (const one of many.slice(0, added)) model.push([...one]);
        } else if (kind === "pop") {
          const into = new Uint8Array(40);
          const found = queue.pop(into);
          const expected = model.shift();
          expect(found).toBe(expected?.length ?? -1);
          if (expected !== undefined) expect([...into.subarray(0, found)]).toEqual(expected);
        } else if (kind === "drain") {
          expect(
            queue.drain((found) => expect([...found]).toEqual(model.shift()), count),
          ).toBeLessThanOrEqual(count);
        } else {
          // It dies while it reads: another gets what it had, and takes its place.
          queue.drain((found) => {
            const orphans: number[][] = [];
            expect(supervisor.recover(worker + 1, (orphan) => orphans.push([...orphan]))).toBe(1);
            expect(orphans).toEqual([[...found]]);
            expect([...found]).toEqual(model.shift());
            queues[worker] = attach(worker);
          }, 1);
        }
        expect(supervisor.length).toBe(model.length);
        expect(supervisor.isReadable).toBe(model.length > 0);
        expect(supervisor.isWritable).toBe(model.length < capacity);
      }
    }),
    { numRuns: 300 },
  );
});
