import { read as readFile } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { constants } from "node:os";
import type { TLSSocket } from "node:tls";
import { TimerWheel } from "@tz/alloc";
import { isSupported, tcpBytesAcked } from "@tz/sys";
import { publishLimit } from "../observe/connection-channels.js";
import { IoMemory } from "./io-memory.js";
import type { Listener, ListenOptions, Loop, Transport, TransportHandler } from "./loop.js";
import { SendBatch } from "./send-batch.js";

const EAGAIN = 11;
const EIO = 5;
const FILE_CHUNK_BYTES = 256 * 1024;

/** The loop of a {@link NodeTransport}. */
export interface SocketHost {
  readonly memory: IoMemory;
  /** The transports that are open. */
  readonly transports: Set<NodeTransport>;
  turns: number;
  refreshClock(): void;
  /** Copies what lies at an address; only where batches name addresses. */
  copyOut?(address: number, target: Uint8Array): void;
}

/**
 * The portable loop on `node:net`, for platforms without the system calls. Same contract as the Linux loop: what
 * a socket brings is copied into the I/O memory, what it takes is copied out of it.
 */
export class NodeLoop implements Loop, SocketHost {
  readonly kind = "node";
  readonly memory = new IoMemory();
  readonly batch = new SendBatch(this.memory, false);
  readonly timers: TimerWheel;
  nowMs = performance.now();
  wallMs = Date.now();
  turns = 0;
  /** @internal */
  readonly transports = new Set<NodeTransport>();
  readonly #servers = new Set<Server>();
  /** Sockets below TLS, from the handshake on. */
  readonly #secured = new Set<Socket>();
  readonly #tickTimer: NodeJS.Timeout;

