import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import sirv from "sirv";
import { nodeTarget } from "./run/node-target.mjs";

const manifest = createRequire(import.meta.url).resolve("sirv/package.json");

export const target = nodeTarget(import.meta, {
  name: "sirv",
  about: "node:http + sirv, production mode, ETag",
  version: `${JSON.parse(readFileSync(manifest, "utf8")).version} on Node ${process.versions.node}`,
  serve({ port, root }) {
    const server = createServer(sirv(root, { etag: true }));
    server.keepAliveTimeout = 60_000;
    server.listen(port, "127.0.0.1");
  },
});
