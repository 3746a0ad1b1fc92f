import fc from "fast-check";
import { expect, test } from "vitest";
import { ByteQueue } from "./byte-queue.js";

test("gives out what was put in, in order, for every mix of appends and partial takes", () => {
  const action = fc.oneof(
    fc.record({ append: fc.uint8Array({ maxLength: 40_000 }) }),
    fc.record({ take: fc.nat(50_000) }),
  );
  fc.assert(
    fc.property(fc.array(action, { maxLength: 12 }), (actions) => {
      const queue = new ByteQueue();
      let expected = Buffer.alloc(0);
      for (const step of actions) {
        if ("append" in step) {
          const padded = Buffer.concat([Buffer.alloc(3), step.append, Buffer.alloc(2)]);
          queue.append(padded, 3, 3 + step.append.length);
          padded.fill(0xee);
          expected = Buffer.concat([expected, step.append]);
          continue;
        }
        let room = step.take;
        const taken: Buffer[] = [];
        queue.drain((bytes, start, end) => {
          const count = Math.min(room, end - start);
          room -= count;
          taken.push(Buffer.from(bytes.subarray(start, start + count)));
          return count;
        });
        const got = Buffer.concat(taken);
        expect(got.equals(expected.subarray(0, step.take))).toBe(true);
        expected = expected.subarray(got.length);
      }
      expect(queue.length).toBe(expected.length);
    }),
  );
});

test("what is taken by and by does not stay in memory", () => {
  const queue = new ByteQueue();
  const piece = Buffer.alloc(10_000, 1);
  let offered = 0;
  for (let i = 0; i < 1000; i++) {
    queue.append(piece, 0, piece.length);
    queue.drain((_bytes, start, end) => {
      offered = Math.max(offered, end - start);
      return end - start;
    });
  }
  expect(queue.length).toBe(0);
  expect(offered).toBe(piece.length);
});

test("clear drops all", () => {
  const queue = new ByteQueue();
  queue.append(Buffer.alloc(10), 0, 10);
  queue.clear();
  expect(queue.length).toBe(0);
  queue.drain(() => expect.unreachable());
});
