/** Run by `jitless.test.ts` in a process without WebAssembly: an echo through all of a connection. */
import { WebSocketConnection } from "./connection.js";
import { sharedWorkspace } from "./workspace.js";

const sent: Buffer[] = [];
const sink = {
  write(chunk: Uint8Array): number {
    sent.push(Buffer.from(chunk));
    return chunk.length;
  },
  close() {},
};
const connection = new WebSocketConnection("server", sink, {
  onMessage: (ws, bytes, start, end, isText) => void ws.sendRange(bytes, start, end, isText),
});
// A masked "Hello", RFC 6455 §5.7.
connection.receive(Buffer.from("818537fa213d7f9f4d5158", "hex"));
console.log(
  JSON.stringify({ simd: sharedWorkspace().kernel.simd, sent: Buffer.concat(sent).toString("hex") }),
);
