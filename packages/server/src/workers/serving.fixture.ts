/** A server with workers whose handlers break them. argv: `{ server, target }` as JSON. Tells its parent what happens. */
import { setTimeout as later } from "node:timers/promises";
import { createServer } from "../app.js";
import { bytes, json, text } from "../handlers/reply.js";
import { patternBytes } from "./pattern.fixture.js";
import { activatedSockets } from "./systemd.js";
import type { WorkerEvent } from "./worker-events.js";
import { workerInfo } from "./worker-role.js";

const { server, target } = JSON.parse(process.argv[2] ?? "{}") as {
  server: Parameters<typeof createServer>[0];
  target: { workers?: object };
};
const app = createServer(server);
const me = workerInfo();
const owner = ["X-Worker", String(process.pid), "X-Generation", String(me?.generation ?? 0)];

// A file that appears makes new workers fail: a broken configuration.
if (me !== undefined && process.env.TZ_TEST_BROKEN !== undefined) {
  const { existsSync, readFileSync, writeFileSync } = await import("node:fs");
  const wish = existsSync(process.env.TZ_TEST_BROKEN)
    ? readFileSync(process.env.TZ_TEST_BROKEN, "utf8")
    : "work";
  // One that says who fails lets the others start; who fails says that it has seen it, and waits until it is gone.
  if (wish === "") process.exit(9);
  if (wish === `fail ${me.slot}`) {
    writeFileSync(`${process.env.TZ_TEST_BROKEN}.seen`, "");
    while (existsSync(process.env.TZ_TEST_BROKEN)) await later(10);
    process.exit(9);
  }
}

app.get("/who", () => ({
  pid: process.pid,
  ...me,
  uid: process.getuid?.(),
  groups: process.getgroups?.(),
  cores: process.env.TZ_TEST_CORES,
}));
app.get("/bytes/:length(int)", (request) =>
  bytes(patternBytes(request.params.length), { type: "application/octet-stream", fields: owner }),
);
app.get("/slow/:ms(int)", async (request) => {
  await later(request.params.ms);
  return text("slow", { fields: owner });
});
app.post("/length", async (request) => String((await request.bytes()).byteLength));
app.get("/stats", () => json(app.stats()));
app.get("/throw", () => {
  setTimeout(() => {
    throw new Error("on purpose");
  }, 1);
  return text("soon");
});
app.get("/exit", () => process.exit(7));
app.get("/block", () => {
  for (;;);
});
app.get("/heap", () => {
  const kept: number[][] = [];
  for (;;) kept.push(new Array(10_000).fill(kept.length + 0.5));
});
app.get("/rotate", () => {
  app.rotateTicketKeys();
  return text("asked");
});
app.get("/reload", async () => {
  await app.reload();
  return text("asked");
});
app.get("/status", async () => {
  const { readFileSync } = await import("node:fs");
  return text(readFileSync("/proc/self/status", "utf8"));
});

const tell = (message: object): void => {
  if (me === undefined && process.connected) process.send?.(message, undefined, undefined, () => {});
};
const onEvent = (event: WorkerEvent): void =>
  tell({ event: "error" in event ? { ...event, error: event.error.message } : event });
const workers = typeof target.workers === "object" ? { ...target.workers, onEvent } : target.workers;
try {
  const fds = activatedSockets();
  const address = await app.listen({ ...target, fds, workers } as Parameters<typeof app.listen>[0]);
  tell({ address });
} catch (error) {
  const { code, message } = error as NodeJS.ErrnoException;
  tell({ failed: { code, message } });
  await app.close({ timeoutMs: 0 });
  if (process.connected) process.disconnect();
  process.exitCode = 3;
}

if (me === undefined) {
  process.on("message", async (order: string | { reloadTls: object }) => {
    if (typeof order === "object" && "reloadTls" in order) {
      try {
        app.reloadTls(order.reloadTls);
      } catch (error) {
        tell({ failed: { message: (error as Error).message } });
      }
    }
    if (order === "rotate") app.rotateTicketKeys();
    if (order === "stats") tell({ stats: app.stats() });
    if (order === "close patiently") {
      await app.close({ timeoutMs: 3_600_000 });
      process.disconnect();
      process.exit(0);
    }
    if (order === "reload") await app.reload().catch(() => {});
    if (order === "close") {
      await app.close({ timeoutMs: 2000 });
      process.disconnect();
      process.exit(0);
    }
  });
}
