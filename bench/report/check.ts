import type { FigureGoal, Goal, RatioGoal } from "../goals.js";
import { tablesOf } from "../harness/figures.js";
import type { Report } from "./markdown.js";

export interface Verdict {
  readonly goal: Goal;
  /** The figure, `undefined` when it was not measured. */
  readonly figure: number | undefined;
  readonly met: boolean;
  readonly line: string;
}

/** Compares reports with goals. A goal whose figure was not measured is not met. */
export function checkGoals(goals: readonly Goal[], reports: readonly Report[]): Verdict[] {
  return goals.map((goal) => {
    const report = reports.find(({ scenario }) => scenario === goal.scenario);
    return "against" in goal ? checkRatio(goal, report) : checkFigure(goal, report);
  });
}

/** How many goals are met, in a line. */
export function countVerdicts(verdicts: readonly Verdict[]): string {
  const met = verdicts.filter((verdict) => verdict.met).length;
  const measured = verdicts.filter(({ figure }) => figure !== undefined).length;
  return `${met} met, ${measured - met} missed, ${verdicts.length - measured} not measured`;
}

function rowOf(report: Report | undefined, table: string | undefined, target: string) {
  if (report === undefined) return undefined;
  const tables = tablesOf(report.title, report.result);
  const found = table === undefined ? tables[0] : tables.find(({ name }) => name === table);
  return found?.rows.find((row) => row.target === target);
}

function checkRatio(goal: RatioGoal, report: Report | undefined): Verdict {
  const figure = rowOf(report, goal.table, goal.against)?.subjectRatio.median;
  const met = figure !== undefined && figure <= goal.ratioMax;
  const what = `${nameOf(goal)} ÷ ${goal.against}`;
  return {
    goal,
    figure,
    met,
    line: line(
      what,
      digitsThatTell(figure, [goal.ratioMax], 2),
      `≤ ${goal.ratioMax}`,
      met,
      why(report, goal.against),
    ),
  };
}

function checkFigure(goal: FigureGoal, report: Report | undefined): Verdict {
  const figure =
    goal.of === "figure"
      ? rowOf(report, goal.table, goal.target)?.figure.median
      : rateOf(report, goal.target);
  const met = figure !== undefined && figure <= (goal.max ?? figure) && figure >= (goal.min ?? figure);
  const bound = goal.max === undefined ? `≥ ${goal.min}` : `≤ ${goal.max}`;
  const bounds = [goal.max, goal.min].filter((each) => each !== undefined);
  const shown = digitsThatTell(figure, bounds, figure !== undefined && figure < 100 ? 1 : 0);
  return {
    goal,
    figure,
    met,
    line: line(
      `${nameOf(goal)}, ${goal.target}`,
      shown,
      `${bound} ${goal.unit}`,
      met,
      why(report, goal.target),
    ),
  };
}

/** As many digits as it takes to see on which side of the bound the figure is: 1.022 is not ≤ 1.02. */
function digitsThatTell(
  figure: number | undefined,
  bounds: readonly number[],
  fewest: number,
): string | undefined {
  if (figure === undefined) return undefined;
  for (let digits = fewest; digits < 8; digits++) {
    const shown = figure.toFixed(digits);
    if (bounds.every((bound) => Math.sign(Number(shown) - bound) === Math.sign(figure - bound))) return shown;
  }
  return String(figure);
}

function rateOf(report: Report | undefined, target: string): number | undefined {
  if (report === undefined || "tables" in report.result) return undefined;
  return report.result.rows.find((row) => row.target === target)?.requestsPerSecond.median;
}

const nameOf = ({ scenario, table }: Goal): string =>
  table === undefined ? scenario : `${scenario} ${table}`;

function why(report: Report | undefined, target: string): string {
  if (report === undefined) return "the scenario was not run";
  return report.result.missing.find((one) => one.target === target)?.why ?? `${target} was not run`;
}

function line(what: string, figure: string | undefined, bound: string, met: boolean, reason: string): string {
  const verdict = figure === undefined ? "not measured" : met ? "met" : "MISSED";
  const shown = figure === undefined ? `(${reason})` : figure;
  return `${verdict.padEnd(12)}  ${what.padEnd(40)}  ${bound.padEnd(14)}  ${shown}`;
}
