import type { Duplex } from "node:stream";
import type { Sink } from "../sink.js";

/** Bytes that the stream may hold of ours; the rest waits in the connection, where it is counted. */
const STREAM_BYTES_MAX = 64 * 1024;
/** How long an ended socket may still send before it is destroyed. */
const LINGER_MS = 5000;

/** A connection's way out over a `net.Socket`, a TLS socket or another duplex stream of Node. */
export class SocketSink implements Sink {
  readonly #socket: Duplex;
  readonly #limitBytes: number;

  constructor(socket: Duplex) {
    this.#socket = socket;
    // Not below the stream's own mark: only above it a refusal is followed by `drain`.
    this.#limitBytes = Math.max(STREAM_BYTES_MAX, socket.writableHighWaterMark);
  }

  write(chunk: Uint8Array): number {
    return this.writeRange(chunk, 0, chunk.length);
  }

  writeRange(bytes: Uint8Array, start: number, end: number): number {
    const socket = this.#socket;
    if (!socket.writable) return end - start;
    let at = start;
    // A write that the kernel takes at once leaves room again and is followed by no `drain`: go on until one
    // stays in the stream.
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

  close(): void {
    const socket = this.#socket;
    if (socket.destroyed) return;
    socket.end();
    // What still arrives is read and dropped, so that the socket sees the peer's end.
    socket.resume();
    const timer = setTimeout(() => socket.destroy(), LINGER_MS);
    timer.unref();
    socket.once("close", () => clearTimeout(timer));
  }

  abort(): void {
    this.#socket.destroy();
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }
}
