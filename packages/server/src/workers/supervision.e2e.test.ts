import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { isEpollSupported } from "../loop/epoll.js";
import { supervise } from "./supervised.fixture.js";

const LOOPS = isEpollSupported().supported ? (["epoll", "node"] as const) : (["node"] as const);
const timeout = 180_000;

describe.each(LOOPS)("a supervisor on the %s loop", (loop) => {
  test("reports workers that crash again and again, waits longer each time, and serves on", {
    timeout,
  }, async () => {
    const folder = mkdtempSync(join(tmpdir(), "tz-broken-"));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const broken = join(folder, "broken");
    const served = await supervise({
      server: { loop },
      env: { TZ_TEST_BROKEN: broken },
      target: { workers: { count: 2, stableMs: 3_600_000 } },
    });
    writeFileSync(broken, "");
    const [victim] = served.workers;
    process.kill(victim!.pid, "SIGKILL");
    expect(await served.event("backoff")).toMatchObject({ slot: victim!.slot, failures: 2, delayMs: 100 });
    expect(await served.event("backoff", 2)).toMatchObject({ failures: 3, delayMs: 200 });
    expect(await served.event("ended", 2)).toMatchObject({ why: "exited", code: 9 });
    // A reload that cannot work changes nothing.
    served.child.kill("SIGHUP");
    expect(await served.event("reload-failed")).toMatchObject({ error: expect.stringContaining("code 9") });
    expect((await served.get("/bytes/9")).body.byteLength).toBe(9);
    rmSync(broken);
    const { slot, generation } = await served.event("ready", 3);
    expect([slot, generation]).toEqual([victim!.slot, 1]);
  });

  test("cuts what an old generation does not finish in time", { timeout }, async () => {
    const served = await supervise({
      server: { loop },
      target: { workers: { count: 2, drainTimeoutMs: 200, idleGraceMs: 0 } },
    });
    const never = served.get("/slow/3600000").then(
      () => "answered",
      () => "cut",
    );
    const short = await served.get("/bytes/5");
    expect(short.body.byteLength).toBe(5);
    served.child.send("reload");
    await served.event("ended", 2);
    expect(await never).toBe("cut");
    expect(served.events.flatMap((each) => (each.kind === "ended" ? [each.generation] : []))).toEqual([1, 1]);
  });

  test("spreads connections fairly", { timeout }, async () => {
    const connections = 300;
    const served = await supervise({ server: { loop }, target: { workers: { count: 2 } } });
    const counts = new Map<string, number>();
    for (let i = 0; i < connections; i += 10) {
      const replies = await Promise.all(Array.from({ length: 10 }, () => served.get("/bytes/1")));
      for (const { headers } of replies) {
        const pid = String(headers["x-worker"]);
        counts.set(pid, (counts.get(pid) ?? 0) + 1);
      }
    }
    expect([...counts.keys()].sort()).toEqual(served.workers.map(({ pid }) => String(pid)).sort());
    // A fair coin gives less than a third once in 10^8 times.
    for (const count of counts.values()) expect(count).toBeGreaterThan(connections / 3);
  });
});
