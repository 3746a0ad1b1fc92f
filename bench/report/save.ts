import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { FigureResult } from "../harness/figures.js";
import { curvePlot } from "./curve-plot.js";
import { type Report, toMarkdown } from "./markdown.js";
import { ratioPlot } from "./ratio-plot.js";

/** Every scenario's last report, by name. */
const RESULTS = "results.json";

/**
 * Writes `NAME.json` (every sample), `NAME.md` (the tables) and `NAME.svg` (bars of ratios), and puts the report into
 * `results.json`; returns the Markdown.
 */
export function saveReport(report: Report, folder: string): string {
  mkdirSync(folder, { recursive: true });
  const markdown = toMarkdown(report);
  writeFileSync(join(folder, `${report.scenario}.json`), asJson(report));
  writeFileSync(join(folder, `${report.scenario}.md`), markdown);
  for (const [name, svg] of plotsOf(report)) writeFileSync(join(folder, name), svg);
  const others = loadReports(folder).filter(({ scenario }) => scenario !== report.scenario);
  const all = [...others, withoutSamples(report)].sort((a, b) => (a.scenario < b.scenario ? -1 : 1));
  writeFileSync(join(folder, RESULTS), asJson(Object.fromEntries(all.map((each) => [each.scenario, each]))));
  return markdown;
}

/** File names and SVG: bars of ratios, and the curves that there are. */
function plotsOf(report: Report): [name: string, svg: string][] {
  const { result, scenario, machine } = report;
  const note = `${machine.date}, ${machine.cpu}`;
  const curves = "tables" in result ? (result.curves ?? []) : [];
  return [
    [`${scenario}.svg`, ratioPlot(report)],
    ...curves.map((curve, i): [string, string] => [
      `${scenario}-curve${i === 0 ? "" : i + 1}.svg`,
      curvePlot(curve, result as FigureResult, note),
    ]),
  ];
}

/** The reports of `results.json`; none when there is no such file. */
export function loadReports(folder: string): Report[] {
  const file = join(folder, RESULTS);
  if (!existsSync(file)) return [];
  return Object.values(JSON.parse(readFileSync(file, "utf8")) as Record<string, Report>);
}

/** Samples of rounds are in the scenario's own file. */
function withoutSamples(report: Report): Report {
  if ("tables" in report.result) return report;
  return {
    ...report,
    result: { ...report.result, rows: report.result.rows.map((row) => ({ ...row, rounds: [] })) },
  };
}

const asJson = (value: unknown): string => `${JSON.stringify(value, undefined, 2)}\n`;
