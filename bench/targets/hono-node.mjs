import { serve } from "@hono/node-server";
import { Hono } from "hono";
import { nodeTarget } from "./run/node-target.mjs";

export const target = nodeTarget(import.meta, {
  name: "hono-node",
  about: "hono on @hono/node-server",
  version: `Node ${process.versions.node}`,
  serve({ port }) {
    const app = new Hono();
    app.get("/users/:id", (context) => context.json({ id: context.req.param("id") }));
    serve({ fetch: app.fetch, port, hostname: "127.0.0.1" });
  },
});
