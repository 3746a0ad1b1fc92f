import Fastify from "fastify";
import { EventTotals } from "./routes/event.mjs";
import { nodeTarget } from "./run/node-target.mjs";

const body = {
  type: "object",
  properties: { userId: { type: "string" }, value: { type: "number" } },
  required: ["userId", "value"],
};
const ok = { type: "object", properties: { ok: { type: "boolean" } } };

export const target = nodeTarget(import.meta, {
  name: "fastify-events",
  about: "fastify, routes with schemas, totals in memory",
  version: `Node ${process.versions.node}`,
  serve({ port }) {
    const totals = new EventTotals();
    const app = Fastify({ keepAliveTimeout: 60_000 });
    app.post("/event", { schema: { body, response: { 200: ok } } }, (request, reply) => {
      totals.add(request.body);
      reply.send({ ok: true });
    });
    app.get("/stats", (_request, reply) => reply.send(totals.stats()));
    app.post("/reset", (_request, reply) => {
      totals.reset();
      reply.send({ ok: true });
    });
    app.listen({ port, host: "127.0.0.1" });
  },
});
