import { WebSocketProxy } from "@tz/cloudterm";
import { createServer } from "@tz/server";
import { nodeTarget } from "./node-target.mjs";

/**
 * The WebSocket proxy of this project on its own server.
 * @param {ImportMeta} meta of the target's file
 * @param {"splice" | "frames"} mode
 * @param {string} about
 */
export const tzProxy = (meta, mode, about) =>
  nodeTarget(meta, {
    name: `tz-${mode}`,
    about,
    version: `Node ${process.versions.node}`,
    serve({ port, upstreamPort }) {
      const upstream = `ws://127.0.0.1:${upstreamPort}/`;
      const proxy = new WebSocketProxy({ upstream, allow: ["127.0.0.1"], mode });
      const app = createServer({ loop: "epoll" }).get("/", (request) => proxy.accept(request));
      app.listen({ host: "127.0.0.1", port });
      for (const signal of ["SIGINT", "SIGTERM"]) {
        process.once(signal, () => {
          proxy.close();
          app.close({ timeoutMs: 1000 }).then(() => process.exit(0));
        });
      }
    },
  });
