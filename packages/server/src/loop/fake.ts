import { TimerWheel } from "@tz/alloc";
import { IoMemory } from "./io-memory.js";
import type { Listener, ListenOptions, Loop, Transport, TransportHandler } from "./loop.js";
import { SendBatch } from "./send-batch.js";

const EAGAIN = 11;
const EADDRINUSE = 98;

/** Reads `length` bytes of a descriptor at an offset: 0 at the end, negative errno on failure. */
export type FakeFileReader = (fd: number, into: Uint8Array, offset: number) => number;

/**
 * A loop without sockets: the test is the kernel. It sends bytes in the pieces that it wants, lets the server write
 * as much as it wants, injects errors, and moves time by hand.
 */
export class FakeLoop implements Loop {
  readonly kind = "fake";
  readonly memory = new IoMemory();
  readonly batch = new SendBatch(this.memory, false);
  readonly timers: TimerWheel;
  nowMs = 0;
  wallMs = Date.UTC(2026, 0, 1);
  turns = 0;
  readonly transports = new Set<FakeTransport>();
  readFile: FakeFileReader = () => -EAGAIN;
  #accept: ((transport: Transport) => TransportHandler) | undefined;

  constructor(tickMs: number) {
    this.timers = new TimerWheel({ tickMs, now: () => this.nowMs });
  }

  get connections(): number {
    return this.transports.size;
  }

  async listen(
    options: ListenOptions,
    accept: (transport: Transport) => TransportHandler,
  ): Promise<Listener> {
    if (this.#accept !== undefined) {
      throw Object.assign(new Error(`bind EADDRINUSE ${options.host}:${options.port}`), {
        code: "EADDRINUSE",
        errno: EADDRINUSE,
      });
    }
    this.#accept = accept;
    return {
      address: { host: options.host, port: options.port === 0 ? 1 : options.port },
      close: async () => {
        this.#accept = undefined;
      },
    };
  }

  /** A client connects. @param window bytes that the server may write before the client reads */
  connect(window = Number.POSITIVE_INFINITY): FakeTransport {
    if (this.#accept === undefined) throw new Error("connect ECONNREFUSED: nothing listens on the fake loop");
    const transport = new FakeTransport(this, window);
    this.transports.add(transport);
    transport.handler = this.#accept(transport);
    return transport;
  }

  /** Lets time pass, tick by tick, firing what is due. */
  advance(ms: number): void {
    const end = this.nowMs + ms;
    while (this.nowMs < end) {
      const step = Math.min(this.timers.tickMs, end - this.nowMs);
      this.nowMs += step;
      this.wallMs += step;
      this.timers.advance(this.nowMs);
    }
  }

  refreshClock(): void {}
  eachHandler(callback: (handler: TransportHandler) => void): void {
    for (const transport of [...this.transports]) callback(transport.handler);
  }

  yieldTurn(): void {}

  async close(): Promise<void> {
    for (const transport of [...this.transports]) transport.destroy();
  }
}

const IGNORE: TransportHandler = { onData() {}, onEnd() {}, onWritable() {}, onClose() {} };

/** Both ends of a fake connection: the server's `Transport`, and the client's hands (`client…`). */
export class FakeTransport implements Transport {
  handler: TransportHandler = IGNORE;
  readonly remoteAddress = "192.0.2.1";
  readonly remotePort = 50_000;
  closed = false;
  /** The server half-closed. */
  ended = false;
  /** The errno that the next write fails with; 0 for none. */
  failNextWrite = 0;
  /** Writes take at most so many bytes each. */
  maxWriteBytes = Number.POSITIVE_INFINITY;
  readonly #loop: FakeLoop;
  readonly #received: Buffer[] = [];
  #window: number;
  #blocked = false;
  #paused = false;
  #input: Buffer = Buffer.alloc(0);
  #inputEnded = false;
  #delivering = false;
  #yielded = false;

  constructor(loop: FakeLoop, window: number) {
    this.#loop = loop;
    this.#window = window;
  }

