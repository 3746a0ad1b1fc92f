import { expect, test } from "vitest";
import { allocatedBytes, measureHotCalls } from "./hot-calls.bench.js";

test("the bench checks its results, and measures every call", () => {
  const measurements = measureHotCalls(200);
  expect(measurements.length).toBe(8);
  for (const { name, oursNs, bareNs } of measurements) {
    expect(name).not.toBe("");
    expect(oursNs).toBeGreaterThan(0);
    expect(bareNs).toBeGreaterThan(0);
  }
});

test("what it counts as allocated is what was allocated, garbage included", () => {
  let kept: unknown;
  const count = 200_000;
  const { bytes } = allocatedBytes(() => {
    for (let i = 0; i < count; i++) kept = { i };
  });
  expect(kept).toEqual({ i: count - 1 });
  // An object with one field in place: three or four words and, unoptimized, a little more.
  expect(bytes / count).toBeGreaterThan(12);
  expect(bytes / count).toBeLessThan(100);
});
