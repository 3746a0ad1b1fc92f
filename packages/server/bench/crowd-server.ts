/** The server of `crowd.ts`, in a process of its own: tells its parent what it holds. argv: loop, port. */
import { createServer, json, type LoopChoice } from "../src/index.js";

const [loop, port] = process.argv.slice(2);
const HOUR_MS = 3_600_000;
const app = createServer({
  loop: loop as LoopChoice,
  maxConnections: 19_000,
  idleTimeoutMs: HOUR_MS,
  headTimeoutMs: HOUR_MS,
});
app.get("/json/:id", (request) => json({ id: request.params.id }));
app.ws(
  "/socket",
  {
    open: (socket) => void socket.join("all"),
    message: (socket, data) => void socket.send(data),
  },
  { connection: { idleTimeoutMs: 0, pingIntervalMs: 0 } },
);

const reusePort = loop === "epoll";
const address = await app.listen({ port: Number(port), reusePort });
process.send!({ port: address.port });

process.on("message", ({ ask, text }: { ask: string; text?: string }) => {
  if (ask === "publish") process.send!({ count: app.publish("all", text ?? "") });
  if (ask === "stop") void app.close({ timeoutMs: 500 }).then(() => process.disconnect());
  if (ask !== "report") return;
  (globalThis as { gc?: () => void }).gc?.();
  const { rss, heapUsed, external } = process.memoryUsage();
  const { user, system } = process.cpuUsage();
  process.send!({
    connections: app.stats().connections,
    rssBytes: rss,
    heapBytes: heapUsed + external,
    cpuUs: user + system,
  });
});
