import { serve } from "@hono/node-server";
import { Hono } from "hono";
import { validator } from "hono/validator";
import { checkNewUser } from "./routes/new-user.mjs";
import { nodeTarget } from "./run/node-target.mjs";

const newUser = validator("json", (value, context) =>
  checkNewUser.Check(value) ? value : context.json({ title: "Unprocessable Content" }, 422),
);

export const target = nodeTarget(import.meta, {
  name: "hono-node",
  about: "hono on @hono/node-server, compiled check",
  version: `Node ${process.versions.node}`,
  serve({ port }) {
    const app = new Hono();
    app.get("/users/:id", (context) => context.json({ id: context.req.param("id") }));
    app.post("/users/:id", newUser, (context) => {
      const { name, email } = context.req.valid("json");
      return context.json({ id: context.req.param("id"), name, email });
    });
    serve({ fetch: app.fetch, port, hostname: "127.0.0.1" });
  },
});
