import type { GrowthPoint } from "./growth.js";

const WIDTH = 720;
const HEIGHT = 400;
const LEFT = 60;
const RIGHT = 210;
const TOP = 40;
const BOTTOM = 50;
const COLORS: Readonly<Record<string, string>> = {
  "@tz/router, bytes": "#0a7d4f",
  "@tz/router, string": "#3b6fd4",
  "find-my-way": "#c2571a",
  rou3: "#8a3fa0",
};

/** Both axes are logarithmic: a line that does not rise does not depend on the number of routes. */
export function growthPlot(points: readonly GrowthPoint[]): string {
  const names = Object.keys(points[0]!.ns);
  const all = points.flatMap(({ ns }) => Object.values(ns));
  const low = 10 ** Math.floor(Math.log10(Math.min(...all)));
  const high = 10 ** Math.ceil(Math.log10(Math.max(...all)));
  const first = points[0]!.routes;
  const last = points.at(-1)!.routes;
  const x = (routes: number) => LEFT + scale(routes, first, last) * (WIDTH - LEFT - RIGHT);
  const y = (ns: number) => HEIGHT - BOTTOM - scale(ns, low, high) * (HEIGHT - TOP - BOTTOM);
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="12">`,
    "<title>Match of a route with three parameters, by size of the table</title>",
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>`,
    `<text x="${LEFT}" y="20" font-size="14">Match of a route with three parameters, by size of the table</text>`,
    `<text x="${LEFT}" y="${HEIGHT - 8}">routes in the table</text>`,
  ];
  for (let ns = low; ns <= high; ns *= 10) {
    parts.push(line(LEFT, y(ns), WIDTH - RIGHT, y(ns)), label(LEFT - 6, y(ns) + 4, `${ns} ns`, "end"));
  }
  for (const { routes } of points)
    parts.push(label(x(routes), HEIGHT - BOTTOM + 18, String(routes), "middle"));
  names.forEach((name, index) => {
    const color = COLORS[name.replace(/, (one route|64 routes)$/, "")] ?? "#444";
    const dash = name.endsWith("one route") ? "" : ' stroke-dasharray="5 4"';
    const path = points
      .map(({ routes, ns }) => `${x(routes).toFixed(1)},${y(ns[name]!).toFixed(1)}`)
      .join(" ");
    parts.push(`<polyline points="${path}" fill="none" stroke="${color}" stroke-width="2"${dash}/>`);
    const row = TOP + 12 + index * 18;
    parts.push(
      `<line x1="${WIDTH - RIGHT + 14}" y1="${row - 4}" x2="${WIDTH - RIGHT + 38}" y2="${row - 4}" stroke="${color}" stroke-width="2"${dash}/>`,
      label(WIDTH - RIGHT + 44, row, name, "start"),
    );
  });
  return `${[...parts, "</svg>"].join("\n")}\n`;
}

function scale(value: number, low: number, high: number): number {
  return low === high ? 0 : Math.log(value / low) / Math.log(high / low);
}

function line(x1: number, y1: number, x2: number, y2: number): string {
  return `<line x1="${x1}" y1="${y1.toFixed(1)}" x2="${x2}" y2="${y2.toFixed(1)}" stroke="#ddd"/>`;
}

function label(x: number, y: number, text: string, anchor: string): string {
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" text-anchor="${anchor}">${text}</text>`;
}
