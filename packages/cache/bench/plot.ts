import type { HitRatioRow } from "./hit-ratio.js";

export interface Panel {
  readonly title: string;
  readonly rows: readonly HitRatioRow[];
}

/** lru-cache and mnemonist draw the same line as `lru` and are left to the table. */
const LINES = [
  { name: "optimum", color: "#888888", dash: "4 3" },
  { name: "w-tinylfu", color: "#0b6e4f", dash: "" },
  { name: "sieve", color: "#1f5fbf", dash: "" },
  { name: "shared", color: "#8a4fbf", dash: "1 3" },
  { name: "lru", color: "#c0392b", dash: "" },
] as const;

const WIDTH = 280;
const HEIGHT = 190;
const COLUMNS = 3;
const MARGIN = { left: 38, top: 28, right: 12, bottom: 34 } as const;

/** Hit ratio over budget, a panel for each trace. */
export function plotSvg(panels: readonly Panel[]): string {
  const height = Math.ceil(panels.length / COLUMNS) * HEIGHT + 34;
  const body = panels.map((panel, index) => {
    const x = (index % COLUMNS) * WIDTH;
    const y = Math.floor(index / COLUMNS) * HEIGHT;
    return `<g transform="translate(${x} ${y})">${panelSvg(panel)}</g>`;
  });
  const legend = LINES.map(({ name, color, dash }, index) => {
    const x = 40 + index * 150;
    return `<line x1="${x}" x2="${x + 26}" y1="${height - 14}" y2="${height - 14}" stroke="${color}" stroke-width="2" stroke-dasharray="${dash}"/><text x="${x + 32}" y="${height - 10}">${name}</text>`;
  });
  const size = `width="${COLUMNS * WIDTH}" height="${height}" viewBox="0 0 ${COLUMNS * WIDTH} ${height}"`;
  return `<svg xmlns="http://www.w3.org/2000/svg" ${size} font-family="sans-serif" font-size="11" fill="#333">
<title>Hit ratio over budget</title>
<rect width="100%" height="100%" fill="white"/>
${body.join("\n")}
${legend.join("\n")}
</svg>
`;
}

function panelSvg({ title, rows }: Panel): string {
  const right = WIDTH - MARGIN.right;
  const bottom = HEIGHT - MARGIN.bottom;
  const budgets = rows.map(({ budgetBytes }) => Math.log(budgetBytes));
  const [first, last] = [budgets[0]!, budgets.at(-1)!];
  const x = (budget: number): number =>
    MARGIN.left + ((Math.log(budget) - first) / (last - first)) * (right - MARGIN.left);
  const y = (ratio: number): number => bottom - ratio * (bottom - MARGIN.top);
  const grid = [0, 0.25, 0.5, 0.75, 1].map(
    (ratio) =>
      `<line x1="${MARGIN.left}" x2="${right}" y1="${y(ratio)}" y2="${y(ratio)}" stroke="#e4e4e4"/><text x="${MARGIN.left - 5}" y="${y(ratio) + 4}" text-anchor="end">${ratio * 100}</text>`,
  );
  const ticks = rows.map(
    ({ budgetBytes }) =>
      `<text x="${x(budgetBytes).toFixed(1)}" y="${bottom + 14}" text-anchor="middle">${short(budgetBytes)}</text>`,
  );
  const lines = LINES.map(({ name, color, dash }) => {
    const points = rows.flatMap(({ budgetBytes, ratios }) => {
      const ratio = ratios[name];
      return ratio === undefined ? [] : [`${x(budgetBytes).toFixed(1)},${y(ratio).toFixed(1)}`];
    });
    return points.length === 0
      ? ""
      : `<polyline points="${points.join(" ")}" fill="none" stroke="${color}" stroke-width="2" stroke-dasharray="${dash}"/>`;
  });
  return `<text x="${MARGIN.left}" y="16" font-weight="bold">${title}: hits in %</text>${grid.join("")}${ticks.join("")}${lines.join("")}`;
}

/** 4194304 as 4M, 2500 as 2.5k. */
function short(bytes: number): string {
  if (bytes >= 1 << 20) return `${bytes / (1 << 20)}M`;
  return bytes >= 1000 ? `${bytes / 1000}k` : `${bytes}`;
}
