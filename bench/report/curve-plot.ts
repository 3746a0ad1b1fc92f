import type { Curve, FigureResult } from "../harness/figures.js";
import { escapeXml } from "./svg.js";

const WIDTH = 720;
const HEIGHT = 340;
const LEFT = 70;
const TOP = 40;
const PLOT_WIDTH = WIDTH - LEFT - 170;
const PLOT_HEIGHT = HEIGHT - TOP - 50;
const COLOURS = ["#0a7d4f", "#c2410c", "#1d4ed8", "#7c3aed", "#57534e", "#be185d"];

interface Line {
  readonly target: string;
  readonly points: readonly (readonly [x: number, y: number])[];
}

/** One line for each target through the medians of the tables that it is in. */
function linesOf(curve: Curve, { tables }: FigureResult): Line[] {
  const lines = new Map<string, [number, number][]>();
  for (const { x, table } of curve.points) {
    for (const { target, figure } of tables.find(({ name }) => name === table)?.rows ?? []) {
      const points = lines.get(target) ?? [];
      lines.set(target, points);
      points.push([x, figure.median]);
    }
  }
  return [...lines].map(([target, points]) => ({ target, points }));
}

/** A scale from values to pixels, logarithmic, with the powers of ten as its marks. */
function logarithmic(values: readonly number[], from: number, to: number) {
  const low = Math.log10(Math.min(...values));
  const high = Math.max(Math.log10(Math.max(...values)), low + 0.1);
  const at = (value: number) => from + ((Math.log10(value) - low) / (high - low)) * (to - from);
  const marks: number[] = [];
  for (let power = Math.ceil(low); power <= high; power++) marks.push(10 ** power);
  return { at, marks: marks.length > 1 ? marks : [10 ** low, ...marks, 10 ** high] };
}

/** Cost against size, against connections and so on, as SVG. */
export function curvePlot(curve: Curve, result: FigureResult, note: string): string {
  const lines = linesOf(curve, result);
  const all = lines.flatMap(({ points }) => points);
  const x = logarithmic(
    all.map(([value]) => value),
    LEFT,
    LEFT + PLOT_WIDTH,
  );
  const y = logarithmic(
    all.map(([, value]) => value),
    TOP + PLOT_HEIGHT,
    TOP,
  );
  const bottom = TOP + PLOT_HEIGHT;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="12">`,
    `<title>${escapeXml(curve.title)}</title>`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>`,
    `<text x="10" y="22" font-weight="bold" font-size="13">${escapeXml(`${curve.title}: ${curve.y}`)}</text>`,
    ...x.marks.map(
      (mark) =>
        `<path d="M${px(x.at(mark))} ${TOP}V${bottom}" stroke="#ddd"/><text x="${px(x.at(mark))}" y="${bottom + 16}" text-anchor="middle">${short(mark)}</text>`,
    ),
    ...y.marks.map(
      (mark) =>
        `<path d="M${LEFT} ${px(y.at(mark))}H${LEFT + PLOT_WIDTH}" stroke="#ddd"/><text x="${LEFT - 6}" y="${px(y.at(mark) + 4)}" text-anchor="end">${short(mark)}</text>`,
    ),
    `<text x="${LEFT + PLOT_WIDTH}" y="${bottom + 32}" text-anchor="end">${escapeXml(curve.x)}</text>`,
    ...lines.flatMap(({ target, points }, i) =>
      lineSvg(
        target,
        points.map(([a, b]) => [x.at(a), y.at(b)]),
        i,
      ),
    ),
    `<text x="10" y="${HEIGHT - 6}" font-size="11" fill="#555">${escapeXml(note)}</text>`,
    "</svg>",
    "",
  ].join("\n");
}

function lineSvg(target: string, points: readonly (readonly number[])[], index: number): string[] {
  const colour = COLOURS[index % COLOURS.length];
  const places = points.map(([x = 0, y = 0]) => `${px(x)} ${px(y)}`);
  const keyY = TOP + 12 + index * 18;
  return [
    `<path d="M${places.join("L")}" fill="none" stroke="${colour}" stroke-width="2"/>`,
    ...points.map(([x = 0, y = 0]) => `<circle cx="${px(x)}" cy="${px(y)}" r="3" fill="${colour}"/>`),
    `<path d="M${LEFT + PLOT_WIDTH + 14} ${keyY - 4}h18" stroke="${colour}" stroke-width="2"/>`,
    `<text x="${LEFT + PLOT_WIDTH + 38}" y="${keyY}">${escapeXml(target)}</text>`,
  ];
}

const px = (value: number): number => Math.round(value * 10) / 10;
const short = (value: number): string =>
  value >= 1000 ? Math.round(value).toLocaleString("en") : String(Number(value.toPrecision(2)));
