/** A server in a process of its own that tells its parent what it holds. Arguments: loop, directory. */
import { readdirSync } from "node:fs";
import { bytes, createServer, type LoopChoice } from "@tz/server";
import { staticMount } from "@tz/static";

/** What the server says of itself. */
export interface Holding {
  readonly descriptors: number;
  readonly rssBytes: number;
  readonly connections: number;
}

const [loop, directory] = process.argv.slice(2);
const app = createServer({
  loop: loop as LoopChoice,
  maxConnections: 18_000,
  maxBodyBytes: 1_000_000,
  tickMs: 20,
  headTimeoutMs: 20_000,
  lingerTimeoutMs: 300,
});
app.mount(staticMount("/files", directory!, { cache: { maxEntryBytes: 100_000 }, compress: false }));
app.post("/echo", async (request) => bytes(await request.bytes()));
app.ws(
  "/socket",
  {
    message(socket, data) {
      socket.send(data);
    },
  },
  { deflate: true, connection: { maxMessageBytes: 1_000_000 } },
);
// Clients that leave in the middle reject their handlers: that is what is tried here.
app.onError(() => {});
const { port } = await app.listen({ port: 0 });
process.send!({ port });
process.on("message", (message: string) => {
  if (message === "stop") void app.close({ timeoutMs: 100 }).then(() => process.disconnect());
  if (message !== "report") return;
  (globalThis as { gc?: () => void }).gc?.();
  const holding: Holding = {
    descriptors: readdirSync("/proc/self/fd").length,
    rssBytes: process.memoryUsage().rss,
    connections: app.stats().connections,
  };
  process.send!(holding);
});
