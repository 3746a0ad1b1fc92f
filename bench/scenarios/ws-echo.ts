import { type FigureTable, figureTable } from "../harness/figures.js";
import type { Scenario } from "../harness/scenario.js";
import { probeAll, serveInTurn } from "../harness/serve-in-turn.js";
import type { Settings } from "../harness/settings.js";
import { runExchange } from "../load/exchange.js";
import { missingCompiler } from "../load/program.js";
import { echoOf, frameOf, HANDSHAKE } from "../site/web-socket.js";

const SIZES = [
  { name: "125 B", bytes: 125 },
  { name: "16 KB", bytes: 16 * 1024 },
];

const TINY_RUNS_MAX = 20;

async function measure(
  { name, bytes }: (typeof SIZES)[number],
  work: string,
  targets: readonly string[],
  settings: Settings,
): Promise<FigureTable> {
  const payload = Buffer.alloc(bytes, "echo me, and do not forget it. ");
  const load = {
    connections: settings.connections,
    rate: 0,
    request: frameOf(payload),
    answerBytes: 0,
    upgrade: { handshake: HANDSHAKE, expected: echoOf(payload) },
  };
  const seconds = { warm: settings.seconds, cold: settings.tiny ? 0.1 : 1 };
  const measured = await serveInTurn(
    await probeAll(targets),
    { root: work, work },
    settings,
    async (server, warm) => {
      const before = server.measure().cpuMicros;
      const { port } = server;
      const run = { ...load, port, seconds: warm ? seconds.warm : seconds.cold };
      let { answers } = await runExchange(run, work);
      // A tiny run measures nothing, but on a busy machine it can be over before the first echo.
      for (let i = 0; settings.tiny && answers === 0 && i < TINY_RUNS_MAX; i++)
        ({ answers } = await runExchange(run, work));
      if (answers === 0) throw new Error(`${server.target.name} echoed no message of ${name}`);
      return (server.measure().cpuMicros - before) / answers;
    },
  );
  const title = `Messages of ${name}, each echoed before the next is sent`;
  return figureTable({ name, title, unit: "CPU µs per message", subject: "tz-ws" }, measured);
}

export const scenario: Scenario = {
  name: "ws-echo",
  title: "A WebSocket message and its echo",
  targets: ["tz-ws", "ws", "bun-ws"],
  async run(work, targets, settings) {
    const noCompiler = missingCompiler();
    if (noCompiler) throw new Error(noCompiler);
    const tables: FigureTable[] = [];
    for (const size of SIZES) tables.push(await measure(size, work, targets, settings));
    const { missing } = await probeAll(targets);
    return {
      tables,
      conditions: `Every echo compared with what was sent; ${settings.connections} connections, one core for the server.`,
      missing,
    };
  },
};
