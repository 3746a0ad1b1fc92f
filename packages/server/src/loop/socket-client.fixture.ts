import { connect, type Socket } from "node:net";
import type { ConformanceClient } from "./loop.conformance.js";

/** A client on a real socket. */
export class SocketClient implements ConformanceClient {
  readonly socket: Socket;
  readonly #received: Buffer[] = [];
  ended = false;
  closed = false;

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on("data", (chunk: Buffer) => this.#received.push(chunk));
    socket.on("end", () => {
      this.ended = true;
    });
    socket.on("close", () => {
      this.ended = true;
      this.closed = true;
    });
    // A peer that destroys a connection with unread input resets it.
    socket.on("error", () => {});
  }

  static open(port: number, host = "127.0.0.1"): Promise<SocketClient> {
    return new Promise((resolve, reject) => {
      const socket = connect({ port, host, allowHalfOpen: true });
      socket.once("connect", () => resolve(new SocketClient(socket)));
      socket.once("error", reject);
    });
  }

  get received(): Buffer {
    return Buffer.concat(this.#received);
  }

  send(bytes: Uint8Array | string): void {
    this.socket.write(typeof bytes === "string" ? Buffer.from(bytes, "latin1") : bytes);
  }
  end(): void {
    this.socket.end();
  }
  reset(): void {
    this.socket.resetAndDestroy();
  }
  stopReading(): void {
    this.socket.pause();
  }
  resumeReading(): void {
    this.socket.resume();
  }
}

const POLL_MS = 2;
const PATIENCE_MS = 120_000;

export async function until(done: () => boolean): Promise<void> {
  const start = performance.now();
  while (!done()) {
    if (performance.now() - start > PATIENCE_MS)
      throw new Error(`waited ${PATIENCE_MS} ms in vain for ${done}`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

export function quiet(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 60));
}
