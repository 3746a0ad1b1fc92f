import { describe, expect, test } from "vitest";
import type { ServerStats } from "../app.js";
import { isEpollSupported } from "../loop/epoll.js";
import { type Supervised, supervise } from "../workers/supervised.fixture.js";

const { supported } = isEpollSupported();
const LOOPS = supported ? (["epoll", "node"] as const) : (["node"] as const);

async function statsOf(served: Supervised): Promise<ServerStats> {
  return JSON.parse((await served.get("/stats")).body.toString());
}

describe.each(LOOPS)("counters of workers on the %s loop", (loop) => {
  const server = { loop, stats: true };

  test.skipIf(!supported)(
    "every worker and the supervisor know what all of them counted, killed and replaced ones too",
    async () => {
      const served = await supervise({
        server,
        target: { workers: { count: 2, stableMs: 0, idleGraceMs: 0 } },
      });
      for (const { pid } of served.workers) {
        const agent = await served.connectionTo(pid);
        for (let i = 0; i < 10; i++) await served.get("/bytes/100", agent);
      }
      const route = "/bytes/:length(int)";
      const fromOne = await statsOf(served);
      expect(fromOne.byWorker!.map(({ worker, state }) => [worker, state]).sort()).toEqual([
        [0, "serving"],
        [1, "serving"],
      ]);
      expect(fromOne.byWorker!.map(({ pid }) => pid).sort()).toEqual(
        served.workers.map(({ pid }) => pid).sort(),
      );
      for (const one of fromOne.byWorker!) {
        expect(one.byRoute.find((row) => row.route === route)).toMatchObject({
          requests: 10,
          bodyBytes: 1000,
        });
        expect(one.rssBytes).toBeGreaterThan(1_000_000);
      }
      expect(fromOne.total!.byRoute.find((row) => row.route === route)).toMatchObject({ requests: 20 });

      const [victim] = served.workers;
      process.kill(victim!.pid, "SIGKILL");
      await served.event("ended");
      await served.event("ready", 3);
      const fromSupervisor = await served.stats();
      expect(fromSupervisor.total!.byRoute.find((row) => row.route === route)).toMatchObject({
        requests: 20,
      });
      expect(fromSupervisor.byWorker!.every(({ state }) => state === "serving")).toBe(true);

      served.child.send("reload");
      await served.event("reloaded");
      await served.event("ended", 3);
      const afterwards = await served.stats();
      expect(afterwards.total!.byRoute.find((row) => row.route === route)).toMatchObject({ requests: 20 });
      expect(afterwards.byWorker!.map(({ state }) => state).sort()).toEqual([
        "ended",
        "ended",
        "serving",
        "serving",
      ]);
      await served.close();
    },
  );
});
