import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { nodeTarget } from "./run/node-target.mjs";

const require = createRequire(import.meta.url);

function load() {
  try {
    return require("uWebSockets.js");
  } catch {
    return undefined;
  }
}

const server = nodeTarget(import.meta, {
  name: "uws",
  about: "uWebSockets.js, one fixed answer",
  version: `Node ${process.versions.node}`,
  serve({ port, root }) {
    const [file = ""] = readdirSync(root);
    const body = readFileSync(join(root, file));
    load()
      .App()
      .get(`/${file}`, (response) => {
        response
          .writeHeader("Content-Type", "text/css")
          .writeHeader("ETag", '"fixed"')
          .writeHeader("Last-Modified", "Sat, 21 Nov 2026 07:29:00 GMT")
          .writeHeader("Date", "Sat, 21 Nov 2026 07:29:00 GMT")
          .writeHeader("Cache-Control", "public")
          .end(body);
      })
      .listen("127.0.0.1", port, () => {});
  },
});

/** @type {import("../harness/target.ts").Target} */
export const target = {
  ...server,
  probe: () =>
    load() === undefined
      ? { missing: "uWebSockets.js is not in the npm registry (npm install uNetworking/uWebSockets.js)" }
      : server.probe(),
};
