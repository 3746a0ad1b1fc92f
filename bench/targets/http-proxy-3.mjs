import { createServer } from "node:http";
import { createProxyServer } from "http-proxy-3";
import { nodeTarget } from "./run/node-target.mjs";

export const target = nodeTarget(import.meta, {
  name: "http-proxy-3",
  about: "http-proxy-3 on node:http, ws: true",
  version: `Node ${process.versions.node}`,
  serve({ port, upstreamPort }) {
    const proxy = createProxyServer({ target: { host: "127.0.0.1", port: upstreamPort }, ws: true });
    proxy.on("error", () => {});
    const server = createServer((_request, response) => response.writeHead(404).end());
    server.on("upgrade", (request, socket, head) => proxy.ws(request, socket, head));
    server.listen(port, "127.0.0.1");
  },
});
