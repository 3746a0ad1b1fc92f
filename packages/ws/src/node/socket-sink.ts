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
    // Not below the stream's own mark: else a refusal would not be followed by its `drain`.
    this.#limitBytes = Math.max(STREAM_BYTES_MAX, socket.writableHighWaterMark);
  }

  write(chunk: Uint8Array): number {
    return this.writeRange(chunk, 0, chunk.length);
  }

  writeRange(bytes: Uint8Array, start: number, end: number): number {
    const socket = this.#socket;
    if (!socket.writable) return end - start;
    const taken = Math.min(end - start, this.#limitBytes - socket.writableLength);
    if (taken <= 0) return 0;
    // A stream keeps what it is given until it is sent.
    socket.write(Buffer.from(bytes.subarray(start, start + taken)));
    return taken;
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
