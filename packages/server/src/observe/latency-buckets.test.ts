import { expect, test } from "vitest";
import { BUCKETS, bucketOf, Durations, lowestMs, toUnits, UNITS_PER_MS } from "./latency-buckets.js";

const durations = (values: readonly number[]): Durations => {
  const counts = new Float64Array(BUCKETS);
  for (const ms of values) counts[bucketOf(toUnits(ms))]!++;
  return new Durations(
    counts,
    values.reduce((sum, ms) => sum + ms, 0),
  );
};

test("every bucket begins where the one before ends, and holds what it says", () => {
  for (let bucket = 0; bucket < BUCKETS; bucket++) {
    const first = lowestMs(bucket) * UNITS_PER_MS;
    expect(bucketOf(first)).toBe(bucket);
    if (bucket > 0) expect(bucketOf(first - 1)).toBe(bucket - 1);
  }
  expect(bucketOf(toUnits(1e12))).toBe(BUCKETS - 1);
  expect(toUnits(-1)).toBe(0);
  expect(toUnits(Number.NaN)).toBe(0);
});

test("percentiles are off by less than a percent of the value, or an eighth of a microsecond", () => {
  // A long tail: 0.01 ms to 10 s.
  const values = Array.from({ length: 20_000 }, (_, i) => 0.01 * 10 ** ((6 * i) / 20_000));
  const found = durations(values);
  expect(found.count).toBe(values.length);
  for (const share of [0.001, 0.5, 0.9, 0.99, 0.999, 1]) {
    const exact = values[Math.max(0, Math.ceil(share * values.length) - 1)]!;
    expect(Math.abs(found.percentileMs(share) - exact)).toBeLessThanOrEqual(exact * 0.008 + 0.000_25);
  }
  expect(found.meanMs).toBeCloseTo(values.reduce((sum, ms) => sum + ms, 0) / values.length, 6);
});

test("two histograms add up, and what came since can be told", () => {
  const first = durations([1, 2, 3]);
  const all = first.plus(durations([4, 500]));
  expect(all.count).toBe(5);
  expect(all.countUpTo(10)).toBe(4);
  const later = all.since(first);
  expect([later.count, later.sumMs]).toEqual([2, 504]);
  expect(Durations.none.summary()).toMatchObject({ count: 0, meanMs: 0, p50Ms: 0, maxMs: 0 });
});
