import { once } from "node:events";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import type { WebSocket } from "ws";
import { type GatewayProcess, newData, runCli, startWithAdmin, Visitor } from "./gateway-process.fixture.js";
import { lacksRedis, RedisProgram } from "./redis-program.fixture.js";

const WAIT = { timeout: 100_000, interval: 50 };

describe.skipIf(lacksRedis !== "")(`Redis goes away and comes back${lacksRedis}`, () => {
  let redis: RedisProgram;
  let gateway: GatewayProcess;
  let admin: Visitor;
  let socket: WebSocket;
  let closed: Promise<number>;
  let text = "";

  beforeAll(async () => {
    redis = await new RedisProgram().start();
    ({ gateway, admin } = await startWithAdmin(["--redis", redis.path, "--logins-per-address", "1000"]));
    const opened = await admin.socket(`api/terminals/${await admin.openTerminal()}/socket`);
    if (typeof opened === "number") throw new Error(`status ${opened}`);
    socket = opened;
    closed = once(socket, "close").then(([code]) => code as number);
    socket.on("message", (data: Buffer) => {
      if (data[0] === 0x30) text += data.subarray(1).toString();
    });
    socket.send(Buffer.from('{"AuthToken":"","columns":80,"rows":24}'));
    await vi.waitUntil(() => text.includes("$"), WAIT);
  }, 240_000);
  afterAll(async () => {
    await gateway?.stop();
    await redis?.remove();
  });

  const types = async (word: string): Promise<void> => {
    socket.send(Buffer.from(`0echo ${word.slice(0, 1)}''${word.slice(1)}\n`));
    await vi.waitUntil(() => text.includes(word), WAIT);
  };
  const loginStatus = async () => (await new Visitor(gateway.url).logIn()).status;

  test("without it: 503 with Retry-After, said in words; pages and open terminals go on", async () => {
    await redis.stop();
    const login = await new Visitor(gateway.url).logIn();
    expect([login.status, login.body.error]).toEqual([503, "TZ_CLOUDTERM_STORE"]);
    expect(Number(login.headers.get("retry-after"))).toBeGreaterThan(0);
    expect(login.body.message).toContain("does not answer");
    for (const [method, path] of [
      ["GET", "api/session"],
      ["GET", "api/terminals"],
      ["POST", "api/terminals"],
      ["POST", "api/logout"],
      ["GET", "api/recordings"],
    ] as const) {
      const { status, body } = await admin.send(method, path, method === "POST" ? {} : undefined);
      expect([path, status, body.error]).toEqual([path, 503, "TZ_CLOUDTERM_STORE"]);
    }
    expect(await admin.socket("api/terminals/x/socket")).toBe(503);
    expect((await admin.send("GET", "")).status).toBe(200);
    const health = await admin.send("GET", "health");
    expect([health.status, health.body]).toEqual([200, { status: "degraded", store: "away" }]);
    await types("while-away");
    // Said once, not each time that somebody asked.
    expect(gateway.output.match(/answered 503 until it is back/g)?.length).toBe(1);
    expect(gateway.output).not.toMatch(/^\s+at /m);
  });

  test("back with what it had: everything goes on by itself, in the same sessions and sockets", async () => {
    await redis.start();
    await vi.waitUntil(async () => (await loginStatus()) === 200, WAIT);
    expect((await admin.send("GET", "api/session")).body.user).toBe("admin");
    expect((await admin.send("GET", "health")).body).toEqual({ status: "ok" });
    await types("after-all");
    expect(socket.readyState).toBe(socket.OPEN);
    expect(gateway.output).toContain("Redis is back");
  });

  test("back without the sessions: whoever had one is logged out, sockets too, and new logins work", async () => {
    await redis.stop();
    redis.clear();
    await redis.start();
    // Nobody tells of a session that was lost: it is looked up when Redis is back.
    expect(await closed).toBe(4401);
    expect((await admin.send("GET", "api/terminals")).status).toBe(401);
    await vi.waitUntil(async () => (await loginStatus()) === 200, WAIT);
  });

  test("a gateway that finds none says so in one line", async () => {
    const { code, output } = await runCli([
      "--port",
      "0",
      "--data",
      newData(),
      "--redis",
      `${redis.path}-no`,
    ]);
    expect(output).toMatch(/^cloudterm: --redis: it does not answer: .*ENOENT.*\n$/);
    expect(code).toBe(2);
  });
});
