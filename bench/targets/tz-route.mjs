import { createServer, json } from "@tz/server";
import { nodeTarget } from "./run/node-target.mjs";

export const target = nodeTarget(import.meta, {
  name: "tz-route",
  about: "this project's router and json(), epoll loop",
  version: `Node ${process.versions.node}`,
  serve({ port }) {
    const app = createServer({ loop: "epoll" }).get("/users/:id", (request) =>
      json({ id: request.params.id }),
    );
    app.listen({ host: "127.0.0.1", port });
    for (const signal of ["SIGINT", "SIGTERM"]) {
      process.once(signal, () => app.close({ timeoutMs: 2000 }).then(() => process.exit(0)));
    }
  },
});
