import { expect, test } from "vitest";
import { compare, ratio, TABLES } from "../bench/compare.js";
import { measureGrowth } from "../bench/growth.js";
import { growthPlot } from "../bench/growth-plot.js";

test("the benches run, and answer right before they time", () => {
  const comparisons = TABLES.map((table) => compare(table, 1, false));
  expect(comparisons).toHaveLength(17);
  for (const { ns } of comparisons) expect(ns["@tz/router, bytes"]).toBeGreaterThan(0);
  // rou3 does not decode, so it is not timed where a value is encoded.
  const encoded = comparisons.filter(({ table }) => table.name.startsWith("encoded"));
  for (const { ns } of encoded) expect(ns.rou3).toBeUndefined();
  expect(ratio([{ table: TABLES[0]!, ns: { a: 1, b: 4, c: 2 } }], "a", ["b", "c", "d"])).toBe(0.5);
});

test("the plot has a line for each contender", () => {
  const points = measureGrowth([10, 100], 1);
  expect(points.map(({ routes }) => routes)).toEqual([10, 100]);
  const svg = growthPlot(points);
  expect(svg.match(/<polyline/g)).toHaveLength(Object.keys(points[0]!.ns).length);
  expect(svg).not.toContain("NaN");
});
