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
      ({ scenario, title, machine }) =>
        `| [${title}](${scenario}.md) ([plot](${scenario}.svg)) | ${machine.date} | ${machine.loadBefore} on ${machine.cores} cores |`,
    ),
    "",
    "[System calls of 1,000 hot requests](system-calls.md), counted by hand.",
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
