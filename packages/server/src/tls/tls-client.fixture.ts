import { connect as connectPlain, type Socket } from "node:net";
import { type ConnectionOptions, connect, type TLSSocket } from "node:tls";
import type { ConformanceClient } from "../loop/loop.conformance.js";
import { CA } from "./certificates.fixture.js";

/** `node:tls` as the other end. */
export class TlsClient implements ConformanceClient {
  readonly socket: TLSSocket;
  readonly #plain: Socket;
  readonly #received: Buffer[] = [];
  ended = false;
  closed = false;

  private constructor(plain: Socket, socket: TLSSocket) {
    this.#plain = plain;
    this.socket = socket;
    socket.on("data", (chunk: Buffer) => this.#received.push(chunk));
    socket.on("end", () => {
      this.ended = true;
    });
    socket.on("close", () => {
      this.ended = true;
      this.closed = true;
    });
    socket.on("error", () => {});
    plain.on("error", () => {});
  }

  static open(port: number, options: ConnectionOptions = {}): Promise<TlsClient> {
    return new Promise((resolve, reject) => {
      const plain = connectPlain({ port, host: "127.0.0.1", allowHalfOpen: true });
      plain.once("error", reject);
      const socket = connect({ socket: plain, ca: CA, servername: "localhost", ...options });
      socket.once("error", reject);
      socket.once("secureConnect", () => resolve(new TlsClient(plain, socket)));
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
    this.#plain.resetAndDestroy();
  }
  stopReading(): void {
    this.socket.pause();
  }
  resumeReading(): void {
    this.socket.resume();
  }
}
