import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { unusedPort } from "../../../../scripts/workspace/unused-port.mjs";
import { ask, OneMillion, post } from "../one-million.fixture.js";
import type { TotalsStore } from "../totals-store.js";
import { RedisStoreError, redisStore } from "./redis-store.js";

const missing = spawnSync("redis-server", ["--version"]).error !== undefined;
const why = missing ? " (not here: redis-server is not installed)" : "";

describe.skipIf(missing)(`totals in Redis${why}`, () => {
  let url = "";
  let kill: () => Promise<void>;

  beforeAll(async () => {
    const folder = mkdtempSync(join(tmpdir(), "tz-redis-"));
    // Redis cannot choose one by itself.
    const port = await unusedPort();
    const args = [
      "--port",
      String(port),
      "--bind",
      "127.0.0.1",
      "--save",
      "",
      "--appendonly",
      "no",
      "--dir",
      folder,
    ];
    const child = spawn("redis-server", args, { stdio: ["ignore", "pipe", "inherit"] });
    kill = async () => {
      const ended = child.exitCode === null && child.signalCode === null ? once(child, "exit") : undefined;
      child.kill("SIGKILL");
      await ended;
    };
    for await (const chunk of child.stdout) if (String(chunk).includes("eady to accept")) break;
    url = `redis://127.0.0.1:${port}`;
    return async () => {
      await kill();
      rmSync(folder, { recursive: true, force: true });
    };
  });

  const record = (store: TotalsStore, name: string, value: number) => {
    const bytes = Buffer.from(name);
    return store.record(bytes, 0, bytes.length, value);
  };

  test("several workers on two machines are exact together, and see one reset", async () => {
    const servers = [1, 2].map(
      (workers) => new OneMillion(["--port", "0", "--workers", String(workers), "--redis", url]),
    );
    const urls = await Promise.all(servers.map((server) => server.ready()));
    const events = 400;
    const cents = Array.from({ length: events }, (_, i) => i / 100);
    await Promise.all(
      cents.map(async (value, i) => {
        const answer = await post(urls[i % 2]!, JSON.stringify({ userId: `user-${i % 37}`, value }));
        expect(answer.status).toBe(200);
      }),
    );
    // The exact sum of these doubles, by whole numbers of 2^-60.
    const exact = cents.reduce((sum, value) => sum + BigInt(value * 2 ** 60), 0n);
    const sum = Number(exact) / 2 ** 60;
    for (const each of urls) {
      expect((await ask(each, "/stats")).body).toEqual({
        totalRequests: events,
        uniqueUsers: 37,
        sum,
        avg: sum / events,
      });
    }
    expect((await post(urls[0]!, '{"userId":1,"value":1}')).status).toBe(400);
    expect((await ask(urls[0]!, "/reset", { method: "POST" })).status).toBe(200);
    expect((await ask(urls[1]!, "/stats")).body).toEqual({
      totalRequests: 0,
      uniqueUsers: 0,
      sum: 0,
      avg: 0,
    });
  });

  test("negative sums, any names, prefixes apart", async () => {
    const [one, other] = await Promise.all([redisStore(url, "one"), redisStore(url, "other")]);
    await Promise.all([
      record(one, "", -1e300),
      record(one, "\0é", 1),
      record(one, "", 1e300),
      record(one, "é", -5e-324),
    ]);
    expect(await one.stats()).toEqual({ totalRequests: 4, uniqueUsers: 3, sum: 1, avg: 0.25 });
    await record(one, "", -1);
    expect((await one.stats()).sum).toBe(-5e-324);
    expect((await other.stats()).totalRequests).toBe(0);
    await Promise.all([one.close(), other.close()]);
  });

  test("without Redis an event is 503 and the server stays; a start is refused", async () => {
    const server = new OneMillion(["--port", "0", "--redis", url, "--redis-prefix", "gone"]);
    const at = await server.ready();
    expect((await post(at, '{"userId":"a","value":1}')).status).toBe(200);
    await kill();
    for (let i = 0; i < 20; i++) {
      const { status, body } = await post(at, '{"userId":"a","value":1}');
      expect(status).toBe(503);
      // Which of both says whether the connection was known to be gone.
      expect((body as { error: string }).error).toMatch(
        /^Redis (?:is not there: the event was not counted|did not answer: nobody knows whether the event was counted)$/,
      );
    }
    expect(await ask(at, "/stats")).toEqual({
      status: 503,
      body: { error: "Redis does not answer: the totals are not known" },
    });
    expect((await ask(at, "/reset", { method: "POST" })).status).toBe(503);
    server.child.kill("SIGTERM");
    // One line for all of them, and no stack.
    expect((await server.ended).stderr).toMatch(
      /^one-million: Redis does not count \([^\n]*\); events are answered 503 until it does\n$/,
    );
    await expect(redisStore(url, "x")).rejects.toThrow(RedisStoreError);
    const refused = await new OneMillion(["--port", "0", "--workers", "2", "--redis", url]).ended;
    expect([refused.code, refused.stderr]).toEqual([2, `one-million: --redis ${url} does not answer\n`]);
  });
});