  constructor(tickMs: number) {
    this.timers = new TimerWheel({ tickMs, now: () => this.nowMs });
    this.#tickTimer = setInterval(() => {
      this.refreshClock();
      this.timers.advance(this.nowMs);
    }, tickMs).unref();
  }

  get connections(): number {
    return this.transports.size;
  }

  async listen(
    options: ListenOptions,
    accept: (transport: Transport) => TransportHandler,
  ): Promise<Listener> {
    const server = createServer({ allowHalfOpen: true, noDelay: true, pauseOnConnect: true }, (socket) => {
      this.refreshClock();
      if (options.secure !== undefined) {
        this.#secured.add(socket.once("close", () => this.#secured.delete(socket)));
        options.secure.acceptSocket(socket);
        return;
      }
      const transport = new NodeTransport(this, socket);
      transport.handler = accept(transport);
      if (!transport.closed) socket.resume();
    });
    server.maxConnections = options.maxConnections;
    server.on("drop", (peer) => {
      publishLimit("maxConnections", `${options.maxConnections} connections are open: closed at once`, peer);
    });
    const unix = options.host.includes("/");
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      const named = unix ? { path: options.host } : { host: options.host, port: options.port };
      const at = options.fd === undefined ? named : { fd: options.fd };
      server.listen({ ...at, backlog: options.backlog }, resolve);
    });
    // Failures of accept(2), EMFILE among them, concern connections that are not there: the server goes on.
    server.removeAllListeners("error").on("error", () => {});
    this.#servers.add(server);
    const bound = server.address();
    const address =
      bound === null || typeof bound === "string"
        ? { host: options.host, port: 0 }
        : { host: bound.address, port: bound.port };
    return {
      address,
      close: async () => {
        this.#servers.delete(server);
        // The callback waits for the connections; they are the server's business.
        server.close();
      },
    };
  }

  refreshClock(): void {
    this.nowMs = performance.now();
    this.wallMs = Date.now();
  }

  eachHandler(callback: (handler: TransportHandler) => void): void {
    for (const transport of [...this.transports]) callback(transport.handler);
  }

  yieldTurn(): void {}

  async close(): Promise<void> {
    clearInterval(this.#tickTimer);
    for (const server of this.#servers) server.close();
    for (const transport of [...this.transports]) transport.destroy();
    for (const socket of this.#secured) socket.destroy();
  }
}

/** What the handle of a Node socket tells; not documented, and not needed. */
interface SocketHandle {
  readonly fd?: unknown;
  readonly bytesWritten?: unknown;
  readonly writeQueueSize?: unknown;
}

const asksKernel = isSupported().supported;

const IGNORE: TransportHandler = { onData() {}, onEnd() {}, onWritable() {}, onClose() {} };

/** @internal A connection on a socket of Node's. */
export class NodeTransport implements Transport {
  handler: TransportHandler = IGNORE;
  closed = false;
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly #loop: SocketHost;
  readonly #socket: Socket;
  /** Received, not yet delivered: the handler paused in the middle of a chunk. */
  #rest: Buffer | null = null;
  #paused = false;
  #ended = false;
  #delivering = false;
  #full = false;
  /** Bytes of the file that were read and written since the last `sendFile` asked. */
  #fileSent = 0;
  #fileError = 0;
  #fileEnded = false;
  #reading = false;

  constructor(loop: SocketHost, socket: Socket) {
    this.#loop = loop;
    this.#socket = socket;
    loop.transports.add(this);
    this.remoteAddress = socket.remoteAddress ?? "";
    this.remotePort = socket.remotePort ?? 0;
    socket.on("data", (chunk: Buffer) => {
      this.#rest = this.#rest === null ? chunk : Buffer.concat([this.#rest, chunk]);
      this.#deliver();
    });
    socket.on("end", () => {
      this.#ended = true;
      this.#deliver();
    });
    socket.on("drain", () => {
      this.#full = false;
      if (!this.closed && !this.#reading) this.handler.onWritable();
    });
    socket.on("error", (error: NodeJS.ErrnoException) => this.#close(errnoOf(error)));
    socket.on("close", () => this.#close(0));
  }

  get secure(): boolean {
    return isSecure(this.#socket);
  }

  get peerCertificate(): Uint8Array | undefined {
    return isSecure(this.#socket) ? this.#socket.getPeerX509Certificate()?.raw : undefined;
  }

  flush(batch: SendBatch, _more: boolean): number {
    if (this.#full || this.#reading) return -EAGAIN;
    const out = Buffer.allocUnsafe(batch.byteLength);
    let at = 0;
    for (let i = 0; i < batch.count; i++) {
      const start = batch.starts[i]!;
      const length = batch.lengths[i]!;
      if (batch.plans[i] === null) out.set(batch.memory.bytes.subarray(start, start + length), at);
      else this.#loop.copyOut!(start, out.subarray(at, at + length));
      at += length;
    }
    this.#write(out);
    return out.byteLength;
  }

  sendFile(fd: number, offset: number, length: number): number {
    if (this.#fileError !== 0) return -this.#fileError;
    if (this.#fileSent > 0) {
      const sent = this.#fileSent;
      this.#fileSent = 0;
      return sent;
    }
    if (this.#fileEnded) return 0;
    if (this.#full || this.#reading) return -EAGAIN;
    this.#reading = true;
    const chunk = Buffer.allocUnsafe(Math.min(length, FILE_CHUNK_BYTES));
    readFile(fd, chunk, 0, chunk.byteLength, offset, (error, count) => {
      this.#reading = false;
      if (this.closed) return;
      this.#loop.refreshClock();
      if (error !== null) {
        this.#fileError = errnoOf(error);
      } else if (count === 0) {
        this.#fileEnded = true;
      } else {
        this.#fileSent = count;
        this.#write(chunk.subarray(0, count));
      }
      if (!this.#full) this.handler.onWritable();
    });
    return -EAGAIN;
  }

  /**
   * What the peer acknowledged, where the kernel can be asked. Otherwise what left for the kernel: Node counts bytes as
   * written when they are asked for, but its handle knows how many of them still wait. `-1` where it does not say.
   */
  takenBytes(): number {
    const { _handle: handle } = this.#socket as unknown as { _handle?: SocketHandle | null };
    const { fd, bytesWritten, writeQueueSize } = handle ?? {};
    if (asksKernel && typeof fd === "number" && fd >= 0) return tcpBytesAcked(fd);
    return typeof bytesWritten === "number" && typeof writeQueueSize === "number"
      ? bytesWritten - writeQueueSize
      : -1;
  }

  pause(): void {
    this.#paused = true;
    this.#socket.pause();
  }

  resume(): void {
    this.#paused = false;
    this.#socket.resume();
    if (this.#rest !== null || this.#ended) setImmediate(() => this.#deliver());
  }

  yieldWrite(): void {
    setImmediate(() => {
      if (!this.closed && !this.#full) this.handler.onWritable();
    });
  }

  shutdown(): void {
    this.#socket.end();
  }

  destroy(): void {
    this.#socket.destroy();
    this.#close(0);
  }

  reset(): void {
    const { _handle: handle } = this.#socket as unknown as { _handle?: { reset?: unknown } | null };
    // Only a TCP handle can: a pipe and TLS are closed.
    if (typeof handle?.reset === "function" && !this.secure) this.#socket.resetAndDestroy();
    this.destroy();
  }

  #write(bytes: Buffer): void {
    if (!this.#socket.write(bytes)) this.#full = true;
  }

  #deliver(): void {
    if (this.#delivering) return;
    this.#delivering = true;
    this.#loop.turns++;
    this.#loop.refreshClock();
    const { memory } = this.#loop;
    while (this.#rest !== null && !this.#paused && !this.closed) {
      const chunk = this.#rest;
      const length = Math.min(chunk.byteLength, memory.receiveBytes);
      memory.bytes.set(chunk.subarray(0, length), memory.receiveStart);
      this.#rest = length === chunk.byteLength ? null : chunk.subarray(length);
      this.handler.onData(memory.receiveStart, memory.receiveStart + length);
    }
    this.#delivering = false;
    if (this.#ended && this.#rest === null && !this.#paused && !this.closed) {
      this.#ended = false;
      this.handler.onEnd();
    }
  }

  #close(errno: number): void {
    if (this.closed) return;
    this.closed = true;
    this.#rest = null;
    this.#loop.transports.delete(this);
    this.#socket.destroy();
    this.handler.onClose(errno);
  }
}

function errnoOf(error: NodeJS.ErrnoException): number {
  const known = constants.errno as Record<string, number>;
  return (error.code !== undefined ? known[error.code] : undefined) ?? EIO;
}

/** Not by its class: `node:tls` takes time to load, and few servers need it. */
function isSecure(socket: Socket): socket is TLSSocket {
  return (socket as Partial<TLSSocket>).encrypted === true;
}
