import { expect, test } from "vitest";
import { steadyClock } from "./clock.js";

function readings(...values: number[]): number[] {
  let turn = 0;
  const clock = steadyClock(() => values[turn++]!);
  return values.map(() => clock());
}

test("time that passes is counted from the first reading", () => {
  expect(readings(5000, 5000, 5010, 5300)).toEqual([0, 0, 10, 300]);
});

test("a step back stands still once and goes on from there", () => {
  expect(readings(1000, 1100, 40, 50, 60)).toEqual([0, 100, 100, 110, 120]);
});

test("readings that are no numbers count as no time passed", () => {
  expect(readings(1000, Number.NaN, 1010, Number.POSITIVE_INFINITY, 1030)).toEqual([0, 0, 10, 10, 30]);
});
