import { exchange } from "../harness/exchange.js";
import { type FigureTable, figureTable } from "../harness/figures.js";
import type { Scenario } from "../harness/scenario.js";
import { probeAll, serveInTurn } from "../harness/serve-in-turn.js";
import type { Settings } from "../harness/settings.js";
import { runExchange } from "../load/exchange.js";
import { missingCompiler } from "../load/program.js";
import { makeSite, styleSheet, wrongStyleSheet } from "../site/style-sheet.js";

const COUNTS = [1, 8, 64, 512, 4000, 15_000];
const COUNTS_TINY = [1, 4];
const ROUNDS_MAX = 3;
/** A run that hardly does more than to connect. */
const SHORT_SECONDS = 0.2;

const requestTo = (port: number) => `GET /style.css HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`;

/** What connecting costs is in a short run too, and goes out of the difference. */
async function costAt(
  connections: number,
  targets: readonly string[],
  site: { readonly root: string; readonly work: string },
  settings: Settings,
): Promise<FigureTable> {
  const measured = await serveInTurn(
    await probeAll(targets),
    site,
    { ...settings, rounds: Math.min(ROUNDS_MAX, settings.rounds) },
    async (server) => {
      const { port } = server;
      const request = requestTo(port);
      const answer = await exchange(port, request);
      const wrong = wrongStyleSheet(answer);
      if (wrong !== undefined) throw new Error(`${server.target.name} answers wrongly: ${wrong}`);
      const cost = async (seconds: number) => {
        const before = server.measure().cpuMicros;
        const load = { port, connections, seconds, rate: 0, request: Buffer.from(request) };
        const { answers } = await runExchange({ ...load, answerBytes: answer.byteLength }, site.work);
        return { micros: server.measure().cpuMicros - before, answers };
      };
      const short = await cost(SHORT_SECONDS);
      const long = await cost(SHORT_SECONDS + settings.seconds);
      return (long.micros - short.micros) / Math.max(1, long.answers - short.answers);
    },
  );
  const title = `${connections.toLocaleString("en")} connections, each with a request under way`;
  return figureTable(
    { name: String(connections), title, unit: "CPU µs per request", subject: "tz-static" },
    measured,
  );
}

export const scenario: Scenario = {
  name: "connections",
  title: "What a hot 1 KB file costs, by the number of connections",
  targets: ["tz-static", "nginx", "node-http"],
  async run(work, targets, settings) {
    const noCompiler = missingCompiler();
    if (noCompiler) throw new Error(noCompiler);
    const site = { root: makeSite(work, { "style.css": styleSheet }), work };
    const counts = settings.tiny ? COUNTS_TINY : COUNTS;
    const tables: FigureTable[] = [];
    for (const count of counts) tables.push(await costAt(count, targets, site, settings));
    const { missing } = await probeAll(targets);
    return {
      tables,
      curves: [
        {
          title: "Cost against connections",
          x: "connections",
          y: "CPU µs per request",
          points: counts.map((count) => ({ x: count, table: String(count) })),
        },
      ],
      conditions: `Each connection sends its next request when its answer is there; at most ${ROUNDS_MAX} rounds; what connecting costs is taken off. Server and client have a core each.`,
      missing,
    };
  },
};
