import { readdirSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { nodeTarget } from "./run/node-target.mjs";

/** The least that node:http can do: the first file of the folder from memory, with fixed fields. */
export const target = nodeTarget(import.meta, {
  name: "node-http",
  about: "node:http, one fixed answer from memory",
  version: `Node ${process.versions.node}`,
  serve({ port, root }) {
    const body = readFileSync(join(root, readdirSync(root)[0] ?? ""));
    const fields = {
      "Content-Type": "text/css",
      "Content-Length": body.length,
      ETag: '"fixed"',
      "Last-Modified": "Sat, 21 Nov 2026 07:29:00 GMT",
      "Cache-Control": "public",
    };
    const server = createServer((_request, response) => response.writeHead(200, fields).end(body));
    server.keepAliveTimeout = 60_000;
    server.listen(port, "127.0.0.1");
  },
});
