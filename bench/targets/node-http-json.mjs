import { createServer } from "node:http";
import { nodeTarget } from "./run/node-target.mjs";

export const target = nodeTarget(import.meta, {
  name: "node-http-json",
  about: "node:http, the same answer by hand",
  version: `Node ${process.versions.node}`,
  serve({ port }) {
    const server = createServer((request, response) => {
      const body = JSON.stringify({ id: decodeURIComponent(request.url.slice("/users/".length)) });
      response
        .writeHead(200, { "Content-Type": "application/json", "Content-Length": Buffer.byteLength(body) })
        .end(body);
    });
    server.keepAliveTimeout = 60_000;
    server.listen(port, "127.0.0.1");
  },
});
