import { closeSync, openSync } from "node:fs";
import { createServer } from "../app.js";
import type { LoopChoice } from "../options.js";

/** A server in a process that may open few files. argv: loop. Tells the processor time that it has used when asked. */
const app = createServer({ loop: process.argv[2] as LoopChoice, maxConnections: 10_000 });
app.get("/", () => {
  // What is served needs descriptors, too.
  closeSync(openSync(process.execPath, "r"));
  return "here";
});
const { port } = await app.listen({ port: 0 });
process.send!({ port });

process.on("message", () => {
  const { user, system } = process.cpuUsage();
  process.send!({ cpuMs: (user + system) / 1000, connections: app.stats().connections });
});
