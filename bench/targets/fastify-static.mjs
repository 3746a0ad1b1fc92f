import fastifyStatic from "@fastify/static";
import Fastify from "fastify";
import { nodeTarget } from "./run/node-target.mjs";

export const target = nodeTarget(import.meta, {
  name: "fastify-static",
  about: "fastify + @fastify/static, no logger",
  version: `Node ${process.versions.node}`,
  serve({ port, root }) {
    const app = Fastify({ keepAliveTimeout: 60_000 });
    app.register(fastifyStatic, { root });
    app.listen({ port, host: "127.0.0.1" });
  },
});
