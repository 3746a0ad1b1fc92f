import type { ComparisonResult } from "./compare-servers.js";
import { ratiosOf, type Spread, spreadOf } from "./statistics.js";

/** One figure of each target; less is better. */
export interface FigureTable {
  /** Within its scenario, e.g. `64 KB`. */
  readonly name: string;
  readonly title: string;
  readonly unit: string;
  /** Target that the others are compared with. */
  readonly subject: string;
  readonly rows: readonly FigureRow[];
}

export interface FigureRow {
  readonly target: string;
  readonly about: string;
  readonly version: string;
  readonly figure: Spread;
  /** The subject's figure divided by this one, round by round: below 1 the subject is better. */
  readonly subjectRatio: Spread;
}

/** A line through the figures of several tables, for each target. Both axes are logarithmic. */
export interface Curve {
  readonly title: string;
  /** Units of the axes. */
  readonly x: string;
  readonly y: string;
  /** Where on the x axis each table lies. */
  readonly points: readonly { readonly x: number; readonly table: string }[];
}

export interface FigureResult {
  readonly tables: readonly FigureTable[];
  readonly curves?: readonly Curve[];
  /** How it was measured, in a sentence. */
  readonly conditions: string;
  /** What was left out, and why. */
  readonly missing: readonly { readonly target: string; readonly why: string }[];
}

/** What a target measured, one value a round. */
export interface Measured {
  readonly target: string;
  readonly about: string;
  readonly version: string;
  readonly values: readonly number[];
}

/** @throws Error when the subject is not among the measured */
export function figureTable(heading: Omit<FigureTable, "rows">, measured: readonly Measured[]): FigureTable {
  const base = measured.find(({ target }) => target === heading.subject)?.values;
  if (base === undefined) throw new Error(`nothing to compare: ${heading.subject} was not measured`);
  return {
    ...heading,
    rows: measured.map(({ target, about, version, values }) => ({
      target,
      about,
      version,
      figure: spreadOf(values),
      subjectRatio: spreadOf(ratiosOf(base, values)),
    })),
  };
}

/** A comparison of servers as one table of several. */
export function tableOfServers(name: string, title: string, result: ComparisonResult): FigureTable {
  return {
    name,
    title,
    unit: "CPU µs per request",
    subject: result.subject,
    rows: result.rows.map(({ target, about, version, cpuMicrosPerRequest, subjectRatio }) => ({
      target,
      about,
      version,
      figure: cpuMicrosPerRequest,
      subjectRatio,
    })),
  };
}

/** All tables of a result: a comparison of servers is one. */
export function tablesOf(title: string, result: ComparisonResult | FigureResult): readonly FigureTable[] {
  return "tables" in result ? result.tables : [tableOfServers("", title, result)];
}
