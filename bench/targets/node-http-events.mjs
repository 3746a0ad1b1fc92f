import { createServer } from "node:http";
import { EventTotals } from "./routes/event.mjs";
import { nodeTarget } from "./run/node-target.mjs";

function reply(response, status, value) {
  const body = JSON.stringify(value);
  response
    .writeHead(status, { "Content-Type": "application/json", "Content-Length": Buffer.byteLength(body) })
    .end(body);
}

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

export const target = nodeTarget(import.meta, {
  name: "node-http-events",
  about: "node:http, totals in memory",
  version: `Node ${process.versions.node}`,
  serve({ port }) {
    const totals = new EventTotals();
    const server = createServer((request, response) => {
      if (request.url === "/stats") return reply(response, 200, totals.stats());
      let text = "";
      request.setEncoding("utf8");
      request.on("data", (chunk) => (text += chunk));
      request.on("end", () => {
        if (request.url === "/reset") totals.reset();
        const error = request.url === "/event" ? totals.add(parse(text)) : undefined;
        reply(response, error === undefined ? 200 : 400, error === undefined ? { ok: true } : { error });
      });
    });
    server.keepAliveTimeout = 60_000;
    server.listen(port, "127.0.0.1");
  },
});
