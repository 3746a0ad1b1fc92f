import { expect, test } from "vitest";
import type { Goal } from "../goals.js";
import { figureTable } from "../harness/figures.js";
import { checkGoals, countVerdicts } from "./check.js";
import type { Report } from "./markdown.js";

const about = { about: "about", version: "1" };
const report: Report = {
  scenario: "sizes",
  title: "Sizes",
  machine: {
    date: "2026-11-21",
    cpu: "CPU",
    cores: 2,
    memoryGiB: 4,
    kernel: "Linux 6",
    node: "20.19.0",
    commit: "abc",
    loadBefore: 0,
  },
  settings: { rounds: 3, seconds: 1, connections: 1 },
  result: {
    tables: [
      figureTable({ name: "64 KB", title: "64 KB", unit: "µs", subject: "ours" }, [
        { target: "ours", ...about, values: [30, 20, 10] },
        { target: "nginx", ...about, values: [40, 40, 40] },
      ]),
    ],
    conditions: "",
    missing: [{ target: "h2o", why: "h2o is not installed" }],
  },
};

const goals: readonly Goal[] = [
  { scenario: "sizes", table: "64 KB", against: "nginx", ratioMax: 0.5 },
  { scenario: "sizes", table: "64 KB", against: "nginx", ratioMax: 0.49 },
  { scenario: "sizes", table: "64 KB", target: "ours", of: "figure", max: 19.9, unit: "µs" },
  { scenario: "sizes", table: "64 KB", target: "ours", of: "figure", min: 20, unit: "µs" },
  { scenario: "sizes", table: "64 KB", against: "h2o", ratioMax: 1 },
  { scenario: "cold", against: "nginx", ratioMax: 1 },
];

test("a miss is seen to be one, however near it is", () => {
  const near: Goal = { scenario: "sizes", table: "64 KB", against: "nginx", ratioMax: 0.4987 };
  const rate: Goal = {
    scenario: "sizes",
    table: "64 KB",
    target: "ours",
    of: "figure",
    max: 19.96,
    unit: "µs",
  };
  const lines = checkGoals([near, rate], [report]).map(({ line }) => line);
  expect(lines[0]).toMatch(/^MISSED .* ≤ 0\.4987 +0\.50$/);
  expect(lines[1]).toMatch(/^MISSED .* ≤ 19\.96 µs +20\.0$/);
  const close = { ...near, ratioMax: 0.5 };
  const row = figureTable({ name: "64 KB", title: "64 KB", unit: "µs", subject: "ours" }, [
    { target: "ours", ...about, values: [50.2] },
    { target: "nginx", ...about, values: [100] },
  ]);
  const other = { ...report, result: { tables: [row], conditions: "", missing: [] } };
  expect(checkGoals([close], [other])[0]?.line).toMatch(/^MISSED .* ≤ 0\.5 +0\.502$/);
});

test("a goal is met by the median of the ratios, at its bound too; what was not measured is not met", () => {
  const verdicts = checkGoals(goals, [report]);
  expect(verdicts.map(({ met, figure }) => [met, figure])).toEqual([
    [true, 0.5],
    [false, 0.5],
    [false, 20],
    [true, 20],
    [false, undefined],
    [false, undefined],
  ]);
  expect(verdicts[1]?.line).toMatch(/^MISSED +sizes 64 KB ÷ nginx +≤ 0\.49 +0\.50$/);
  expect(verdicts[4]?.line).toMatch(/^not measured .*h2o is not installed/);
  expect(verdicts[5]?.line).toMatch(/the scenario was not run/);
  expect(countVerdicts(verdicts)).toBe("2 met, 2 missed, 2 not measured");
});
