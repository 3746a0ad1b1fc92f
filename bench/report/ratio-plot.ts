import { tablesOf } from "../harness/figures.js";
import type { Report } from "./markdown.js";
import { escapeXml } from "./svg.js";

const WIDTH = 720;
const LABEL_WIDTH = 200;
const BAR_WIDTH = WIDTH - LABEL_WIDTH - 110;
const ROW_HEIGHT = 26;
const HEADING_HEIGHT = 40;

/**
 * Bars of what each target costs, the subject's cost being 1: a longer bar costs more. The thin line is the spread of the
 * rounds. Beyond ten times the subject's cost a bar is cut, and its number says how far it goes.
 */
export function ratioPlot(report: Report): string {
  const parts: string[] = [];
  let y = 10;
  for (const table of tablesOf(report.title, report.result)) {
    const title = table.name === "" ? report.title : `${report.title}: ${table.name}`;
    parts.push(
      `<text x="10" y="${y + 20}" font-weight="bold">${escapeXml(`${title}, ${table.unit}`)}</text>`,
    );
    y += HEADING_HEIGHT;
    // Their cost in units of ours: the inverse of our cost in units of theirs.
    const bars = table.rows.map(({ target, subjectRatio: { median, min, max } }) => ({
      target,
      isSubject: target === table.subject,
      value: 1 / median,
      low: 1 / max,
      high: 1 / min,
    }));
    const largest = Math.min(10, Math.max(...bars.map(({ high }) => high)));
    const x = (value: number) => LABEL_WIDTH + (Math.min(value, largest) / largest) * BAR_WIDTH;
    for (const { target, isSubject, value, low, high } of bars) {
      const middle = y + ROW_HEIGHT / 2;
      parts.push(
        `<text x="${LABEL_WIDTH - 8}" y="${middle + 5}" text-anchor="end">${escapeXml(target)}</text>`,
        `<rect x="${LABEL_WIDTH}" y="${y + 3}" width="${round(x(value) - LABEL_WIDTH)}" height="${ROW_HEIGHT - 6}" fill="${isSubject ? "#0a7d4f" : "#8d99a6"}"/>`,
        `<path d="M${round(x(low))} ${middle}H${round(x(high))}" stroke="#222" stroke-width="1.5"/>`,
        `<text x="${round(x(Math.max(value, high))) + 8}" y="${middle + 5}">${value.toFixed(2)}${value > largest ? " …" : ""}</text>`,
      );
      y += ROW_HEIGHT;
    }
    y += 10;
  }
  const { date, cpu } = report.machine;
  const note = `1 is ${tablesOf(report.title, report.result)[0]?.subject ?? ""}; ${date}, ${cpu}`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${y + 24}" font-family="sans-serif" font-size="13">`,
    `<title>${escapeXml(report.title)}</title>`,
    `<rect width="${WIDTH}" height="${y + 24}" fill="#fff"/>`,
    ...parts,
    `<text x="10" y="${y + 12}" font-size="11" fill="#555">${escapeXml(note)}</text>`,
    "</svg>",
    "",
  ].join("\n");
}

const round = (value: number): number => Math.round(value * 10) / 10;
