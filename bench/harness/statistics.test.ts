import { expect, test } from "vitest";
import { ratiosOf, spreadOf } from "./statistics.js";

test("median and extremes, odd and even", () => {
  expect(spreadOf([3, 1, 2])).toEqual({ median: 2, min: 1, max: 3 });
  expect(spreadOf([10, 1, 2, 9])).toEqual({ median: 5.5, min: 1, max: 10 });
  expect(spreadOf([7])).toEqual({ median: 7, min: 7, max: 7 });
});

test("numbers sort as numbers", () => {
  expect(spreadOf([100, 9, 20]).median).toBe(20);
});

test("no values are an error, not NaN", () => {
  expect(() => spreadOf([])).toThrow(RangeError);
});

test("ratios pair round with round", () => {
  expect(ratiosOf([2, 9], [4, 3])).toEqual([0.5, 3]);
  expect(() => ratiosOf([1], [1, 2])).toThrow(/1 values for 2/);
});
