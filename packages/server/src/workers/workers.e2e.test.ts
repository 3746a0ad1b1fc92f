import { describe, expect, test } from "vitest";
import { isEpollSupported } from "../loop/epoll.js";
import { startSupervised, supervise } from "./supervised.fixture.js";

const LOOPS = isEpollSupported().supported ? (["epoll", "node"] as const) : (["node"] as const);

describe.each(LOOPS)("workers on the %s loop", (loop) => {
  const server = { loop };

  test("serve side by side, and each connection has one of them", async () => {
    const served = await supervise({ server, target: { workers: { count: 2 } } });
    const pids = new Set<number>();
    while (pids.size < 2) pids.add(JSON.parse((await served.get("/who")).body.toString()).pid);
    expect([...pids].sort()).toEqual(served.workers.map(({ pid }) => pid).sort());
    expect(pids.has(served.child.pid!)).toBe(false);
    const { workers } = await served.stats();
    expect(workers?.map(({ slot, generation, state }) => ({ slot, generation, state }))).toEqual([
      { slot: 0, generation: 1, state: "ready" },
      { slot: 1, generation: 1, state: "ready" },
    ]);
    await served.close();
    expect(served.child.exitCode).toBe(0);
    await expect(served.get("/who")).rejects.toThrow("ECONNREFUSED");
  });

  test("one that throws, exits, blocks its loop or runs out of heap is replaced; clients of the other notice nothing", async () => {
    const served = await supervise({
      server,
      execArgv: ["--max-old-space-size=64"],
      target: { workers: { count: 2, blockedMs: 1500, stableMs: 0 } },
    });
    const bystander = served.workers[1]!;
    const toBystander = await served.connectionTo(bystander.pid);
    const failures = { "/throw": "exited", "/exit": "exited", "/block": "blocked", "/heap": "exited" };
    for (const [index, [path, why]] of Object.entries(failures).entries()) {
      const { pid, slot } = served.workers.find((worker) => worker.pid !== bystander.pid)!;
      const toVictim = await served.connectionTo(pid);
      const other = served.get("/slow/300", toBystander);
      // Its own client gets an end, or (of a throw) an answer.
      await served.get(path, toVictim).catch(() => undefined);
      expect(await served.event("ended", index + 1)).toMatchObject({ pid, slot, why });
      expect((await other).body.toString()).toBe("slow");
      expect(await served.event("ready", index + 3)).toMatchObject({ slot, generation: 1 });
    }
    expect(served.workers.some(({ pid }) => pid === bystander.pid)).toBe(true);
    expect((await served.get("/bytes/10")).body.byteLength).toBe(10);
    await served.close();
  });

  test("a reload replaces all of them, by a call, by a worker's call and by SIGHUP", async () => {
    const served = await supervise({
      server,
      target: { workers: { count: 2, idleGraceMs: 0 } },
    });
    const before = served.workers.map(({ pid }) => pid);
    served.child.send("reload");
    expect(await served.event("reloaded")).toMatchObject({ generation: 2 });
    await served.event("ended", 2);
    expect(served.workers.map(({ pid }) => pid).filter((pid) => before.includes(pid))).toEqual([]);
    expect(JSON.parse((await served.get("/who")).body.toString()).generation).toBe(2);
    expect((await served.get("/reload")).body.toString()).toBe("asked");
    expect(await served.event("reloaded", 2)).toMatchObject({ generation: 3 });
    served.child.kill("SIGHUP");
    expect(await served.event("reloaded", 3)).toMatchObject({ generation: 4 });
    const ends = served.events.filter((event) => event.kind === "ended");
    expect(ends.every((event) => event.why === "retired")).toBe(true);
  });

  test("a worker that does not start fails listen with its reason", async () => {
    const taken = await supervise({ server, target: { workers: { count: 2 } } });
    const second = startSupervised({ server, target: { port: taken.port, workers: { count: 2 } } });
    const { message } = await second.failure();
    // SO_REUSEPORT lets the same user bind twice; node:cluster does not.
    expect(message).toContain("EADDRINUSE");
  });

  test("workers end when their supervisor is killed", async () => {
    const served = await supervise({ server, target: { workers: { count: 2 } } });
    const pids = served.workers.map(({ pid }) => pid);
    // One of them is only on its way: its successor starts while the supervisor dies.
    process.kill(pids[0]!, "SIGKILL");
    const { pid: successor } = await served.event("started", 3);
    served.child.kill("SIGKILL");
    await served.exit;
    const lives = (pid: number): boolean => {
      try {
        process.kill(pid, 0);
        return true;
      } catch {
        return false;
      }
    };
    while ([...pids, successor].some(lives)) await new Promise((resolve) => setTimeout(resolve, 20));
  });
});
