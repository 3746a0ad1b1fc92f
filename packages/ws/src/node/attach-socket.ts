import { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { type ConnectionHandler, type ConnectionParts, WebSocketConnection } from "../connection.js";
import type { Role } from "../opcode.js";
import { SocketSink } from "./socket-sink.js";
import { startTicking, stopTicking } from "./ticker.js";

/**
 * A connection over a socket whose handshake is done.
 *
 * @param head what was read behind the handshake
 */
export function attachSocket(
  role: Role,
  socket: Duplex,
  head: Uint8Array,
  handler: ConnectionHandler,
  parts: ConnectionParts,
): WebSocketConnection {
  const connection = new WebSocketConnection(role, new SocketSink(socket), handler, parts);
  if (socket instanceof Socket) {
    socket.setTimeout(0);
    socket.setNoDelay(true);
  }
  if (socket.destroyed) {
    // Its `close` has been and gone.
    process.nextTick(() => connection.ended());
    return connection;
  }
  startTicking(connection);
  // Unshifted rather than fed, so that no callback runs before the caller has the connection.
  if (head.length > 0) socket.unshift(head);
  socket.on("data", (chunk: Buffer) => connection.receive(chunk));
  socket.on("drain", () => connection.writable());
  socket.on("error", (error) => connection.ended(error));
  socket.on("end", () => {
    connection.ended();
    socket.end();
  });
  socket.on("close", () => {
    stopTicking(connection);
    connection.ended();
  });
  return connection;
}
