import { createServer, text } from "@tz/server";
import { countPrimes } from "../routes/busy.mjs";
import { nodeTarget } from "./node-target.mjs";

/**
 * A handler that computes.
 * @param {ImportMeta} meta
 * @param {string} name
 * @param {string} about
 * @param {number} workers
 */
export const busyTarget = (meta, name, about, workers) =>
  nodeTarget(meta, {
    name,
    about,
    version: `Node ${process.versions.node}`,
    serve({ port }) {
      const app = createServer({ loop: "epoll" }).get("/primes", () => text(countPrimes()));
      app.listen({ host: "127.0.0.1", port, workers });
      for (const signal of ["SIGINT", "SIGTERM"]) {
        process.once(signal, () => app.close({ timeoutMs: 2000 }).then(() => process.exit(0)));
      }
    },
  });
