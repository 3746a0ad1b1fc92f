/**
 * Keep-alive connections that ask for known files and ranges and compare every byte of every answer. An answer that
 * is cut, reset, refused, late or different is a failure; only what a killed worker had in its hands is excused.
 */
import { connect, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

export interface KnownFile {
  readonly target: string;
  readonly bytes: Buffer;
}

export interface ByteTally {
  requests: number;
  bytes: number;
  connections: number;
  /** Requests that a killed worker had in its hands. */
  excused: number;
  readonly failures: string[];
  slowestMs: number;
}

const ANSWER_MS_MAX = 240_000;
const HEAD_BYTES_MAX = 4096;
/** One request in so many opens a connection of its own, so that new workers get some. */
const RECONNECT_EVERY = 40;
const FAILURES_TOLD = 50;
/** Ports are the client's own choice, so that it knows them before the connection stands; below the kernel's choices. */
const PORT_MIN = 10_000;
const PORT_MAX = 19_999;
/** Not that of other clients, so that they cannot be taken for one another. */
export const CLIENT_ADDRESS = "127.0.0.2";

export class ByteClient {
  readonly tally: ByteTally = {
    requests: 0,
    bytes: 0,
    connections: 0,
    excused: 0,
    failures: [],
    slowestMs: 0,
  };
  readonly #port: number;
  readonly #files: readonly KnownFile[];
  /** Client ports of connections whose worker was killed. */
  readonly #excused = new Set<number>();
  readonly #open = new Set<number>();
  #lastPort = PORT_MIN + Math.floor(Math.random() * (PORT_MAX - PORT_MIN));
  #stopped = false;
  readonly #runs: Promise<void>[];

  readonly #pause: (tookMs: number) => Promise<void>;

  /** @param pause between the answer and the next request of a connection */
  constructor(
    port: number,
    files: readonly KnownFile[],
    connections: number,
    pause: (tookMs: number) => Promise<void> = async () => {},
  ) {
    this.#port = port;
    this.#files = files;
    this.#pause = pause;
    this.#runs = Array.from({ length: connections }, () => this.#run());
  }

  /** Their worker is about to be killed. What is still connecting is among them too. */
  excuse(ports: readonly number[]): void {
    for (const port of ports) if (this.#open.has(port)) this.#excused.add(port);
  }

  /** Finishes what is under way. */
  async stop(): Promise<ByteTally> {
    this.#stopped = true;
    await Promise.all(this.#runs);
    return this.tally;
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      const port = this.#nextPort();
      this.#open.add(port);
      let what = "connect";
      let socket: Socket | undefined;
      try {
        socket = await connected(this.#port, port);
        this.tally.connections++;
        let goesOn = true;
        while (goesOn && !this.#stopped) {
          const [file, range] = this.#choose();
          what = `${file.target} ${range?.join("-") ?? ""}`;
          goesOn = await this.#exchange(socket, file, range);
        }
      } catch (error) {
        // The port of another program: the next one.
        if (isPortTaken(error)) continue;
        if (this.#excused.has(port)) this.tally.excused++;
        else if (this.tally.failures.length < FAILURES_TOLD) {
          this.tally.failures.push(
            `${new Date().toISOString()} port ${port} ${what}: ${(error as Error).message}`,
          );
        }
      } finally {
        this.#open.delete(port);
        this.#excused.delete(port);
        socket?.destroy();
      }
      // A server that refuses would be asked thousands of times a second.
      if (this.tally.failures.length > 0) await sleep(20);
    }
  }

  #nextPort(): number {
    this.#lastPort = this.#lastPort >= PORT_MAX ? PORT_MIN : this.#lastPort + 1;
    return this.#lastPort;
  }

  #choose(): [file: KnownFile, range: [number, number] | undefined] {
    const file = this.#files[Math.floor(Math.random() * this.#files.length)]!;
    if (file.bytes.length < 2 || Math.random() < 0.7) return [file, undefined];
    const start = Math.floor(Math.random() * file.bytes.length);
    return [file, [start, start + Math.floor(Math.random() * (file.bytes.length - start))]];
  }

  async #exchange(socket: Socket, file: KnownFile, range: [number, number] | undefined): Promise<boolean> {
    const startMs = performance.now();
    const fields = range === undefined ? "" : `Range: bytes=${range[0]}-${range[1]}\r\n`;
    const expected = range === undefined ? file.bytes : file.bytes.subarray(range[0], range[1] + 1);
    const reader = new AnswerReader(range === undefined ? 200 : 206, expected);
    socket.write(`GET ${file.target} HTTP/1.1\r\nHost: torture\r\n${fields}\r\n`);
    await read(socket, reader);
    const tookMs = performance.now() - startMs;
    this.tally.requests++;
    this.tally.bytes += expected.length;
    this.tally.slowestMs = Math.max(this.tally.slowestMs, tookMs);
    await this.#pause(tookMs);
    return !reader.closes && Math.random() * RECONNECT_EVERY >= 1;
  }
}

function isPortTaken(error: unknown): boolean {
  const { code, syscall } = error as NodeJS.ErrnoException;
  return code === "EADDRINUSE" || code === "EADDRNOTAVAIL" || (code === "EACCES" && syscall === "bind");
}

function connected(port: number, localPort: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const localAddress = CLIENT_ADDRESS;
    const socket = connect({ port, host: "127.0.0.1", localAddress, localPort, noDelay: true });
    socket.once("error", reject);
    socket.once("connect", () => {
      socket.off("error", reject);
      // Between two answers errors are of no interest, but must have a listener.
      socket.on("error", () => {});
      resolve(socket);
    });
  });
}

