import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadScenario, type Scenario, scenarioNames } from "./harness/scenario.js";
import { type CommandLine, readCommandLine } from "./harness/settings.js";
import { describeMachine } from "./report/machine.js";
import type { Report } from "./report/markdown.js";
import { publishInto } from "./report/publish.js";
import { saveReport } from "./report/save.js";

const readme = new URL("../README.md", import.meta.url).pathname;

/** Runs the scenarios of a command line; prints each table on stdout as soon as it is measured. */
export async function main(args: readonly string[]): Promise<Report[]> {
  const commandLine = readCommandLine(args);
  const names = commandLine.scenarios.length > 0 ? commandLine.scenarios : scenarioNames();
  const reports: Report[] = [];
  for (const scenario of await Promise.all(names.map(loadScenario))) {
    const report = await runScenario(scenario, commandLine);
    console.log(saveReport(report, commandLine.out));
    if (commandLine.publish) publishInto(readme, report);
    reports.push(report);
  }
  return reports;
}

async function runScenario(scenario: Scenario, commandLine: CommandLine): Promise<Report> {
  const machine = describeMachine();
  const work = mkdtempSync(join(tmpdir(), `tz-bench-${scenario.name}-`));
  chmodSync(work, 0o755); // Peers that give up root still reach the files.
  try {
    const { rounds, seconds, connections } = commandLine;
    const result = await scenario.run(work, commandLine.targets ?? scenario.targets, commandLine);
    return {
      scenario: scenario.name,
      title: scenario.title,
      machine,
      settings: { rounds, seconds, connections },
      result,
    };
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}
