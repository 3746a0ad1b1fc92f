import { exchange } from "../harness/exchange.js";
import { figureTable, type Measured } from "../harness/figures.js";
import type { Scenario } from "../harness/scenario.js";
import { probeAll } from "../harness/serve-in-turn.js";
import { ServerProcess } from "../harness/server-process.js";
import type { Target } from "../harness/target.js";
import { makeSite, styleSheet, wrongStyleSheet } from "../site/style-sheet.js";

const POLL_MS = 1;

/** From the start of the process to its first answer, and what it holds then. */
async function startOnce(target: Target, site: { root: string; work: string }) {
  const startMs = performance.now();
  const server = await ServerProcess.start(target, site, undefined, POLL_MS);
  try {
    const { port } = server;
    const answer = await exchange(port, `GET /style.css HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`);
    const ms = performance.now() - startMs;
    const wrong = wrongStyleSheet(answer);
    if (wrong !== undefined) throw new Error(`${target.name} answers wrongly: ${wrong}`);
    return { ms, mebibytes: server.measure().residentKiB / 1024 };
  } finally {
    await server.stop();
  }
}

export const scenario: Scenario = {
  name: "startup",
  title: "From the start of the process to the first answer",
  targets: ["tz-static", "node-http", "fastify-static", "express", "nginx", "bun"],
  async run(work, targets, settings) {
    const site = { root: makeSite(work, { "style.css": styleSheet }), work };
    const { present, missing } = await probeAll(targets);
    const starts = present.map((): { ms: number; mebibytes: number }[] => []);
    // The first start of each reads its files from disk.
    for (let round = settings.tiny ? 1 : 0; round <= settings.rounds; round++) {
      for (const [i, { target }] of present.entries()) {
        const start = await startOnce(target, site);
        if (round > 0) starts[i]!.push(start);
      }
    }
    const measured = (of: "ms" | "mebibytes"): Measured[] =>
      present.map(({ target, version }, i) => ({
        target: target.name,
        about: target.about,
        version,
        values: starts[i]!.map((start) => start[of]),
      }));
    const subject = "tz-static";
    return {
      tables: [
        figureTable({ name: "time", title: "Time by the clock", unit: "ms", subject }, measured("ms")),
        figureTable(
          { name: "memory", title: "Resident memory then", unit: "MiB", subject },
          measured("mebibytes"),
        ),
      ],
      conditions: "Both cores, whatever else the machine did counts.",
      missing,
    };
  },
};
