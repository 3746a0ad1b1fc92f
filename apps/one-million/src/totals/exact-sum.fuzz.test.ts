import fc from "fast-check";
import { expect, test } from "vitest";
import { addToSum, carrySum, roundSum, SUM_DIGITS, sumAsInteger } from "./exact-sum.js";

/** A double as a whole number of the smallest double, read from its decimal fraction of 1074 digits' worth of bits. */
function asInteger(value: number): bigint {
  let scaled = value;
  let power = 0;
  while (!Number.isInteger(scaled)) {
    scaled *= 2;
    power++;
  }
  return BigInt(scaled) << BigInt(1074 - power);
}

function sumOf(values: readonly number[], carryEvery: number): bigint {
  const digits = new Float64Array(SUM_DIGITS + 3);
  values.forEach((value, index) => {
    addToSum(digits, 3, value);
    if (index % carryEvery === 0) carrySum(digits, 3);
  });
  expect([...digits.subarray(0, 3)]).toEqual([0, 0, 0]);
  return sumAsInteger(digits, 3);
}

const finite = fc.double({ noNaN: true, noDefaultInfinity: true });

test("sums are those of whole numbers of 2,176 bits", () => {
  fc.assert(
    fc.property(
      fc.array(finite, { maxLength: 50 }),
      fc.integer({ min: 1, max: 60 }),
      (values, carryEvery) => {
        expect(sumOf(values, carryEvery)).toBe(values.reduce((sum, value) => sum + asInteger(value), 0n));
      },
    ),
    { numRuns: 500 },
  );
});

test("one value, and the double that is nearest to a sum of two, which is what + gives", () => {
  fc.assert(
    fc.property(finite, finite, (a, b) => {
      expect(roundSum(sumOf([a], 1))).toBe(a === 0 ? 0 : a);
      const sum = a + b;
      expect(roundSum(sumOf([a, b], 2))).toBe(sum === 0 ? 0 : sum);
    }),
    { numRuns: 3000 },
  );
});

test("nothing is lost between large and small, in any order", () => {
  expect(roundSum(sumOf([1e308, 1, -1e308], 1))).toBe(1);
  expect(roundSum(sumOf([5e-324, 1e300, 5e-324, -1e300], 1))).toBe(1e-323);
  expect(roundSum(sumOf(new Array(10).fill(0.1), 1))).toBe(1);
  expect(roundSum(sumOf([1e308, 1e308], 1))).toBe(Number.POSITIVE_INFINITY);
  expect(roundSum(sumOf([1e308, 1e308, -1e308], 1))).toBe(1e308);
});