/** Resolves when the answer is complete. @throws Error when it differs, is cut or too late */
function read(socket: Socket, reader: AnswerReader): Promise<void> {
  return new Promise((resolve, reject) => {
    const end = (error?: Error): void => {
      clearTimeout(timer);
      socket.off("data", onData).off("error", onError).off("close", onClose);
      if (error === undefined) resolve();
      else reject(error);
    };
    const onData = (chunk: Buffer): void => {
      try {
        if (reader.take(chunk)) end();
      } catch (error) {
        end(error as Error);
      }
    };
    const onError = (error: Error): void => end(new Error(`${error.message}, ${reader.state}`));
    const onClose = (): void => end(new Error(`closed, ${reader.state}`));
    const timer = setTimeout(() => end(new Error(`no answer in time, ${reader.state}`)), ANSWER_MS_MAX);
    socket.on("data", onData).on("error", onError).on("close", onClose);
  });
}

/** One answer, compared as it comes. */
class AnswerReader {
  closes = false;
  readonly #status: number;
  readonly #expected: Buffer;
  #head: Buffer | undefined = Buffer.alloc(0);
  #got = 0;

  constructor(status: number, expected: Buffer) {
    this.#status = status;
    this.#expected = expected;
  }

  get state(): string {
    return this.#head === undefined ? `${this.#got} of ${this.#expected.length} bytes` : "no head";
  }

  /** @returns whether it is complete */
  take(chunk: Buffer): boolean {
    let body = chunk;
    if (this.#head !== undefined) {
      this.#head = Buffer.concat([this.#head, chunk]);
      const end = this.#head.indexOf("\r\n\r\n");
      if (end < 0) {
        if (this.#head.length > HEAD_BYTES_MAX) throw new Error("a head without end");
        return false;
      }
      this.#check(this.#head.subarray(0, end).toString("latin1"));
      body = this.#head.subarray(end + 4);
      this.#head = undefined;
    }
    const expected = this.#expected.subarray(this.#got, this.#got + body.length);
    if (!body.equals(expected)) throw new Error(`other bytes from ${this.#got} on`);
    this.#got += body.length;
    return this.#got === this.#expected.length;
  }

  #check(head: string): void {
    const [line = "", ...fields] = head.split("\r\n");
    const values = new Map(
      fields.map((field) => [
        field.slice(0, field.indexOf(":")).toLowerCase(),
        field.slice(field.indexOf(":") + 1).trim(),
      ]),
    );
    if (!line.startsWith(`HTTP/1.1 ${this.#status} `)) throw new Error(`answered ${line}`);
    if (Number(values.get("content-length")) !== this.#expected.length) {
      throw new Error(`Content-Length ${values.get("content-length")}, not ${this.#expected.length}`);
    }
    this.closes = values.get("connection") === "close";
  }
}
