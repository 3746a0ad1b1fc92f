import fc from "fast-check";
import { expect, test } from "vitest";
import { SpscRing, type SpscRingLayout } from "./spsc-ring.js";

const step = fc.record({
  kind: fc.constantFrom(
    "push",
    "push",
    "batch",
    "place",
    "pop",
    "drain",
    "popBatch",
    "writerDies",
    "readerDies",
  ),
  sizes: fc.array(fc.integer({ min: 1, max: 56 }), { minLength: 1, maxLength: 6 }),
});

test.each<SpscRingLayout>([
  { capacityBytes: 128 },
  { recordBytes: 8, capacity: 4 },
  { recordBytes: 5, capacity: 8 },
])("behaves as a queue of messages: %j", (layout) => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 150 }), (steps) => {
      const memory = new ArrayBuffer(SpscRing.bytesFor(layout));
      let writer = SpscRing.create(memory, layout);
      let reader = SpscRing.attach(memory);
      const queue: number[][] = [];
      let next = 0;
      const message = (size: number) => {
        const length = writer.recordBytes === 0 ? size : writer.recordBytes;
        next++;
        return Uint8Array.from({ length }, (_, i) => (next * 13 + i) & 0xff);
      };
      for (const { kind, sizes } of steps) {
        if (kind === "push") {
          const one = message(sizes[0]!);
          if (writer.push(one)) queue.push([...one]);
          // Full: at least half of the ring is in use, or all of it for records.
          else expect(queue.length).toBeGreaterThan(0);
        } else if (kind === "batch") {
          const many = sizes.map(message);
          const count =
            writer.recordBytes === 0 || sizes.length % 2 === 0
              ? writer.pushBatch(many)
              : writer.pushBatch(joined(many));
          for (const one of many.slice(0, count)) queue.push([...one]);
        } else if (kind === "place") {
          for (const size of sizes) {
            const one = message(size);
            const at = writer.reserve(one.length);
            if (at < 0) break;
            writer.bytes.set(one, at);
            writer.commit();
            queue.push([...one]);
          }
          writer.publish();
        } else if (kind === "pop") {
          const into = new Uint8Array(56);
          const length = reader.pop(into);
          const expected = queue.shift();
          expect(length).toBe(expected?.length ?? -1);
          if (expected !== undefined) expect([...into.subarray(0, length)]).toEqual(expected);
        } else if (kind === "drain") {
          const count = reader.drain((all, at, length) => {
            expect([...all.subarray(at, at + length)]).toEqual(queue.shift());
          }, sizes.length);
          expect(count).toBeLessThanOrEqual(sizes.length);
        } else if (kind === "popBatch" && reader.recordBytes !== 0) {
          const record = reader.recordBytes;
          const into = new Uint8Array(record * sizes.length + 1);
          const count = reader.popBatch(into);
          expect(count).toBe(Math.min(queue.length, sizes.length));
          for (let i = 0; i < count; i++)
            expect([...into.subarray(i * record, (i + 1) * record)]).toEqual(queue.shift());
        } else if (kind === "writerDies") {
          if (writer.reserve(message(sizes[0]!).length) >= 0) writer.commit();
          writer = SpscRing.attach(memory);
        } else if (kind === "readerDies") {
          reader.peek();
          reader = SpscRing.attach(memory);
        }
        expect(reader.isReadable).toBe(queue.length > 0);
        if (writer.recordBytes !== 0 && "capacity" in layout)
          expect(writer.reserve() >= 0).toBe(queue.length < layout.capacity);
      }
    }),
    { numRuns: 200 },
  );
});

function joined(messages: Uint8Array[]): Uint8Array {
  return Uint8Array.from(messages.flatMap((message) => [...message]));
}
