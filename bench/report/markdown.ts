import type { ComparisonResult, Row } from "../harness/compare-servers.js";
import type { FigureResult, FigureTable } from "../harness/figures.js";
import type { Settings } from "../harness/settings.js";
import type { Spread } from "../harness/statistics.js";
import type { Machine } from "./machine.js";

export interface Report {
  readonly scenario: string;
  readonly title: string;
  readonly machine: Machine;
  readonly settings: Pick<Settings, "rounds" | "seconds" | "connections"> & {
    readonly tiny?: boolean;
    /** When they were not those of the scenario. */
    readonly targets?: readonly string[] | undefined;
  };
  readonly result: ComparisonResult | FigureResult;
}

/** From here on somebody else had a good part of a core, and ratios wander. */
const busyLoad = 1;

const fixed = (digits: number) => (value: number) => value.toFixed(digits);
const whole = (value: number) => Math.round(value).toLocaleString("en");
const mebibytes = (kib: number) => (kib / 1024).toFixed(1);

const withSpread = ({ median, min, max }: Spread, show: (value: number) => string) =>
  `${show(median)} (${show(min)} – ${show(max)})`;

/** One scenario as Markdown: its tables, what is missing, and what is needed to judge and repeat it. */
export function toMarkdown({ scenario, title, machine, settings, result }: Report): string {
  const { rounds, seconds, connections } = settings;
  const isOfFigures = "tables" in result;
  return [
    `# ${title}`,
    "",
    // `save.ts` writes it beside this page.
    `![${title}: ratios as bars; the same figures are in the table](${scenario}.svg)`,
    "",
    ...(isOfFigures ? result.tables.flatMap(figureLines) : serverLines(result)),
    ...(isOfFigures ? [] : (result.notes ?? [])).flatMap((note) => [note, ""]),
    ...result.missing.flatMap(({ target, why }) => [`Left out: ${target}: ${why}.`, ""]),
    isOfFigures
      ? `Medians of ${rounds} alternating rounds, lowest and highest in brackets; less is better. ${result.conditions}`
      : `Medians of ${rounds} alternating rounds of ${seconds} s, lowest and highest in brackets; ${connections} connections; ${result.pinning}.`,
    `${machine.date}, ${machine.cpu} (${machine.cores} cores), ${machine.kernel}, Node ${machine.node}, load before ${machine.loadBefore}${machine.commit ? `, commit ${machine.commit}` : ""}.`,
    machine.loadBefore >= busyLoad
      ? `\nOthers were at work on this machine: repeat on a quiet one.`
      : undefined,
    "",
    `Repeat: \`${command(scenario, settings, result)}\``,
    "",
  ]
    .filter((line) => line !== undefined)
    .join("\n");
}

/** What makes the same run again. */
function command(
  scenario: string,
  { rounds, seconds, connections, tiny, targets }: Report["settings"],
  result: Report["result"],
): string {
  const ran = ("tables" in result ? result.tables.flatMap(({ rows }) => rows) : result.rows) as readonly {
    readonly target: string;
  }[];
  return [
    ...(ran.some(({ target }) => target === "picohttpparser") ? ["PICOHTTPPARSER_DIR=its-source"] : []),
    `npm run bench -- ${scenario} --rounds ${rounds} --seconds ${seconds} --connections ${connections}`,
    ...(targets ? [`--targets ${targets.join(",")}`] : []),
    ...(tiny ? ["--tiny"] : []),
  ].join(" ");
}

function serverLines(result: ComparisonResult): string[] {
  const isTold = (_: string, column: number) => !result.withoutLatencies || (column !== 4 && column !== 5);
  const heads = [
    ...["Server", "CPU µs per request", `${result.subject} ÷ it`, "requests/s", "p50 µs", "p99 µs"],
    "RSS idle → after, MiB",
  ].filter(isTold);
  return [
    `| ${heads.join(" | ")} |`,
    `|${"---|".repeat(heads.length)}`,
    ...result.rows.map((row) => `| ${cells(row, result.subject).filter(isTold).join(" | ")} |`),
    "",
  ];
}

function figureLines({ name, title, unit, subject, rows }: FigureTable): string[] {
  return [
    ...(name === "" ? [] : [`### ${title}`, ""]),
    `| Target | ${unit} | ${subject} ÷ it |`,
    "|---|---|---|",
    ...rows.map(({ target, about, version, figure, subjectRatio }) => {
      const ratio = target === subject ? "1" : withSpread(subjectRatio, fixed(2));
      return `| ${target} (${version}): ${about} | ${withSpread(figure, digits)} | ${ratio} |`;
    }),
    "",
  ];
}

/** Three figures are all that a busy machine can tell. */
const digits = (value: number) => (value >= 1000 ? whole(value) : value.toPrecision(3));

/** What a README shows: cost and ratio, and where and when they were measured. */
export function summaryTable({ machine, settings, result }: Report): string {
  const { rounds, connections } = settings;
  const tables =
    "tables" in result
      ? result.tables.flatMap(figureLines)
      : [
          `| Server | CPU µs per request | ${result.subject} ÷ it |`,
          "|---|---|---|",
          ...result.rows.map((row) => `| ${cells(row, result.subject).slice(0, 3).join(" | ")} |`),
          "",
        ];
  return [
    ...tables,
    `Medians of ${rounds} alternating rounds, lowest and highest in brackets; ${connections} connections, one core. ${machine.date}, ${machine.cpu}, ${machine.kernel}, Node ${machine.node}${machine.loadBefore >= busyLoad ? "; others were at work on the machine" : ""}.`,
    "",
  ].join("\n");
}

function cells(row: Row, subject: string): string[] {
  return [
    `${row.target} (${row.version}): ${row.about}`,
    withSpread(row.cpuMicrosPerRequest, fixed(2)),
    row.target === subject ? "1" : withSpread(row.subjectRatio, fixed(2)),
    whole(row.requestsPerSecond.median),
    whole(row.p50Micros.median),
    whole(row.p99Micros.median),
    `${mebibytes(row.idleKiB)} → ${mebibytes(row.residentKiB)}`,
  ];
}
