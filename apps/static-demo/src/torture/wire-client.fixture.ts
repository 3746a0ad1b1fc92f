/** Raw conversations: bytes out, answers checked as they come. */
import { connect as connectTcp, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";

/** What an answer must be. A refusal that is told honestly is allowed where the kernel failed. */
export interface Expected {
  readonly status: number;
  readonly body: Buffer;
}

/** What came of a conversation. */
export type Outcome = "right" | "closed" | "refused" | `wrong: ${string}` | `hang: ${string}`;

/** A server that could not do its work says one of these. */
const HONEST_REFUSALS = new Set([400, 403, 408, 500, 503]);
const HEAD_BYTES_MAX = 8192;
const PATIENCE_STEP_MS = 1000;

export interface Conversation {
  readonly port: number;
  readonly secure?: boolean;
  /** Sent one after the other, without waiting. */
  readonly send: readonly Buffer[];
  readonly judge: Judge;
  readonly patienceMs: number;
}

/** Looks at all that has come so far. */
export interface Judge {
  /** @returns whether it is complete @throws Error when it can become right no more */
  take(chunk: Buffer): boolean;
  readonly refused: boolean;
  readonly state: string;
}

export function converse({ port, secure, send, judge, patienceMs }: Conversation): Promise<Outcome> {
  return new Promise((resolve) => {
    const socket: Socket =
      secure === true
        ? connectTls({ port, host: "127.0.0.1", rejectUnauthorized: false })
        : connectTcp({ port, host: "127.0.0.1", noDelay: true });
    let outcome: Outcome | undefined;
    const settle = (found: Outcome): void => {
      outcome ??= found;
      clearInterval(timer);
      socket.destroy();
    };
    // In steps: time for which this process is stopped does not count.
    let steps = Math.ceil(patienceMs / PATIENCE_STEP_MS);
    const timer = setInterval(() => {
      if (--steps <= 0) settle(`hang: ${judge.state}`);
    }, PATIENCE_STEP_MS);
    socket.once(secure === true ? "secureConnect" : "connect", () => {
      for (const bytes of send) socket.write(bytes);
    });
    socket.on("data", (chunk: Buffer) => {
      if (outcome !== undefined) return;
      try {
        if (judge.take(chunk)) settle(judge.refused ? "refused" : "right");
      } catch (error) {
        settle(`wrong: ${(error as Error).message}`);
      }
    });
    socket.on("error", () => settle("closed"));
    socket.on("close", () => {
      settle("closed");
      resolve(outcome!);
    });
  });
}

/** HTTP/1.1 answers with a length, in order. */
export class AnswersJudge implements Judge {
  refused = false;
  readonly #expected: readonly Expected[];
  #index = 0;
  #head: Buffer = Buffer.alloc(0);
  #body: { readonly bytes: Buffer | undefined; got: number; readonly length: number } | undefined;

  constructor(...expected: readonly Expected[]) {
    this.#expected = expected;
  }

  get state(): string {
    const body = this.#body;
    const where = body === undefined ? "in the head" : `${body.got} of ${body.length} bytes`;
    return `answer ${this.#index + 1} of ${this.#expected.length}, ${where}`;
  }

  take(chunk: Buffer): boolean {
    let rest = chunk;
    while (this.#index < this.#expected.length) {
      if (this.#body === undefined) {
        const seen = this.#head.length;
        this.#head = Buffer.concat([this.#head, rest]);
        const end = this.#head.indexOf("\r\n\r\n");
        if (end < 0) {
          if (this.#head.length > HEAD_BYTES_MAX) throw new Error("a head without end");
          return false;
        }
        this.#begin(this.#head.subarray(0, end).toString("latin1"));
        rest = rest.subarray(end + 4 - seen);
        this.#head = Buffer.alloc(0);
      }
      const body = this.#body!;
      const part = rest.subarray(0, body.length - body.got);
      if (body.bytes !== undefined && !part.equals(body.bytes.subarray(body.got, body.got + part.length)))
        throw new Error(`other bytes: ${this.state}`);
      body.got += part.length;
      rest = rest.subarray(part.length);
      if (body.got < body.length) return false;
      this.#body = undefined;
      this.#index++;
    }
    if (rest.length > 0) throw new Error(`${rest.length} bytes behind the last answer`);
    return true;
  }

  #begin(head: string): void {
    const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(head)?.[1]);
    const length = Number(/\r\ncontent-length: (\d+)/i.exec(head)?.[1] ?? Number.NaN);
    const { status: wanted, body } = this.#expected[this.#index]!;
    if (status === wanted) {
      if (length !== body.length)
        throw new Error(`${this.state}: Content-Length ${length}, not ${body.length}`);
      this.#body = { bytes: body, got: 0, length };
    } else if (HONEST_REFUSALS.has(status)) {
      this.refused = true;
      this.#body = { bytes: undefined, got: 0, length: Number.isNaN(length) ? 0 : length };
    } else {
      throw new Error(`answered ${head.split("\r\n")[0]}`);
    }
  }
}

