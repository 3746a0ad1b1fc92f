import fc from "fast-check";
import { expect, test } from "vitest";
import { parseRange } from "./byte-ranges.js";

const spec = fc.oneof(
  fc
    .tuple(fc.nat(40), fc.nat(40))
    .map(([first, extra]) => ({ text: `${first}-${first + extra}`, first, last: first + extra })),
  fc.nat(40).map((first) => ({ text: `${first}-`, first, last: Number.POSITIVE_INFINITY })),
  fc.integer({ min: 1, max: 40 }).map((suffix) => ({ text: `-${suffix}`, suffix })),
);

test("joined ranges hold exactly the bytes that were asked for, each once", () => {
  fc.assert(
    fc.property(
      fc.array(spec, { minLength: 1, maxLength: 8 }),
      fc.integer({ min: 1, max: 30 }),
      (specs, length) => {
        const asked = new Set<number>();
        for (const s of specs) {
          const [first, last] =
            "suffix" in s ? [Math.max(0, length - s.suffix), length - 1] : [s.first, s.last];
          for (let i = first; i <= Math.min(last, length - 1); i++) asked.add(i);
        }
        const ranges = parseRange(`bytes=${specs.map((s) => s.text).join(",")}`, length, 8);
        if (asked.size === 0) {
          expect(ranges).toBe("unsatisfiable");
          return;
        }
        const given: number[] = [];
        if (typeof ranges === "string") throw new Error(ranges);
        for (const { start, end } of ranges) for (let i = start; i < end; i++) given.push(i);
        expect(new Set(given)).toEqual(asked);
        expect(given.length).toBe(asked.size);
      },
    ),
  );
});

test("anything else is refused or ignored, never thrown", () => {
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom(..."bytes=-,0123456789 \tx") }),
      fc.nat(1000),
      (text, length) => {
        const ranges = parseRange(`bytes=${text}`, length, 16);
        if (typeof ranges === "string") return;
        for (const { start, end } of ranges) expect(start < end && start >= 0 && end <= length).toBe(true);
      },
    ),
    { numRuns: 3000 },
  );
});
