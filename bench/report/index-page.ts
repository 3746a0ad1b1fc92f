import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Goal } from "../goals.js";
import { checkGoals, countVerdicts } from "./check.js";
import type { Report } from "./markdown.js";

/** `README.md` of a folder of results: what there is, and what is reached. */
export function writeIndexPage(folder: string, reports: readonly Report[], goals: readonly Goal[]): void {
  const verdicts = checkGoals(goals, reports);
  const lines = [
    "# Measured",
    "",
    "Made by `npm run bench -- --publish`, whole or a scenario at a time; how: [bench/README.md](../../bench/README.md). Ratios of one run compare, figures of different runs do not. Each page says when, where and with which command it was made, and whether others were at work on the machine.",
    "",
    "| Scenario | Measured | Load before |",
    "|---|---|---|",
    ...reports.map(
      ({ scenario, title, machine, result }) =>
        `| [${title}](${scenario}.md) (${["plot", ...curvesOf(result)].map((name) => plotLink(scenario, name)).join(", ")}) | ${machine.date} | ${machine.loadBefore} on ${machine.cores} cores |`,
    ),
    "",
    "[System calls of 1,000 hot requests](system-calls.md), counted by hand. Plots of the packages' own benches: [hit ratio against the size of the cache](../reference/cache-hit-ratio.svg), [router cost against routes](../reference/router-growth.svg).",
    "",
    "## What is to be reached",
    "",
    "The goals are in [bench/goals.ts](../../bench/goals.ts); `npm run bench -- --check` prints this:",
    "",
    "```",
    ...verdicts.map(({ line }) => line.trimEnd()),
    countVerdicts(verdicts),
    "```",
    "",
  ];
  writeFileSync(join(folder, "README.md"), lines.join("\n"));
}

/** Names of the curves, as `saveReport` calls their files. */
function curvesOf(result: Report["result"]): string[] {
  const count = "tables" in result ? (result.curves?.length ?? 0) : 0;
  return Array.from({ length: count }, (_, i) => (i === 0 ? "curve" : `curve${i + 1}`));
}

const plotLink = (scenario: string, name: string): string =>
  `[${name}](${scenario}${name === "plot" ? "" : `-${name}`}.svg)`;