/** The handshake's answer, then these binary messages, one frame each. */
export class MessagesJudge implements Judge {
  refused = false;
  readonly #messages: readonly Buffer[];
  #bytes: Buffer = Buffer.alloc(0);
  #opened = false;
  #index = 0;

  constructor(...messages: readonly Buffer[]) {
    this.#messages = messages;
  }

  get state(): string {
    return `${this.#index} of ${this.#messages.length} messages`;
  }

  take(chunk: Buffer): boolean {
    this.#bytes = Buffer.concat([this.#bytes, chunk]);
    if (!this.#opened) {
      const end = this.#bytes.indexOf("\r\n\r\n");
      if (end < 0) return false;
      const head = this.#bytes.subarray(0, end).toString("latin1");
      if (!head.startsWith("HTTP/1.1 101 ")) {
        if (!HONEST_REFUSALS.has(Number(head.slice(9, 12))))
          throw new Error(`answered ${head.split("\r\n")[0]}`);
        this.refused = true;
        return true;
      }
      this.#opened = true;
      this.#bytes = this.#bytes.subarray(end + 4);
    }
    for (;;) {
      const frame = frameIn(this.#bytes);
      if (frame === undefined) return this.#index === this.#messages.length;
      this.#bytes = this.#bytes.subarray(frame.byteLength);
      if (frame.opcode === 8) {
        this.refused = true;
        return true;
      }
      const wanted = this.#messages[this.#index++];
      if (wanted === undefined || frame.opcode !== 2 || !frame.payload.equals(wanted))
        throw new Error(`other message: ${this.state}`);
    }
  }
}

function frameIn(bytes: Buffer): { opcode: number; payload: Buffer; byteLength: number } | undefined {
  if (bytes.length < 2) return undefined;
  let length = bytes[1]! & 0x7f;
  let start = 2;
  if (length === 126) {
    if (bytes.length < 4) return undefined;
    length = bytes.readUInt16BE(2);
    start = 4;
  } else if (length === 127) {
    if (bytes.length < 10) return undefined;
    length = Number(bytes.readBigUInt64BE(2));
    start = 10;
  }
  if (bytes.length < start + length) return undefined;
  return {
    opcode: bytes[0]! & 0x0f,
    payload: bytes.subarray(start, start + length),
    byteLength: start + length,
  };
}

/** A binary message of a client, masked with zeros. */
export function clientFrame(payload: Buffer, opcode = 2): Buffer {
  const { length } = payload;
  const head = Buffer.alloc(length < 126 ? 6 : length < 65_536 ? 8 : 14);
  head[0] = 0x80 | opcode;
  if (length < 126) head[1] = 0x80 | length;
  else if (length < 65_536) {
    head[1] = 0x80 | 126;
    head.writeUInt16BE(length, 2);
  } else {
    head[1] = 0x80 | 127;
    head.writeBigUInt64BE(BigInt(length), 2);
  }
  return Buffer.concat([head, payload]);
}

export function request(
  line: string,
  fields: readonly string[] = [],
  body: Buffer = Buffer.alloc(0),
): Buffer {
  const head = [`${line} HTTP/1.1`, "Host: torture", ...fields, "", ""].join("\r\n");
  return Buffer.concat([Buffer.from(head, "latin1"), body]);
}

export const UPGRADE = request("GET /socket", [
  "Connection: Upgrade",
  "Upgrade: websocket",
  "Sec-WebSocket-Version: 13",
  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
]);
