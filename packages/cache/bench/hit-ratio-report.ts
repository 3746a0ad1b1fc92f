/**
 * The table and the plot of hit ratios: `node --import tsx --conditions=@tz/source packages/cache/bench/hit-ratio-report.ts`
 * writes `docs/reference/cache-hit-ratio.svg` and prints the table for `docs/reference/cache.md`.
 */
import { writeFileSync } from "node:fs";
import { type HitRatioRow, hitRatios } from "./hit-ratio.js";
import { plotSvg } from "./plot.js";
import { allTraces } from "./traces.js";

const REQUESTS = 400_000;
const COLUMNS = ["lru", "sieve", "w-tinylfu", "shared", "lru-cache", "mnemonist", "optimum"] as const;

const traces = allTraces(REQUESTS);
const rows: HitRatioRow[] = traces.flatMap((trace) =>
  trace.budgetsBytes.map((budget) => hitRatios(trace, budget)),
);

const percent = (ratio: number | undefined): string => (ratio === undefined ? "–" : (ratio * 100).toFixed(1));
console.log(`| Trace | Budget | ${COLUMNS.join(" | ")} |`);
console.log(`|---|---|${COLUMNS.map(() => "---").join("|")}|`);
for (const { trace, budgetBytes, ratios } of rows)
  console.log(`| ${trace} | ${budgetBytes} | ${COLUMNS.map((name) => percent(ratios[name])).join(" | ")} |`);
for (const { name, about } of traces) console.log(`- ${name}: ${about}`);

const file = new URL("../../../docs/reference/cache-hit-ratio.svg", import.meta.url);
writeFileSync(
  file,
  plotSvg(traces.map(({ name }) => ({ title: name, rows: rows.filter(({ trace }) => trace === name) }))),
);
