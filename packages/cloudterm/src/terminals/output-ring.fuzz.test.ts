import fc from "fast-check";
import { expect, test } from "vitest";
import { OutputRing } from "./output-ring.js";

test("whatever is appended, the ring has the last bytes under their numbers", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 6 }),
      fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 40 }),
      fc.nat(),
      (shift, pieces, pick) => {
        const limit = 64 << Math.min(shift, 3);
        const ring = new OutputRing(limit, Math.min(limit, 8 << shift));
        let all = Buffer.alloc(0);
        for (const piece of pieces) {
          const framed = Buffer.concat([Buffer.of(1), piece, Buffer.of(2)]);
          ring.append(framed, 1, framed.length - 1);
          all = Buffer.concat([all, piece]);
          expect(ring.end).toBe(all.length);
          expect(ring.start).toBeLessThanOrEqual(Math.max(0, all.length - ring.capacityBytes));
          expect(ring.start).toBeGreaterThanOrEqual(all.length - limit);
          expect(ring.capacityBytes).toBeLessThanOrEqual(limit);
          const from = ring.start + (pick % (ring.end - ring.start + 1));
          const got = Buffer.alloc(limit + 2, 0xee);
          const count = ring.copy(from, got, 1, limit);
          expect(count).toBe(ring.end - from);
          expect(got.subarray(1, 1 + count).equals(all.subarray(from))).toBe(true);
          expect([got[0], got[1 + count]]).toEqual([0xee, 0xee]);
        }
      },
    ),
  );
});

test("a character that was cut is skipped", () => {
  const ring = new OutputRing(8, 8);
  const text = Buffer.from("ab☃cdef€"); // ☃ and € have three bytes
  ring.append(text, 0, text.length);
  expect(ring.start).toBe(4);
  expect(ring.characterStart(ring.start)).toBe(5);
  expect(ring.characterStart(0)).toBe(5);
  expect(ring.characterStart(6)).toBe(6);
  expect(ring.characterStart(10)).toBe(12);
});
