import { connect } from "node:http2";
import type { Answer } from "../harness/exchange.js";
import { figureTable } from "../harness/figures.js";
import type { Scenario } from "../harness/scenario.js";
import { probeAll, serveInTurn } from "../harness/serve-in-turn.js";
import { missingH2load, runH2load } from "../load/h2load.js";
import { makeSite, styleSheet, wrongStyleSheet } from "../site/style-sheet.js";

/** Each connection has so many requests on its way. */
const STREAMS = 8;

/** One answer over HTTP/2. */
function ask(port: number, path: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const session = connect(`https://127.0.0.1:${port}`, { rejectUnauthorized: false });
    session.once("error", reject);
    const request = session.request({ ":path": path });
    const chunks: Buffer[] = [];
    let status = 0;
    const fields = new Map<string, string>();
    request.once("response", (headers) => {
      status = Number(headers[":status"]);
      for (const [name, value] of Object.entries(headers)) fields.set(name, String(value));
    });
    request.on("data", (chunk: Buffer) => chunks.push(chunk)).once("error", reject);
    request.once("end", () => {
      session.destroy();
      const body = Buffer.concat(chunks);
      resolve({ status, fields, body, byteLength: body.byteLength });
    });
  });
}

export const scenario: Scenario = {
  name: "http2",
  title: "A hot 1 KB file over HTTP/2",
  targets: ["tz-static-tls", "nginx-tls"],
  async run(work, targets, settings) {
    const noH2load = missingH2load();
    if (noH2load) throw new Error(noH2load);
    const probed = await probeAll(targets);
    const root = makeSite(work, { "style.css": styleSheet });
    const connections = Math.max(1, Math.ceil(settings.connections / STREAMS));
    const measured = await serveInTurn(probed, { root, work }, settings, async (server, warm) => {
      const { port, target } = server;
      if (!warm) {
        const wrong = wrongStyleSheet(await ask(port, "/style.css"));
        if (wrong) throw new Error(`${target.name} answers wrongly: ${wrong}`);
      }
      const url = `https://127.0.0.1:${port}/style.css`;
      const before = server.measure().cpuMicros;
      const load = { url, seconds: settings.seconds, connections, streams: STREAMS };
      const { requests, bodyBytes } = await runH2load(load);
      // What was cut by the end of the run counts in part.
      if (Math.abs(bodyBytes / styleSheet.byteLength - 1) > 0.02)
        throw new Error(`${target.name} sent bodies of ${bodyBytes} bytes`);
      return (server.measure().cpuMicros - before) / requests;
    });
    const heading = { name: "", title: scenario.title, unit: "CPU µs per request", subject: "tz-static-tls" };
    return {
      tables: [figureTable(heading, measured)],
      conditions: `h2load on a core of its own; ${connections} connections with ${STREAMS} requests at a time each, TLS 1.3.`,
      missing: probed.missing,
    };
  },
};
