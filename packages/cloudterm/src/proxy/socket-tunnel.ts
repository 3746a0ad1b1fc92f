import type { Socket } from "node:net";
import type { Tunnel, TunnelHandler } from "@tz/http1";

/** Bytes that the stream may hold of ours; the rest waits where it is counted. */
const STREAM_BYTES_MAX = 64 * 1024;

/** A socket of Node as a tunnel, so that relays know only one kind of connection. */
export class SocketTunnel implements Tunnel {
  readonly socket: Socket;
  readonly #limitBytes: number;
  #held = false;

  constructor(socket: Socket) {
    this.socket = socket;
    // Not below the stream's own mark: only above it a refusal is followed by `drain`.
    this.#limitBytes = Math.max(STREAM_BYTES_MAX, socket.writableHighWaterMark);
    // The other direction may go on after an end.
    socket.allowHalfOpen = true;
    socket.setTimeout(0);
    socket.setNoDelay(true);
    socket.on("error", () => socket.destroy());
    socket.pause();
  }

  /** Begins: `head` comes first, then what the socket has. */
  start(handler: TunnelHandler, head: Uint8Array): void {
    const { socket } = this;
    socket.on("data", (chunk: Buffer) => handler.onData(chunk, 0, chunk.length));
    socket.on("end", () => handler.onEnd());
    socket.on("drain", () => handler.onWritable());
    socket.on("close", () => handler.onClose());
    if (socket.destroyed) {
      process.nextTick(() => handler.onClose());
      return;
    }
    if (head.length > 0) handler.onData(head, 0, head.length);
    if (!this.#held) socket.resume();
  }

  write(bytes: Uint8Array, start: number, end: number): number {
    const { socket } = this;
    if (!socket.writable) return end - start;
    let at = start;
    while (at < end) {
      const room = this.#limitBytes - socket.writableLength;
      if (room <= 0) break;
      const to = Math.min(end, at + room);
      // A stream keeps what it is given until it is sent.
      socket.write(Buffer.from(bytes.subarray(at, to)));
      at = to;
    }
    return at - start;
  }

  shutdown(): void {
    if (this.socket.destroyed) return;
    this.socket.end();
  }

  destroy(): void {
    this.socket.destroy();
  }

  pause(): void {
    this.#held = true;
    this.socket.pause();
  }

  resume(): void {
    this.#held = false;
    this.socket.resume();
  }
}
