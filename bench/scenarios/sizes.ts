import { compareServers } from "../harness/compare-servers.js";
import { type FigureTable, tableOfServers } from "../harness/figures.js";
import type { Scenario } from "../harness/scenario.js";
import type { Settings } from "../harness/settings.js";
import { makeSite, wrongFile } from "../site/style-sheet.js";

interface Size {
  readonly name: string;
  readonly bytes: number;
  readonly connections: number;
  /** A round must have many whole answers, and the curve needs fewer rounds than what has a goal. */
  readonly isOnCurveOnly?: true;
}

const KB = 1024;
const MB = 1024 * KB;

const SIZES: readonly Size[] = [
  { name: "1 KB", bytes: KB, connections: 64, isOnCurveOnly: true },
  { name: "16 KB", bytes: 16 * KB, connections: 64, isOnCurveOnly: true },
  { name: "64 KB", bytes: 64 * KB, connections: 64 },
  { name: "256 KB", bytes: 256 * KB, connections: 32, isOnCurveOnly: true },
  { name: "1 MB", bytes: MB, connections: 16 },
  { name: "10 MB", bytes: 10 * MB, connections: 8, isOnCurveOnly: true },
  { name: "100 MB", bytes: 100 * MB, connections: 4 },
];
const TINY = [{ name: "64 KB", bytes: 64 * KB, connections: 2 }];

/** From here on the requests of a round are counted by the bytes that came: few answers are whole when it ends. */
const COUNTED_BY_BYTES = MB;
const CURVE_ROUNDS = 2;

async function compareSize(
  { name, bytes, connections, isOnCurveOnly }: Size,
  root: string,
  work: string,
  targets: readonly string[],
  settings: Settings,
) {
  const body = Buffer.alloc(bytes, "sixteen letters ");
  const result = await compareServers(
    {
      subject: "tz-static",
      targets,
      root,
      work,
      path: `/${bytes}.bin`,
      check: (answer) => wrongFile(answer, body),
      ...(bytes >= COUNTED_BY_BYTES && { bodyBytes: bytes }),
    },
    {
      ...settings,
      connections,
      rounds: isOnCurveOnly ? Math.min(CURVE_ROUNDS, settings.rounds) : settings.rounds,
    },
  );
  return { result, table: tableOfServers(name, `A file of ${name}, ${connections} connections`, result) };
}

export const scenario: Scenario = {
  name: "sizes",
  title: "What a file costs, by its size",
  targets: ["tz-static", "nginx", "h2o"],
  async run(work, targets, settings) {
    const sizes: readonly Size[] = settings.tiny ? TINY : SIZES;
    const bodies = sizes.map(
      ({ bytes }) => [`${bytes}.bin`, Buffer.alloc(bytes, "sixteen letters ")] as const,
    );
    const root = makeSite(work, Object.fromEntries(bodies));
    const compared = [];
    for (const size of sizes) compared.push(await compareSize(size, root, work, targets, settings));
    const tables: FigureTable[] = compared.map(({ table }) => table);
    const { pinning, missing } = compared[0]!.result;
    return {
      tables,
      curves: [
        {
          title: "Cost against size of the file",
          x: "KB",
          y: "CPU µs per request",
          points: tables.map((table, i) => ({ x: sizes[i]!.bytes / KB, table: table.name })),
        },
      ],
      conditions: `${pinning}.`,
      missing,
    };
  },
};
