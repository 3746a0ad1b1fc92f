import { WebSocketConnection } from "../src/connection.js";
import type { Role } from "../src/opcode.js";
import { connectionSettings } from "../src/options.js";
import { check, compare, perSecond, table, times } from "./measure.js";
import { Sender } from "./ws-peer.js";

const settings = connectionSettings();
const PER_CORK = 32;

const CASES: readonly (readonly [string, Role, Buffer | string])[] = [
  ["125 B binary, server", "server", Buffer.alloc(125, 1)],
  ["125 B text, server", "server", "a".repeat(125)],
  ["16 KiB binary, server", "server", Buffer.alloc(16384, 2)],
  ["125 B binary, client (masked)", "client", Buffer.alloc(125, 1)],
  ["16 KiB binary, client (masked)", "client", Buffer.alloc(16384, 2)],
];

/** Messages to frames. The sink and the socket take all bytes and drop them. */
export async function benchSend(): Promise<void> {
  const rows: string[][] = [];
  for (const [name, role, data] of CASES) {
    let bytes = 0;
    const countRange = (length: number) => {
      bytes += length;
      return length;
    };
    const count = (chunk: Uint8Array) => countRange(chunk.length);
    const sink = {
      write: count,
      writeRange: (_bytes: Uint8Array, start: number, end: number) => countRange(end - start),
      close() {},
    };
    const connection = new WebSocketConnection(role, sink, { onMessage() {} }, { settings });
    const socket = {
      cork() {},
      uncork() {},
      write: (chunk: Uint8Array | string) => count(Buffer.from(chunk)),
    };
    const plainSocket = { ...socket, write: (chunk: Uint8Array) => count(chunk) };
    const sender = new Sender(typeof data === "string" ? socket : plainSocket, {});
    const options = { binary: typeof data !== "string", compress: false, fin: true, mask: role === "client" };
    const many = (send: () => void) => () => {
      for (let i = 0; i < PER_CORK; i++) send();
    };
    const contenders = [
      { name: "corked", operations: PER_CORK, run: () => connection.cork(many(() => connection.send(data))) },
      { name: "one by one", operations: PER_CORK, run: many(() => connection.send(data)) },
      { name: "ws", operations: PER_CORK, run: many(() => sender.send(data, options)) },
    ];
    const lengths = contenders.map((contender) => {
      bytes = 0;
      contender.run();
      return bytes;
    });
    check(new Set(lengths).size === 1, `${name}: ${lengths} bytes were sent`);
    const figures = await compare(contenders);
    rows.push([
      name,
      ...figures.map(({ nsPerOperation }) => perSecond(nsPerOperation)),
      times(1 / figures[0]!.ratioToLast),
      times(1 / figures[1]!.ratioToLast),
    ]);
  }
  table(
    "Sending (messages a second, one core)",
    ["message", `${PER_CORK} in a cork`, "one write each", "`ws` Sender", "corked to ws", "one by one to ws"],
    rows,
  );
}
