import { compiledSchema, createServer, json } from "@tz/server";
import { checkNewUser } from "./routes/new-user.mjs";
import { nodeTarget } from "./run/node-target.mjs";

export const target = nodeTarget(import.meta, {
  name: "tz-route",
  about: "this project's router, schemas and json(), epoll loop",
  version: `Node ${process.versions.node}`,
  serve({ port }) {
    const app = createServer({ loop: "epoll" })
      .get("/users/:id", (request) => json({ id: request.params.id }))
      .post("/users/:id", { body: compiledSchema(checkNewUser) }, (request) => {
        const { name, email } = request.valid.body;
        return json({ id: request.params.id, name, email });
      });
    app.listen({ host: "127.0.0.1", port });
    for (const signal of ["SIGINT", "SIGTERM"]) {
      process.once(signal, () => app.close({ timeoutMs: 2000 }).then(() => process.exit(0)));
    }
  },
});
