import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { nodeTarget } from "./run/node-target.mjs";

const GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
const FRAMES_PER_WRITE = 16;

/** An upstream that sends the frame in the file `stream-frame` over and over, as fast as its peer takes it. */
export const target = nodeTarget(import.meta, {
  name: "ws-flood",
  about: "node:net, one frame made beforehand",
  version: `Node ${process.versions.node}`,
  serve({ port, root }) {
    const frame = readFileSync(join(root, "stream-frame"));
    const chunk = Buffer.concat(Array.from({ length: FRAMES_PER_WRITE }, () => frame));
    const server = createServer((socket) => {
      socket.setNoDelay(true);
      socket.on("error", () => {});
      let head = "";
      const pour = () => {
        while (socket.writable && socket.write(chunk));
      };
      const onHead = (bytes) => {
        head += bytes.toString("latin1");
        if (!head.includes("\r\n\r\n")) return;
        socket.off("data", onHead).resume();
        const key = /\r\nsec-websocket-key: *(\S+)/i.exec(head)?.[1] ?? "";
        const accept = createHash("sha1").update(`${key}${GUID}`).digest("base64");
        socket.write(
          `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
        );
        // The proxy has its own handshake to finish, and joins the two sides then.
        socket.once("data", () => {
          socket.on("drain", pour);
          pour();
        });
      };
      socket.on("data", onHead);
    });
    server.listen(port, "127.0.0.1");
  },
});
