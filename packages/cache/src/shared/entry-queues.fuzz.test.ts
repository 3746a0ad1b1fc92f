import fc from "fast-check";
import { expect, test } from "vitest";
import { EntryQueues, MAIN, SMALL } from "./entry-queues.js";
import { HEADER, layoutOf } from "./layout.js";
import { NONE } from "./record.js";
import { viewsOf } from "./shared-memory.js";

const RECORDS = 16;
const OPTIONS = { maxBytes: 1 << 20, maxEntries: RECORDS, maxWorkers: 1 };

interface Item {
  readonly record: number;
  readonly units: number;
  uses: number;
}

/** S3-FIFO over two arrays, oldest first. */
class Model {
  queues: [Item[], Item[]] = [[], []];
  ghosts = new Set<number>();

  get units() {
    return this.queues.map((queue) => queue.reduce((sum, { units }) => sum + units, 0)) as [number, number];
  }

  find(record: number) {
    return this.queues.flat().find((item) => item.record === record);
  }

  take(record: number): Item {
    const queue = this.queues.find((items) => items.some((item) => item.record === record))!;
    return queue.splice(
      queue.findIndex((item) => item.record === record),
      1,
    )[0]!;
  }

  victim(pinned: ReadonlySet<number>, useless: ReadonlySet<number>): number {
    const [small, main] = this.queues;
    for (let steps = 5 * (small.length + main.length); steps > 0; steps--) {
      const [smallUnits, mainUnits] = this.units;
      const fromSmall = main.length === 0 || (small.length > 0 && smallUnits * 10 >= smallUnits + mainUnits);
      const item = (fromSmall ? small : main)[0];
      if (!item) return NONE;
      if (!pinned.has(item.record)) {
        if (useless.has(item.record) || item.uses === 0) return item.record;
        item.uses = fromSmall ? 0 : item.uses - 1;
      }
      main.push(this.take(item.record));
    }
    return this.queues.flat().find((item) => !pinned.has(item.record))?.record ?? NONE;
  }
}

type Operation =
  | { op: "push"; record: number; units: number }
  | { op: "use"; record: number }
  | { op: "remove"; record: number }
  | { op: "evict"; pinned: number[]; useless: number[] };

const record = fc.nat(RECORDS - 1);
const operations = fc.array(
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        op: fc.constant("push" as const),
        record,
        units: fc.integer({ min: 1, max: 9 }),
      }),
    },
    { weight: 8, arbitrary: fc.record({ op: fc.constant("use" as const), record }) },
    { weight: 1, arbitrary: fc.record({ op: fc.constant("remove" as const), record }) },
    {
      weight: 5,
      arbitrary: fc.record({
        op: fc.constant("evict" as const),
        pinned: fc.array(record, { maxLength: 5 }),
        useless: fc.array(record, { maxLength: 2 }),
      }),
    },
  ),
  { maxLength: 200, size: "max" },
) as fc.Arbitrary<Operation[]>;

test("the shared queues are equal to S3-FIFO over arrays", () => {
  fc.assert(
    fc.property(operations, (list) => {
      const layout = layoutOf(OPTIONS);
      const views = viewsOf(
        { buffer: new ArrayBuffer(layout.byteLength), byteOffset: 0, byteLength: layout.byteLength },
        layout,
      );
      const queues = new EntryQueues(views);
      const model = new Model();
      const unitsOf = (index: number) => model.find(index)!.units;
      const count = () => {
        views.header[HEADER.liveEntries] = model.queues.flat().length;
        views.header[HEADER.usedUnits] = model.units[0] + model.units[1];
      };
      for (const operation of list) {
        if (operation.op === "push") {
          const { record, units } = operation;
          if (model.find(record)) continue;
          const queue = queues.queueFor(record * 2);
          expect(queue).toBe(model.ghosts.has(record) ? MAIN : SMALL);
          views.uses[record] = 0;
          queues.pushNewest(record, queue, units);
          model.queues[queue]!.push({ record, units, uses: 0 });
        } else if (operation.op === "use") {
          const item = model.find(operation.record);
          if (!item) continue;
          item.uses = Math.min(3, item.uses + 1);
          views.uses[operation.record] = item.uses;
        } else if (operation.op === "remove") {
          if (!model.find(operation.record)) continue;
          queues.remove(operation.record, unitsOf(operation.record));
          model.take(operation.record);
        } else {
          const pinned = new Set(operation.pinned);
          const useless = new Set(operation.useless);
          const victim = queues.nextVictim({
            isPinned: (index) => pinned.has(index),
            isUseless: (index) => useless.has(index),
            unitsOf,
          });
          expect(victim).toBe(model.victim(pinned, useless));
          if (victim === NONE) {
            // Only when every single one is held back.
            expect(model.queues.flat().every((item) => pinned.has(item.record))).toBe(true);
            continue;
          }
          if (queues.queueOf(victim) === SMALL) {
            queues.remember(victim * 2);
            model.ghosts.add(victim);
          }
          queues.remove(victim, unitsOf(victim));
          model.take(victim);
        }
        count();
        expect(views.header[HEADER.smallUnits]).toBe(model.units[0]);
      }
    }),
    { numRuns: 400 },
  );
});
