import fc from "fast-check";
import { expect, test } from "vitest";
import { readHello, readResize, readSequence } from "./wire.js";

const aMessage = fc.oneof(
  fc.uint8Array({ maxLength: 60 }),
  fc.json().map((text) => Buffer.from(text)),
  fc
    .record({
      AuthToken: fc.oneof(fc.string(), fc.integer()),
      columns: fc.oneof(fc.double(), fc.string(), fc.integer()),
      rows: fc.oneof(fc.double(), fc.integer()),
      resumeFrom: fc.oneof(fc.double(), fc.integer()),
    })
    .map((value) => Buffer.from(JSON.stringify(value))),
);

test("whatever a terminal's client sends, sizes and numbers are ones that a terminal can have", () => {
  fc.assert(
    fc.property(aMessage, fc.nat(5), (message, start) => {
      const bytes = Buffer.concat([Buffer.alloc(start), message]);
      const hello = readHello(bytes, start, bytes.length);
      for (const size of [hello?.size, readResize(bytes, start, bytes.length)]) {
        if (size === undefined) continue;
        for (const value of [size.columns, size.rows]) {
          expect(Number.isInteger(value)).toBe(true);
          expect(value > 0 && value < 65_536).toBe(true);
        }
      }
      if (hello?.resumeFrom !== undefined) expect(hello.resumeFrom).toBeGreaterThanOrEqual(0);
      const sequence = readSequence(bytes, start, bytes.length);
      expect(Number.isNaN(sequence) || sequence >= 0).toBe(true);
    }),
    { numRuns: 3000 },
  );
});
