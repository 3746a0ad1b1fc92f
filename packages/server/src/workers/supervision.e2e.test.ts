import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { Agent, type ClientRequest, request } from "node:http";
import type { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { isEpollSupported } from "../loop/epoll.js";
import { type Supervised, supervise } from "./supervised.fixture.js";

/** A request under way for as long as the test wants: its body has begun. */
class Upload {
  readonly answer: Promise<string>;
  readonly #outgoing: ClientRequest;

  private constructor(outgoing: ClientRequest) {
    this.#outgoing = outgoing;
    this.answer = new Promise((resolve, reject) => {
      outgoing.on("error", reject);
      outgoing.on("response", (incoming) => {
        let text = "";
        incoming.setEncoding("latin1").on("data", (chunk: string) => {
          text += chunk;
        });
        incoming.on("error", reject).on("end", () => resolve(text));
      });
    });
    this.answer.catch(() => {});
  }

  /** Resolves when a handler waits for the body. */
  static async begin({ host, port }: Supervised, agent: Agent | false = false): Promise<Upload> {
    const headers = { "Content-Length": 6, Expect: "100-continue" };
    const outgoing = request({ host, port, path: "/length", method: "POST", headers, agent });
    const upload = new Upload(outgoing);
    outgoing.flushHeaders();
    await once(outgoing, "continue");
    outgoing.write("abc");
    return upload;
  }

  finish(): Promise<string> {
    this.#outgoing.end("def");
    return this.answer;
  }
}

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

  test("lets its workers finish whatever signals come meanwhile", { timeout }, async () => {
    const served = await supervise({
      server: { loop },
      target: { workers: { count: 2, drainTimeoutMs: 3_600_000 } },
    });
    const agent = new Agent({ keepAlive: true });
    await served.get("/bytes/1", agent);
    const [[idle]] = Object.values(agent.freeSockets) as [[Socket]];
    const upload = await Upload.begin(served);
    served.child.send("close patiently");
    // The workers have been told.
    await once(idle, "close");
    served.child.kill("SIGHUP");
    served.child.kill("SIGUSR2");
    await expect(upload.finish()).resolves.toBe("6");
    expect(await served.exit).toBe(0);
  });

  test("a reload that fails cuts no request that a new worker has taken", { timeout }, async () => {
    const folder = mkdtempSync(join(tmpdir(), "tz-broken-"));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const broken = join(folder, "broken");
    const served = await supervise({
      server: { loop },
      env: { TZ_TEST_BROKEN: broken },
      target: { workers: { count: 2 } },
    });
    writeFileSync(broken, "fail 1");
    served.child.kill("SIGHUP");
    expect(await served.event("ready", 3)).toMatchObject({ slot: 0, generation: 2 });
    const fresh = served.workers[2]!;
    const upload = await Upload.begin(served, await served.connectionTo(fresh.pid));
    // Gone before the other one has looked, nothing would fail.
    await expect.poll(() => existsSync(`${broken}.seen`), { timeout: 120_000 }).toBe(true);
    rmSync(broken);
    await served.event("reload-failed");
    await expect(upload.finish()).resolves.toBe("6");
    // First the one that failed, then, when it has answered, the one that did not.
    expect(await served.event("ended", 2)).toMatchObject({ pid: fresh.pid, why: "retired", code: 0 });
    expect((await served.get("/bytes/9")).headers["x-generation"]).toBe("1");
  });

  test("a close in a hurry does not wait for what a reload has given time", { timeout }, async () => {
    const served = await supervise({
      server: { loop },
      target: { workers: { count: 2, drainTimeoutMs: 3_600_000, idleGraceMs: 0 } },
    });
    const upload = await Upload.begin(served);
    const cut = expect(upload.answer).rejects.toThrow();
    served.child.send("reload");
    await served.event("reloaded");
    served.child.send("close");
    expect(await served.exit).toBe(0);
    await cut;
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
