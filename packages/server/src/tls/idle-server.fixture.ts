import { readdirSync } from "node:fs";
import { createServer } from "../app.js";
import { text } from "../handlers/reply.js";
import type { LoopChoice } from "../options.js";
import { SERVER } from "./certificates.fixture.js";

/** An HTTPS server in a process of its own that tells its parent what it holds. argv: loop. */
const app = createServer({
  loop: process.argv[2] as LoopChoice,
  maxConnections: 16_000,
  idleTimeoutMs: 600_000,
});
app.get("/", () => text("here"));
const { port } = await app.listen({ port: 0, tls: SERVER });
process.send!({ port });

process.on("message", (message: string) => {
  if (message === "stop") void app.close({ timeoutMs: 100 }).then(() => process.disconnect());
  if (message !== "report") return;
  (globalThis as { gc?: () => void }).gc?.();
  const { connections, tls } = app.stats();
  process.send!({
    connections,
    sslObjects: tls.sslObjects,
    descriptors: readdirSync("/proc/self/fd").length,
    rssBytes: process.memoryUsage().rss,
  });
});
