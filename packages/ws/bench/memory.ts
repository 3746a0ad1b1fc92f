import { type ConnectionParts, WebSocketConnection } from "../src/connection.js";
import { deflateSettings } from "../src/options.js";
import { quick, table } from "./measure.js";

const CONNECTIONS = quick ? 500 : 20_000;
const collect = (globalThis as { gc?: () => void }).gc;

function bytesPerConnection(parts: ConnectionParts): number {
  const kept: WebSocketConnection[] = [];
  const masked = Buffer.from("818537fa213d7f9f4d5158", "hex");
  const handler = { onMessage() {} };
  const sink = { write: (chunk: Uint8Array) => chunk.length, close() {} };
  const measure = () => {
    collect?.();
    const { heapUsed, external, arrayBuffers } = process.memoryUsage();
    return heapUsed + external + arrayBuffers;
  };
  const used = () => {
    const connection = new WebSocketConnection("server", sink, handler, parts);
    connection.receive(masked);
    connection.send("Hello");
    return connection;
  };
  // What is made once, and compiled code, is not the connections'.
  for (let i = 0; i < CONNECTIONS; i++) used();
  const before = measure();
  for (let i = 0; i < CONNECTIONS; i++) kept.push(used());
  const after = measure();
  return kept.length === CONNECTIONS ? (after - before) / CONNECTIONS : 0;
}

/** What an idle connection costs that has received and sent a message. Needs `--expose-gc`. */
export function benchMemory(): void {
  const deflate = {
    serverMaxWindowBits: 15,
    clientMaxWindowBits: 15,
    serverNoContextTakeover: true,
    clientNoContextTakeover: true,
    settings: deflateSettings(),
  };
  const row = (name: string, parts: ConnectionParts) => [name, `${Math.round(bytesPerConnection(parts))} B`];
  table(
    "Memory of an idle connection, its socket not counted",
    ["connection", "bytes"],
    [row("plain", {}), row("permessage-deflate without context takeover", { deflate })],
  );
}
