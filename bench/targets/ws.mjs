import { WebSocketServer } from "ws";
import { nodeTarget } from "./run/node-target.mjs";

export const target = nodeTarget(import.meta, {
  name: "ws",
  about: "ws, no deflate",
  version: `Node ${process.versions.node}`,
  serve({ port }) {
    new WebSocketServer({ host: "127.0.0.1", port, perMessageDeflate: false }).on("connection", (socket) => {
      socket.on("message", (data, isBinary) => socket.send(data, { binary: isBinary }));
    });
  },
});
