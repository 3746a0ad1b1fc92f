/** Clients of `crowd.ts`: many connections in a process of their own. argv: kind, port, connections. */
import { connect, type Socket } from "node:net";

const [kind, port, count] = process.argv.slice(2);
/** Connections that are opened at a time: the kernel's queue holds 4,096. */
const WAVE = 500;
const HANDSHAKE = [
  "GET /socket HTTP/1.1",
  "Host: a",
  "Upgrade: websocket",
  "Connection: Upgrade",
  "Sec-WebSocket-Version: 13",
  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
  "\r\n",
].join("\r\n");
const GET = "GET /json/7 HTTP/1.1\r\nHost: a\r\n\r\n";
const ANSWER_END = '{"id":"7"}';
/** A text frame of the server, and the same masked with zeros. */
const frameOf = (text: string): Buffer => Buffer.concat([Buffer.of(0x81, text.length), Buffer.from(text)]);
const maskedOf = (text: string): Buffer =>
  Buffer.concat([Buffer.of(0x81, 0x80 | text.length, 0, 0, 0, 0), Buffer.from(text)]);

/** One connection; everything that it gets must be what it waits for. */
class Peer {
  readonly #socket: Socket;
  #received = "";
  #wanted = "";
  #resolve: () => void = () => {};
  #reject: (error: Error) => void = () => {};

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("data", (chunk) => {
      this.#received += chunk.toString("latin1");
      if (!this.#received.endsWith(this.#wanted)) return;
      this.#received = "";
      this.#resolve();
    });
    socket.on("error", (error) => this.#reject(error));
    socket.on("close", () => this.#reject(new Error("closed by the server")));
  }

  static open(localAddress: string): Promise<Peer> {
    return new Promise((resolve, reject) => {
      const socket = connect({ port: Number(port), host: "127.0.0.1", localAddress });
      socket.once("connect", () => resolve(new Peer(socket)));
      socket.once("error", reject);
    });
  }

  /** Resolves when what came ends with `wanted`. */
  expect(wanted: string): Promise<void> {
    this.#wanted = wanted;
    return new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  exchange(bytes: string | Buffer, wanted: string): Promise<void> {
    const done = this.expect(wanted);
    this.#socket.write(bytes);
    return done;
  }
}

const peers: Peer[] = [];

async function inWaves(work: (peer: Peer) => Promise<void>): Promise<void> {
  for (let at = 0; at < peers.length; at += WAVE) await Promise.all(peers.slice(at, at + WAVE).map(work));
}

const ORDERS: Record<string, (order: { text: string; requests: number; active: number }) => Promise<void>> = {
  async open() {
    for (let at = 0; at < Number(count); at += WAVE) {
      const wave = Array.from({ length: Math.min(WAVE, Number(count) - at) }, (_, i) =>
        Peer.open(`127.0.0.${2 + ((at + i) % 8)}`),
      );
      peers.push(...(await Promise.all(wave)));
    }
    const hello = (peer: Peer): Promise<void> =>
      kind === "sockets" ? peer.exchange(HANDSHAKE, "\r\n\r\n") : peer.exchange(GET, ANSWER_END);
    await inWaves(hello);
  },
  /** Every connection still works. */
  async exchange({ text }) {
    await inWaves((peer) =>
      kind === "sockets"
        ? peer.exchange(maskedOf(text), frameOf(text).toString("latin1"))
        : peer.exchange(GET, ANSWER_END),
    );
  },
  async expect({ text }) {
    const all = peers.map((peer) => peer.expect(frameOf(text).toString("latin1")));
    process.send!({ waiting: all.length });
    await Promise.all(all);
  },
  /** A few of them ask one request after the other. */
  async load({ active, requests }) {
    await Promise.all(
      peers.slice(0, active).map(async (peer) => {
        for (let i = 0; i < requests; i++) await peer.exchange(GET, ANSWER_END);
      }),
    );
  },
};

process.on("message", (order: { do: string; text: string; requests: number; active: number }) => {
  ORDERS[order.do]!(order).then(
    () => process.send!({ done: order.do }),
    (error: Error) => process.send!({ failed: `${order.do}: ${error.message}` }),
  );
});
