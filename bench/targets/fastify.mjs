import Fastify from "fastify";
import { nodeTarget } from "./run/node-target.mjs";

const id = { type: "object", properties: { id: { type: "string" } } };

/** With a response schema, as its documentation recommends for speed. */
export const target = nodeTarget(import.meta, {
  name: "fastify",
  about: "a route with a response schema, no logger",
  version: `Node ${process.versions.node}`,
  serve({ port }) {
    const app = Fastify({ keepAliveTimeout: 60_000 });
    app.get("/users/:id", { schema: { response: { 200: id } } }, (request, reply) => {
      reply.send({ id: request.params.id });
    });
    app.listen({ port, host: "127.0.0.1" });
  },
});
