/**
 * Times the router against find-my-way and rou3 on the routes of their own benchmarks, and by size of the table.
 *
 *     node --import tsx packages/router/bench/run.ts [--plot FILE] [--rounds N]
 *
 * It times the build (`npm --prefix packages/router run build`). Each table runs in a process of its own, so that none meets the type feedback of another.
 */
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { type Comparison, compare, ratio, TABLES } from "./compare.js";
import { type GrowthPoint, measureGrowth } from "./growth.js";
import { growthPlot } from "./growth-plot.js";

const COUNTS = [10, 30, 100, 300, 1000, 3000, 10_000];
const PLAIN = ["find-my-way", "rou3"];
const COMPILED = [...PLAIN, "find-my-way, compiled", "rou3, compiled"];
const OWN = ["@tz/router, bytes", "@tz/router, string"];

const { values } = parseArgs({
  options: {
    child: { type: "string" },
    plot: { type: "string" },
    reads: { type: "boolean", default: false },
    rounds: { type: "string", default: "100" },
  },
});
const rounds = Number(values.rounds);

if (values.child !== undefined) {
  const [kind, index] = values.child.split(":");
  const result =
    kind === "table"
      ? compare(TABLES[Number(index)]!, rounds, values.reads)
      : measureGrowth([Number(index)], rounds);
  console.log(JSON.stringify(result));
} else {
  const child = <Result>(what: string, ...more: string[]): Result => {
    const args = [
      ...process.execArgv,
      fileURLToPath(import.meta.url),
      "--child",
      what,
      "--rounds",
      values.rounds,
    ];
    return JSON.parse(
      execFileSync(process.execPath, [...args, ...more], { encoding: "utf8", timeout: 300_000 }),
    ) as Result;
  };
  for (const reads of [false, true]) {
    const more = reads ? ["--reads"] : [];
    const comparisons = TABLES.map((_, index) => child<Comparison>(`table:${index}`, ...more));
    report(reads ? "find and read all parameters by name" : "find", comparisons);
  }
  const points = COUNTS.map((count) => child<GrowthPoint[]>(`growth:${count}`)[0]!);
  console.table(Object.fromEntries(points.map((point) => [point.routes, rounded(point.ns)])));
  if (values.plot !== undefined) writeFileSync(values.plot, growthPlot(points));
}

function report(about: string, comparisons: readonly Comparison[]): void {
  console.log(`\n${about}, ns per request`);
  console.table(
    Object.fromEntries(comparisons.map(({ table, ns }) => [`${table.of}: ${table.name}`, rounded(ns)])),
  );
  for (const library of ["find-my-way", "rou3"]) {
    const own = comparisons.filter(({ table }) => table.of === library);
    for (const name of OWN) {
      const [plain, all] = [ratio(own, name, PLAIN), ratio(own, name, COMPILED)];
      console.log(
        `${library}'s routes, ${name}: ${plain.toFixed(2)} of the faster, ${all.toFixed(2)} with compiled modes`,
      );
    }
  }
}

function rounded(ns: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(ns).map(([name, each]) => [name, Math.round(each * 10) / 10]));
}
