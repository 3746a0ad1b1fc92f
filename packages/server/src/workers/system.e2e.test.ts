/** What only Linux has: files of sockets, users. */
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, onTestFinished, test } from "vitest";
import { isEpollSupported } from "../loop/epoll.js";
import { type Supervised, supervise } from "./supervised.fixture.js";

const epoll = isEpollSupported();
const why = epoll.supported ? "" : ` (skipped: ${epoll.reason})`;
const isRoot = process.getuid?.() === 0;
const server = { loop: "epoll" };
const timeout = 180_000;

/** A folder of its own for sockets. */
function folder(): string {
  const path = mkdtempSync(join(tmpdir(), "tz-sys-"));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

async function who(
  served: Supervised,
): Promise<{ pid: number; uid: number; groups: number[]; slot?: number }> {
  return JSON.parse((await served.get("/who")).body.toString());
}

const statusOf = (pid: number): string => readFileSync(`/proc/${pid}/status`, "utf8");
const isGone = (pid: number): boolean => {
  try {
    return /^State:\s+Z/m.test(statusOf(pid));
  } catch {
    return true;
  }
};

describe.skipIf(!epoll.supported)(`workers on Linux${why}`, () => {
  test("listen on a Unix socket with a mode, and take it over from one who died", { timeout }, async () => {
    const host = join(folder(), "s");
    const target = { host, socketMode: 0o620, workers: { count: 2 } };
    const first = await supervise({ server, target });
    expect(statSync(host).mode & 0o777).toBe(0o620);
    expect((await first.get("/bytes/3")).body.byteLength).toBe(3);
    const workers = first.workers.map(({ pid }) => pid);
    for (const pid of [first.child.pid!, ...workers]) process.kill(pid, "SIGKILL");
    await first.exit;
    while (!workers.every(isGone)) await sleep(20);
    const second = await supervise({ server, target });
    expect((await second.get("/bytes/4")).body.byteLength).toBe(4);
    await second.close();
    expect(statSync(host, { throwIfNoEntry: false })).toBeUndefined();
  });

  test.skipIf(!isRoot)(
    `bind a low port as root and serve as somebody else${isRoot ? "" : " (skipped: not root)"}`,
    { timeout },
    async () => {
      const port = await lowPort();
      const served = await supervise({
        server,
        target: { port, user: "nobody", workers: { count: 2 } },
      });
      expect(served.port).toBe(port);
      const { pid, uid, groups } = await who(served);
      expect(uid).toBe(65_534);
      expect(groups).not.toContain(0);
      expect(statusOf(pid)).toMatch(/^Uid:\s+65534\s+65534\s+65534\s+65534$/m);
      expect(statusOf(pid)).toMatch(/^NoNewPrivs:\s+1$/m);
      expect(statusOf(pid)).toMatch(/^CapEff:\s+0+$/m);
      // Its successors are nobody too.
      process.kill(pid, "SIGKILL");
      await served.event("ready", 3);
      expect(served.workers.every(({ pid }) => /^Uid:\s+65534\s/m.test(statusOf(pid)))).toBe(true);
    },
  );
});

/** A port below 1024 that nobody has. */
async function lowPort(): Promise<number> {
  for (let port = 700; ; port++) {
    const isFree = await new Promise((resolve) => {
      const probe = createServer().once("error", () => resolve(false));
      probe.listen(port, "127.0.0.1", () => probe.close(() => resolve(true)));
    });
    if (isFree) return port;
  }
}