  /** Bytes that the server may write before the client reads more. */
  set clientWindow(bytes: number) {
    this.#window = bytes;
  }

  /** The client sends bytes; they arrive in one piece, or wait while the server has paused. */
  clientSend(bytes: Uint8Array | string): void {
    this.#input = Buffer.concat([this.#input, Buffer.from(bytes as string, "latin1")]);
    this.#deliver();
  }

  /** The client half-closes. */
  clientEnd(): void {
    this.#inputEnded = true;
    this.#deliver();
  }

  /** The client's machine resets the connection. */
  clientReset(errno = 104): void {
    this.#close(errno);
  }

  /** The client reads: the server may write so many bytes more. */
  clientRead(bytes: number): void {
    this.#window += bytes;
    if (this.#blocked && this.#window > 0 && !this.closed) {
      this.#blocked = false;
      this.handler.onWritable();
    }
  }

  /** Runs what `yieldWrite` asked for. `false` when nothing was asked. */
  turn(): boolean {
    if (!this.#yielded || this.closed) return false;
    this.#yielded = false;
    this.handler.onWritable();
    return true;
  }

  /** All that the client received so far. */
  get received(): Buffer {
    return Buffer.concat(this.#received);
  }

  get paused(): boolean {
    return this.#paused;
  }

  flush(batch: SendBatch, _more: boolean): number {
    const room = this.#room(batch.byteLength);
    if (room < 0) return room;
    let left = room;
    for (let i = 0; i < batch.count && left > 0; i++) {
      const length = Math.min(batch.lengths[i]!, left);
      const start = batch.starts[i]!;
      this.#received.push(Buffer.from(batch.memory.bytes.slice(start, start + length)));
      left -= length;
    }
    return room;
  }

  sendFile(fd: number, offset: number, length: number): number {
    const room = this.#room(length);
    if (room < 0) return room;
    const bytes = Buffer.alloc(Math.min(room, 65_536));
    const count = this.#loop.readFile(fd, bytes, offset);
    if (count > 0) this.#received.push(bytes.subarray(0, count));
    this.#window += room - Math.max(count, 0);
    return count;
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    queueMicrotask(() => this.#deliver());
  }

  yieldWrite(): void {
    this.#yielded = true;
  }

  shutdown(): void {
    this.ended = true;
  }

  destroy(): void {
    this.#close(0);
  }

  reset(): void {
    this.#close(0);
  }

  /** Takes `wanted` bytes of the window, or what is there; `-EAGAIN` when nothing is. */
  #room(wanted: number): number {
    if (this.failNextWrite !== 0) {
      const errno = this.failNextWrite;
      this.failNextWrite = 0;
      return -errno;
    }
    const room = Math.min(wanted, this.#window, this.maxWriteBytes);
    this.#window -= room;
    if (room < wanted) {
      this.#blocked = true;
      if (this.#window > 0) {
        // Short although there is room: the next edge comes at once, as from a kernel with small buffers.
        setImmediate(() => this.clientRead(0));
      }
    }
    return room === 0 ? -EAGAIN : room;
  }

  #deliver(): void {
    if (this.#delivering) return;
    this.#delivering = true;
    const { memory } = this.#loop;
    while (this.#input.byteLength > 0 && !this.#paused && !this.closed) {
      const piece = this.#input.subarray(0, memory.receiveBytes);
      this.#input = this.#input.subarray(piece.byteLength);
      memory.bytes.set(piece, memory.receiveStart);
      this.handler.onData(memory.receiveStart, memory.receiveStart + piece.byteLength);
    }
    this.#delivering = false;
    if (this.#inputEnded && this.#input.byteLength === 0 && !this.#paused && !this.closed) {
      this.#inputEnded = false;
      this.handler.onEnd();
    }
  }

  #close(errno: number): void {
    if (this.closed) return;
    this.closed = true;
    this.#loop.transports.delete(this);
    this.handler.onClose(errno);
  }
}
