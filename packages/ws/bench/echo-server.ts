/** An echo server in a process of its own: `tz` or `ws`. Answers each IPC message with its CPU time so far. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { WebSocketServer } from "ws";
import type { ConnectionHandler } from "../src/connection.js";
import { upgrade } from "../src/node/upgrade.js";

const server = createServer();
if (process.argv[2] === "tz") {
  const handler: ConnectionHandler = {
    onMessage: (connection, bytes, start, end, isText) =>
      void connection.sendRange(bytes, start, end, isText),
  };
  const options = { handler };
  server.on("upgrade", (request, socket, head) => upgrade(request, socket, head, options));
} else {
  const sockets = new WebSocketServer({ server });
  sockets.on("connection", (socket) => {
    socket.on("message", (data, isBinary) => socket.send(data as Buffer, { binary: isBinary }));
  });
}
process.on("message", () => {
  const { user, system } = process.cpuUsage();
  process.send!({ cpuMicros: user + system });
});
process.on("disconnect", () => process.exit());
server.listen(0, "127.0.0.1", () => process.send!({ port: (server.address() as AddressInfo).port }));
