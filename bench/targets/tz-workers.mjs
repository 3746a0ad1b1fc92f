import { createServer } from "@tz/server";
import { staticMount } from "@tz/static";
import { nodeTarget } from "./run/node-target.mjs";

const WORKERS = 6;
/** A process has 20,000 descriptors on most machines. */
const CONNECTIONS_EACH = 19_500;

export const target = nodeTarget(import.meta, {
  name: "tz-workers",
  about: `this project, ${WORKERS} worker processes`,
  version: `Node ${process.versions.node}`,
  async serve({ port, root }) {
    const app = createServer({ loop: "epoll", maxConnections: CONNECTIONS_EACH, idleTimeoutMs: 600_000 });
    app.mount(staticMount("/", root));
    await app.listen({ host: "127.0.0.1", port, workers: { count: WORKERS } });
    for (const signal of ["SIGINT", "SIGTERM"]) {
      process.once(signal, () => app.close({ timeoutMs: 2000 }).then(() => process.exit(0)));
    }
  },
});
