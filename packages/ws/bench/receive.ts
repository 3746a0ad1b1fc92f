import { type ConnectionHandler, WebSocketConnection } from "../src/connection.js";
import { connectionSettings } from "../src/options.js";
import { Workspace } from "../src/workspace.js";
import { check, compare, perSecond, table, times } from "./measure.js";
import { clientFrames } from "./wire.js";
import { Receiver } from "./ws-peer.js";

const BATCH_BYTES = 65_000;
const sink = { write: (chunk: Uint8Array) => chunk.length, close() {} };
const settings = connectionSettings();

const CASES: readonly (readonly [string, number, Buffer])[] = [
  ["16 B binary", 0x82, Buffer.alloc(16, 1)],
  ["125 B binary", 0x82, Buffer.alloc(125, 2)],
  ["125 B ASCII text", 0x81, Buffer.alloc(125, "a")],
  ["125 B other text", 0x81, Buffer.alloc(124, "äöüß")],
  ["1 KiB binary", 0x82, Buffer.alloc(1024, 3)],
  ["16 KiB binary", 0x82, Buffer.alloc(16384, 4)],
];

/** Received bytes to messages, unmasked and validated, as a server reads them. */
export async function benchReceive(): Promise<void> {
  const rows: string[][] = [];
  for (const [name, first, payload] of CASES) {
    const { stream, count } = clientFrames(first, payload, BATCH_BYTES);
    let messages = 0;
    let bytes = 0;
    const handler: ConnectionHandler = {
      onMessage(_connection, data, start, end) {
        messages++;
        bytes += end - start;
        if (messages === 1) check(payload.equals(data.subarray(start, end)), `${name}: wrong message`);
      },
      onError(_connection, error) {
        throw error;
      },
    };
    const workspace = new Workspace();
    const copying = new WebSocketConnection("server", sink, handler, { settings, workspace });
    const inPlace = new WebSocketConnection("server", sink, handler, { settings, workspace });
    const receiver = new Receiver({ isServer: true, maxPayload: 1 << 24 });
    const received = Buffer.alloc(stream.length);
    receiver.on("message", (data) => {
      messages++;
      bytes += data.length;
    });
    // Each gets fresh masked bytes for every batch: a copy of the stream, which all pay.
    const contenders = [
      { name: "receive", operations: count, run: () => copying.receive(stream) },
      {
        name: "receiveInPlace",
        operations: count,
        run() {
          workspace.bytes.set(stream, 0);
          inPlace.receiveInPlace(0, stream.length);
        },
      },
      {
        name: "ws",
        operations: count,
        run() {
          received.set(stream);
          receiver.write(received);
        },
      },
    ];
    for (const contender of contenders) {
      messages = bytes = 0;
      contender.run();
      check(
        messages === count && bytes === count * payload.length,
        `${name}: ${contender.name} lost messages`,
      );
    }
    const figures = await compare(contenders);
    rows.push([
      name,
      ...figures.map(({ nsPerOperation }) => perSecond(nsPerOperation)),
      times(1 / figures[0]!.ratioToLast),
      times(1 / figures[1]!.ratioToLast),
    ]);
  }
  table(
    "Receiving (messages a second, one core)",
    ["message", "`receive`", "`receiveInPlace`", "`ws` Receiver", "`receive` to ws", "in place to ws"],
    rows,
  );
}
