import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { GatewayProcess, PASSWORD, runCli, Visitor } from "./gateway-process.fixture.js";

const lacksRedis =
  spawnSync("redis-server", ["--version"]).status === 0
    ? ""
    : " (skipped: redis-server is not installed, apt-get install redis-server)";

describe.skipIf(lacksRedis !== "")(`two gateways, one Redis, no affinity${lacksRedis}`, () => {
  const folder = mkdtempSync(join(tmpdir(), "tz-two-gateways-"));
  const users = join(folder, "users.json");
  let redis: ChildProcess;
  let a: GatewayProcess;
  let b: GatewayProcess;

  beforeAll(async () => {
    const path = join(folder, "redis");
    redis = spawn("redis-server", ["--port", "0", "--unixsocket", path, "--save", "", "--dir", folder]);
    let text = "";
    redis.stdout!.on("data", (chunk) => (text += chunk));
    await vi.waitUntil(() => /ready to accept connections/i.test(text), { timeout: 50_000 });
    await runCli(["user", "add", "ada", "--users", users], `${PASSWORD}\n`);
    const args = ["--redis", path, "--users", users, "--logins-per-address", "8"];
    [a, b] = await Promise.all([GatewayProcess.start(args), GatewayProcess.start(args)]);
  }, 120_000);

  afterAll(async () => {
    await Promise.all([a?.stop(), b?.stop()]);
    redis.kill("SIGKILL");
    await once(redis, "exit");
    rmSync(folder, { recursive: true, force: true });
  });

  /** The same browser at the other gateway: cookies know no ports. */
  function at(gateway: GatewayProcess, visitor: Visitor): Visitor {
    const same = new Visitor(gateway.url);
    for (const [name, value] of visitor.cookies) same.cookies.set(name, value);
    same.csrfToken = visitor.csrfToken;
    return same;
  }

  test("a login on one works on the other, and its end closes the sockets of both", async () => {
    const ada = new Visitor(a.url);
    expect((await ada.logIn("ada")).status).toBe(200);
    const there = at(b, ada);
    expect((await there.send("GET", "api/session")).body.user).toBe("ada");
    const closed: Promise<number>[] = [];
    for (const visitor of [ada, there]) {
      const socket = await visitor.socket(`api/terminals/${await visitor.openTerminal()}/socket`);
      if (typeof socket === "number") throw new Error(`status ${socket}`);
      socket.send(Buffer.from('{"AuthToken":"","columns":80,"rows":24}'));
      await once(socket, "message");
      closed.push(once(socket, "close").then(([code]) => code as number));
    }
    expect((await there.send("POST", "api/logout-everywhere")).status).toBe(200);
    expect(await Promise.all(closed)).toEqual([4401, 4401]);
    expect((await ada.send("GET", "api/session")).status).toBe(401);
  });

  test("attempts count together", async () => {
    const statuses: number[] = [];
    for (let i = 0; i < 10; i++) {
      const visitor = new Visitor(i % 2 === 0 ? a.url : b.url);
      statuses.push((await visitor.logIn("nobody")).status);
    }
    // Five failures of an account, wherever they were made.
    expect(statuses.filter((status) => status === 401).length).toBe(5);
    expect(statuses.slice(5)).toEqual([429, 429, 429, 429, 429]);
  });
});
