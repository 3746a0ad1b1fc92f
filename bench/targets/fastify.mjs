import Fastify from "fastify";
import { NewUser, UserCreated } from "./routes/new-user.mjs";
import { nodeTarget } from "./run/node-target.mjs";

const id = { type: "object", properties: { id: { type: "string" } } };

/** With schemas of body and response, as its documentation recommends for speed. */
export const target = nodeTarget(import.meta, {
  name: "fastify",
  about: "routes with schemas, no logger",
  version: `Node ${process.versions.node}`,
  serve({ port }) {
    const app = Fastify({ keepAliveTimeout: 60_000 });
    app.get("/users/:id", { schema: { response: { 200: id } } }, (request, reply) => {
      reply.send({ id: request.params.id });
    });
    app.post(
      "/users/:id",
      { schema: { body: NewUser, response: { 200: UserCreated } } },
      (request, reply) => {
        reply.send({ id: request.params.id, name: request.body.name, email: request.body.email });
      },
    );
    app.listen({ port, host: "127.0.0.1" });
  },
});
