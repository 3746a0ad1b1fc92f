import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { GOALS } from "./goals.js";
import { loadScenario, type Scenario, scenarioNames } from "./harness/scenario.js";
import { type CommandLine, readCommandLine } from "./harness/settings.js";
import { checkGoals, countVerdicts } from "./report/check.js";
import { writeIndexPage } from "./report/index-page.js";
import { describeMachine } from "./report/machine.js";
import type { Report } from "./report/markdown.js";
import { publishInto, READMES } from "./report/publish.js";
import { loadReports, saveReport } from "./report/save.js";

/**
 * Runs the scenarios of a command line; prints each table on stdout as soon as it is measured.
 * With `--check` the verdicts follow, and a goal that is not met makes the exit code 1.
 */
export async function main(args: readonly string[]): Promise<Report[]> {
  const commandLine = readCommandLine(args);
  const { scenarios, check, out, publish } = commandLine;
  if (check && scenarios.length === 0) {
    const saved = loadReports(out);
    printVerdicts(saved);
    return saved;
  }
  const names = scenarios.length > 0 ? scenarios : scenarioNames();
  const reports: Report[] = [];
  for (const scenario of await Promise.all(names.map(loadScenario))) {
    const report = await runScenario(scenario, commandLine);
    console.log(saveReport(report, out));
    if (publish) for (const readme of READMES) publishInto(readme, report);
    reports.push(report);
  }
  if (publish) writeIndexPage(out, loadReports(out), GOALS);
  if (check) printVerdicts(reports, names);
  return reports;
}

/** @param scenarios the goals of these only; without it, all */
function printVerdicts(reports: readonly Report[], scenarios?: readonly string[]): void {
  const goals = GOALS.filter(({ scenario }) => scenarios?.includes(scenario) ?? true);
  const verdicts = checkGoals(goals, reports);
  for (const { line } of verdicts) console.log(line);
  console.log(countVerdicts(verdicts));
  if (verdicts.some(({ met }) => !met)) process.exitCode = 1;
}

async function runScenario(scenario: Scenario, commandLine: CommandLine): Promise<Report> {
  const machine = describeMachine();
  const work = mkdtempSync(join(tmpdir(), `tz-bench-${scenario.name}-`));
  chmodSync(work, 0o755); // Peers that give up root still reach the files.
  try {
    const { rounds, seconds, connections, tiny, targets } = commandLine;
    const result = await scenario.run(work, targets ?? scenario.targets, commandLine);
    return {
      scenario: scenario.name,
      title: scenario.title,
      machine,
      settings: { rounds, seconds, connections, ...(tiny && { tiny }), ...(targets && { targets }) },
      result,
    };
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}
