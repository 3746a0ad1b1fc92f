/** A client of HTTP/2 that says what it is told, right or wrong: raw frames over TLS. */
import { once } from "node:events";
import { connect, type TLSSocket } from "node:tls";
import { CA } from "../tls/certificates.fixture.js";
import { FLAG, FRAME, FRAME_HEAD_BYTES, PREFACE, readUint31 } from "./frames/frame.js";
import { encodeField } from "./hpack/encoder.js";

export interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly id: number;
  readonly payload: Buffer;
}

/** A frame as bytes. */
export function frame(
  type: number,
  flags: number,
  id: number,
  payload: Uint8Array = Buffer.alloc(0),
): Buffer {
  const head = Buffer.alloc(FRAME_HEAD_BYTES);
  head.writeUIntBE(payload.byteLength, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(id, 5);
  return Buffer.concat([head, payload]);
}

/** A header block. @param fields name, value, name, value … */
export function block(...fields: string[]): Buffer {
  const bytes = Buffer.alloc(fields.join("").length * 2 + fields.length * 16);
  let end = 0;
  for (let i = 0; i < fields.length; i += 2) end = encodeField(fields[i]!, fields[i + 1]!, bytes, end);
  return bytes.subarray(0, end);
}

export const request = (method: string, path: string, ...more: string[]): Buffer =>
  block(":method", method, ":scheme", "https", ":path", path, ":authority", "localhost", ...more);

export const uint32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
};

export const settings = (...pairs: number[]): Buffer => {
  const bytes = Buffer.alloc((pairs.length / 2) * 6);
  for (let i = 0; i < pairs.length; i += 2) {
    bytes.writeUInt16BE(pairs[i]!, i * 3);
    bytes.writeUInt32BE(pairs[i + 1]!, i * 3 + 2);
  }
  return frame(FRAME.settings, 0, 0, bytes);
};

export const headers = (id: number, payload: Uint8Array, flags: number = FLAG.endHeaders | FLAG.endStream) =>
  frame(FRAME.headers, flags, id, payload);
export const data = (id: number, payload: string | Uint8Array, flags = 0): Buffer =>
  frame(FRAME.data, flags, id, Buffer.from(payload as string));

export class FrameClient {
  readonly socket: TLSSocket;
  readonly frames: Frame[] = [];
  /** The server's side has ended. */
  ended = false;
  #received: Buffer = Buffer.alloc(0);
  #waiting: (() => void)[] = [];

  private constructor(socket: TLSSocket) {
    this.socket = socket;
    socket.on("data", (chunk: Buffer) => this.#take(chunk));
    socket.on("error", () => {});
    for (const event of ["end", "close"]) {
      socket.on(event, () => {
        this.ended = true;
        this.#wake();
      });
    }
  }

  /** @param greeting what it says first */
  static async open(port: number, greeting: Uint8Array | null = Buffer.concat([PREFACE, settings()])) {
    const socket = connect({
      host: "127.0.0.1",
      port,
      ca: CA,
      servername: "localhost",
      ALPNProtocols: ["h2"],
    });
    const client = new FrameClient(socket);
    await once(socket, "secureConnect");
    socket.setNoDelay(true);
    if (greeting !== null) client.send(greeting);
    return client;
  }

  get #summary(): string {
    return this.frames.map(({ type, id, payload }) => `${type}@${id} (${payload.byteLength})`).join(", ");
  }

  send(...parts: Uint8Array[]): void {
    if (this.socket.writable) this.socket.write(Buffer.concat(parts));
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  /** Something has come, or the end. */
  #news(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #take(chunk: Buffer): void {
    queueMicrotask(() => this.#wake());
    this.#received = Buffer.concat([this.#received, chunk]);
    for (;;) {
      const bytes = this.#received;
      if (bytes.byteLength < FRAME_HEAD_BYTES) return;
      const end = FRAME_HEAD_BYTES + bytes.readUIntBE(0, 3);
      if (bytes.byteLength < end) return;
      this.frames.push({
        type: bytes[3]!,
        flags: bytes[4]!,
        id: readUint31(bytes, 5),
        payload: bytes.subarray(FRAME_HEAD_BYTES, end),
      });
      this.#received = bytes.subarray(end);
    }
  }

  /** Waits for a frame that fits, from the first one on. */
  async frame(fits: (frame: Frame) => boolean): Promise<Frame> {
    for (;;) {
      const found = this.frames.find(fits);
      if (found !== undefined) return found;
      if (this.ended) throw new Error(`the connection ended after ${this.#summary}`);
      await this.#news();
    }
  }

  /** The code of the GOAWAY that ends the connection, after its end. */
  async failure(): Promise<number> {
    const { payload } = await this.frame(
      ({ type, payload }) => type === FRAME.goAway && !(payload.readUInt32BE(0) === 2 ** 31 - 1),
    );
    while (!this.ended) await this.#news();
    return payload.readUInt32BE(4);
  }

  /** The code of a stream's RST_STREAM. */
  async reset(stream: number): Promise<number> {
    const { payload } = await this.frame(({ type, id }) => type === FRAME.resetStream && id === stream);
    return payload.readUInt32BE(0);
  }

  /** The first byte of the block of a stream's answer, and its body when all of it is there. */
  async answer(stream: number): Promise<{ status: number; body: Buffer }> {
    const head = await this.frame(
      ({ type, id, payload }) => type === FRAME.headers && id === stream && statusOf(payload) >= 200,
    );
    await this.frame(({ id, flags, type }) => id === stream && type <= FRAME.headers && (flags & 1) !== 0);
    const parts = this.frames.filter(({ type, id }) => type === FRAME.data && id === stream);
    return { status: statusOf(head.payload), body: Buffer.concat(parts.map(({ payload }) => payload)) };
  }

  /** Whether the connection answers still. */
  async alive(): Promise<boolean> {
    const mark = Buffer.alloc(8);
    mark.writeUInt32BE(this.frames.length + 1);
    this.send(frame(FRAME.ping, 0, 0, mark));
    await this.frame(
      ({ type, flags, payload }) => type === FRAME.ping && flags === 1 && payload.equals(mark),
    );
    return true;
  }

  close(): void {
    this.socket.destroy();
  }
}

const INDEXED = [200, 204, 206, 304, 400, 404, 500];

/** A status is indexed, or a literal of three digits, plain or Huffman-coded in two bytes. */
function statusOf(payload: Buffer): number {
  const at = payload[0] === 0x20 ? 1 : 0;
  const first = payload[at]!;
  if (first >= 0x88 && first <= 0x8e) return INDEXED[first - 0x88]!;
  if (payload[at + 1]! < 0x80) return Number(payload.toString("latin1", at + 2, at + 5));
  let bits = "";
  for (const byte of payload.subarray(at + 2, at + 2 + (payload[at + 1]! & 0x7f))) {
    bits += byte.toString(2).padStart(8, "0");
  }
  let digits = "";
  for (let i = 0; digits.length < 3; ) {
    const five = Number.parseInt(bits.slice(i, i + 5), 2);
    const isShort = five <= 2;
    digits += isShort ? five : Number.parseInt(bits.slice(i, i + 6), 2) - 0x19 + 3;
    i += isShort ? 5 : 6;
  }
  return Number(digits);
}
