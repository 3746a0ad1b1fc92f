/** What only Linux has: files of sockets, users, systemd, limits. */
import { mkdtempSync, openSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { AF_INET, close, getsockname, SOCK_STREAM, schedGetaffinity, socket } from "@tz/sys";
import { describe, expect, onTestFinished, test } from "vitest";
import { isEpollSupported, openListener } from "../loop/epoll.js";
import { NotifySocket } from "./notify-socket.fixture.js";
import { type Supervised, startSupervised, supervise } from "./supervised.fixture.js";

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
  test("listen on a Unix socket with a mode and an owner, and take it over from one who died", {
    timeout,
  }, async () => {
    const host = join(folder(), "s");
    const owner = isRoot ? { socketUser: "nobody", socketGroup: 12_345 } : {};
    const target = { host, socketMode: 0o620, ...owner, workers: { count: 2 } };
    const first = await supervise({ server, target });
    const { mode, uid, gid } = statSync(host);
    expect(mode & 0o777).toBe(0o620);
    if (isRoot) expect([uid, gid]).toEqual([65_534, 12_345]);
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

describe.skipIf(!epoll.supported)(`a service of systemd${why}`, () => {
  /** A socket that listens, and a manager that is told. */
  const manager = (name: string) => {
    const fd = openListener({ family: "ipv4", host: "127.0.0.1", port: 0 }, { backlog: 64 });
    const address = getsockname(fd) as { port: number };
    const notify = new NotifySocket(name);
    onTestFinished(() => {
      close(fd);
      notify.close();
    });
    // As systemd does: descriptor 3, and the process that it is for.
    return { fd, notify, port: address.port, shell: "export LISTEN_FDS=1 LISTEN_PID=$$" };
  };
  const starts = (text: string) => (message: string) => message.startsWith(text);

  test("takes the socket that it is given and tells what it does", { timeout }, async () => {
    const { fd, notify, port, shell } = manager(join(folder(), "notify"));
    const env = { NOTIFY_SOCKET: notify.name, WATCHDOG_USEC: "400000" };
    const target = { workers: { count: 2, idleGraceMs: 0 } };
    const served = await supervise({ server, target, fd, shell, env });
    expect(served.port).toBe(port);
    expect(await notify.until(starts("READY=1"))).toBe("READY=1\nSTATUS=2 workers");
    expect((await served.get("/bytes/5")).body.byteLength).toBe(5);
    await notify.until(starts("WATCHDOG=1"), 2);
    served.child.kill("SIGHUP");
    expect(await notify.until(starts("RELOADING=1"))).toMatch(/^RELOADING=1\nMONOTONIC_USEC=\d+$/);
    expect(await notify.until(starts("READY=1"), 2)).toBe("READY=1\nSTATUS=2 workers, generation 2");
    await served.close();
    await notify.until(starts("STOPPING=1"));
  });

  test("hands the socket over to a new program and names it", { timeout }, async () => {
    const { fd, notify, port, shell } = manager(`@tz-notify-${process.pid}`);
    const env = { NOTIFY_SOCKET: notify.name };
    const served = await supervise({ server, target: { workers: { count: 2 } }, fd, shell, env });
    served.child.kill("SIGUSR2");
    const { pid } = await served.event("handed-over");
    onTestFinished(() => void process.kill(pid, "SIGKILL"));
    await notify.until(starts("READY=1"), 2);
    expect(await notify.until(starts("MAINPID="))).toBe(`MAINPID=${pid}`);
    await served.exit;
    served.port = port;
    expect((await served.get("/bytes/6")).body.byteLength).toBe(6);
    expect(notify.messages.filter(starts("STOPPING=1"))).toEqual([]);
  });

  test("one process: a socket, READY=1 is its own to say", { timeout }, async () => {
    const { fd, port, shell } = manager(join(folder(), "notify"));
    const served = await supervise({ server, fd, shell });
    expect(served.port).toBe(port);
    expect((await who(served)).pid).toBe(served.child.pid);
  });

  test.each(["file", "connection", "nothing"])(
    "a socket that is none (%s) is refused by its number",
    { timeout },
    async (what) => {
      const { fd: listening } = manager(join(folder(), "notify"));
      const fd = what === "file" ? openSync("/dev/null", "r") : socket(AF_INET, SOCK_STREAM);
      onTestFinished(() => void close(fd));
      expect(listening).not.toBe(fd);
      const given = what === "nothing" ? 500 : 3;
      const shell = `export LISTEN_FDS=${given - 2} LISTEN_PID=$$`;
      const refused = startSupervised({ server, fd: what === "nothing" ? listening : fd, shell });
      const { code, message } = await refused.failure();
      expect(code).toBe("TZ_SERVER_OPTION");
      // Below 500 lie Node's own.
      expect(message).toMatch(
        what === "nothing" ? /^fds has \d+, which is no socket/ : /^fds has 3, which is no socket/,
      );
      expect(await refused.exit).toBe(3);
    },
  );

  test("sockets for another process are not taken", { timeout }, async () => {
    const { fd, port } = manager(join(folder(), "notify"));
    const served = await supervise({ server, fd, shell: "export LISTEN_FDS=1 LISTEN_PID=1" });
    expect(served.port).not.toBe(port);
  });
});

describe.skipIf(!epoll.supported)(`resources of workers${why}`, () => {
  const allowed = (status: string): string => /^Cpus_allowed_list:\s+(\S+)$/m.exec(status)![1]!;
  const openFiles = (pid: number): string[] =>
    /^Max open files\s+(\d+)\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/limits`, "utf8"))!.slice(1);

  test("a processor for each, with all its threads, and as many open files as may be", {
    timeout,
  }, async () => {
    const target = { workers: { count: 2, pin: true } };
    const served = await supervise({ server, target, shell: "ulimit -S -n 256" });
    const cores = schedGetaffinity(0).map(String);
    const coreOf = (pid: number): string => {
      const threads = readdirSync(`/proc/${pid}/task`);
      const lists = threads.map((id) => allowed(readFileSync(`/proc/${pid}/task/${id}/status`, "utf8")));
      expect(new Set(lists).size).toBe(1);
      return lists[0]!;
    };
    const bySlot = (): string[] =>
      [...served.workers].sort((a, b) => a.slot - b.slot).map(({ pid }) => coreOf(pid));
    const expected = [cores[0]!, cores[1 % cores.length]!];
    expect(bySlot()).toEqual(expected);
    expect(allowed(statusOf(served.child.pid!))).toBe(allowed(statusOf(process.pid)));
    process.kill(served.workers[0]!.pid, "SIGKILL");
    await served.event("ready", 3);
    expect(bySlot()).toEqual(expected);
    for (const { pid } of served.workers) {
      const [soft, hard] = openFiles(pid);
      expect(soft).toBe(hard);
      expect(Number(soft)).toBeGreaterThan(256);
    }
  });

  test("too few open files for its connections: a warning that says what to do", { timeout }, async () => {
    const target = { workers: { count: 2 } };
    const served = await supervise({ server, target, shell: "ulimit -n 300" });
    while (!served.stderr.includes("TZ_FEW_DESCRIPTORS")) await sleep(20);
    expect(served.stderr).toMatch(/may open 300 files, and \d+ connections need \d+: raise the limit/);
    expect(served.stderr.match(/TZ_FEW_DESCRIPTORS/g)).toHaveLength(1);
  });

  test.skipIf(!isRoot)(
    `one process becomes somebody else too${isRoot ? "" : " (skipped: not root)"}`,
    { timeout },
    async () => {
      const port = await lowPort();
      const served = await supervise({ server, target: { port, user: 54_321, group: 54_322 } });
      expect(served.port).toBe(port);
      expect(await who(served)).toMatchObject({ pid: served.child.pid, uid: 54_321, groups: [54_322] });
      expect(statusOf(served.child.pid!)).toMatch(/^NoNewPrivs:\s+1$/m);
    },
  );
});

/** A port below 1024 that nobody has; hardly the one that another run of these tests takes in the same moment. */
async function lowPort(): Promise<number> {
  for (;;) {
    const port = 600 + Math.floor(Math.random() * 400);
    const isFree = await new Promise((resolve) => {
      const probe = createServer().once("error", () => resolve(false));
      probe.listen(port, "127.0.0.1", () => probe.close(() => resolve(true)));
    });
    if (isFree) return port;
  }
}
