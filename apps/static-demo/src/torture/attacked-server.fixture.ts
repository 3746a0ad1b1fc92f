/** A server in a process of its own that tells its parent what it holds. Arguments: loop, directory. */
import { readdirSync } from "node:fs";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { writeHeapSnapshot } from "node:v8";
import { localPty, TerminalSockets, Terminals } from "@tz/cloudterm";
import { bytes, createServer, json, type LoopChoice } from "@tz/server";
import { staticMount } from "@tz/static";
import { regionStats } from "@tz/sys";

/** What the server says of itself. */
export interface Holding {
  readonly descriptors: number;
  readonly rssBytes: number;
  readonly connections: number;
  /** Of Node; those of connections are in the loop's wheel. */
  readonly timers: number;
  /** Memory whose address the kernel may know. */
  readonly regions: number;
  readonly terminals: number;
  /** Of this process since it was started, both kinds. */
  readonly cpuMs: number;
  /** How long the loop was away at the most since it was last asked. */
  readonly longestTurnMs: number;
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
app.post("/json", async (request) => json({ got: await request.json() }));
app.post("/upload", async (request) => {
  let length = 0;
  for await (const chunk of request.body ?? []) length += chunk.byteLength;
  return json({ length });
});
const terminals = new Terminals({
  backends: {
    local: localPty({ command: ["sh"], env: { PS1: "$ ", PATH: process.env.PATH!, HOME: "/tmp" } }),
  },
  limits: { keepEndedMs: 1000 },
});
const terminalSockets = new TerminalSockets();
app.get("/terminal", async (request) => {
  const terminal = await terminals.open({ user: "ada" });
  return terminalSockets.accept(request, {
    terminal,
    access: "write",
    hasRoom: (one) => terminals.hasRoom(one),
  });
});
// Clients that leave in the middle reject their handlers: that is what is tried here.
app.onError(() => {});
const turns = monitorEventLoopDelay({ resolution: 5 });
turns.enable();
const { port } = await app.listen({ port: 0 });
process.send!({ port });
process.on("message", (message: string) => {
  if (message === "stop") {
    void terminals
      .close()
      .then(() => app.close({ timeoutMs: 100 }))
      .then(() => process.disconnect());
  }
  const snapshot = message.startsWith("snapshot ");
  if (message !== "report" && message !== "glance" && !snapshot) return;
  if (message !== "glance") (globalThis as { gc?: () => void }).gc?.();
  if (snapshot) writeHeapSnapshot(message.slice("snapshot ".length));
  const { user, system } = process.cpuUsage();
  const holding: Holding = {
    descriptors: readdirSync("/proc/self/fd").length,
    rssBytes: process.memoryUsage().rss,
    connections: app.stats().connections,
    timers: process.getActiveResourcesInfo().filter((name) => name === "Timeout").length,
    regions: regionStats().regions,
    terminals: terminals.all.length,
    cpuMs: (user + system) / 1000,
    longestTurnMs: Math.round(turns.max / 1e5) / 10,
  };
  turns.reset();
  process.send!(holding);
});
