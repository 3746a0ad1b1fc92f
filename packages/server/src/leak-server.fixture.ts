import { readdirSync } from "node:fs";
import { ResponseHead } from "@tz/http1";
import { createServer } from "./app.js";
import type { LoopChoice } from "./options.js";

/** A server in a process of its own that tells its parent what it holds. argv: loop. */
const bytes = Buffer.alloc(1 << 20, "x");
const head = new ResponseHead(200, ["Content-Length", String(bytes.byteLength)]);
const app = createServer({ loop: process.argv[2] as LoopChoice, maxConnections: 20_000 });
app.handle(async (request) => {
  await request.bytes();
  return { head, body: { kind: "bytes", bytes } };
});
// Bodies that end early reject their handlers: that is what is tried here.
app.onError(() => {});
const { port } = await app.listen({ port: 0 });
process.send!({ port });

process.on("message", (message: string) => {
  if (message === "stop") void app.close({ timeoutMs: 100 }).then(() => process.disconnect());
  if (message !== "report") return;
  (globalThis as { gc?: () => void }).gc?.();
  process.send!({
    descriptors: readdirSync("/proc/self/fd").length,
    rssBytes: process.memoryUsage().rss,
    connections: app.stats().connections,
  });
});
