import express from "express";
import { nodeTarget } from "./run/node-target.mjs";

export const target = nodeTarget(import.meta, {
  name: "express",
  about: "express.static, no X-Powered-By",
  version: `Node ${process.versions.node}`,
  serve({ port, root }) {
    const app = express().disable("x-powered-by").use(express.static(root));
    app.listen(port, "127.0.0.1").keepAliveTimeout = 60_000;
  },
});
