import { createServer, webSocket } from "@tz/server";
import { nodeTarget } from "./run/node-target.mjs";

export const target = nodeTarget(import.meta, {
  name: "tz-ws",
  about: "this project, epoll loop, sends from where it received",
  version: `Node ${process.versions.node}`,
  serve({ port }) {
    const echo = webSocket({
      onMessage: (socket, bytes, start, end, isText) => socket.sendRange(bytes, start, end, isText),
    });
    const app = createServer({ loop: "epoll" }).get("/", echo);
    app.listen({ host: "127.0.0.1", port });
    for (const signal of ["SIGINT", "SIGTERM"]) {
      process.once(signal, () => app.close({ timeoutMs: 2000 }).then(() => process.exit(0)));
    }
  },
});
