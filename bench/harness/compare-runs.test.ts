import { expect, test } from "vitest";
import { compareRuns } from "./compare-runs.js";

const about = { about: "about", version: "1" };
const settings = { rounds: 3, seconds: 1, connections: 1, tiny: true, progress: () => {} };

test("runs take turns, and each has a value a round", () => {
  const turns: string[] = [];
  let times = 0;
  const spin = (name: string) => (count: number) => {
    turns.push(name);
    times = count;
    for (const end = performance.now() + 2; performance.now() < end; );
  };
  const measured = compareRuns(
    [
      { target: "a", ...about, run: spin("a") },
      { target: "b", ...about, run: spin("b") },
      { target: "c", ...about, measureNs: () => 7 },
    ],
    settings,
  );
  expect(turns.slice(-6)).toEqual(["a", "b", "a", "b", "a", "b"]);
  expect(times).toBeGreaterThanOrEqual(100);
  expect(measured.map(({ target, values }) => [target, values.length])).toEqual([
    ["a", 3],
    ["b", 3],
    ["c", 3],
  ]);
  expect(measured[2]?.values).toEqual([7, 7, 7]);
  expect(Math.min(...measured[0]!.values)).toBeGreaterThan(0);
});
