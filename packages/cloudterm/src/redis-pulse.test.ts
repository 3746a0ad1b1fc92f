import { once } from "node:events";
import { type AddressInfo, connect, createServer } from "node:net";
import { Redis } from "ioredis";
import { expect, onTestFinished, test, vi } from "vitest";
import { lacksRedis, RedisServer } from "./redis.fixture.js";
import { RedisPulse } from "./redis-pulse.js";

const WAIT = { timeout: 100_000, interval: 20 };

test.skipIf(lacksRedis !== "")(
  `a Redis that hangs counts as away, until it answers${lacksRedis}`,
  async () => {
    const server = await RedisServer.start();
    let hangs = false;
    const front = createServer((client) => {
      const redis = connect(server.path);
      client.on("error", () => redis.destroy());
      client.on("close", () => redis.destroy());
      redis.on("error", () => client.destroy());
      client.pipe(redis);
      // The connection stays, and nothing comes.
      redis.on("data", (bytes) => hangs || client.write(bytes));
    }).listen(0, "127.0.0.1");
    await once(front, "listening");
    const redis = new Redis((front.address() as AddressInfo).port, "127.0.0.1", {
      commandTimeout: 500,
      retryStrategy: () => 20,
    });
    redis.on("error", () => {});
    let silent = 0;
    const pulse = new RedisPulse(redis, { intervalMs: 20, deadlineMs: 300, onSilent: () => silent++ });
    onTestFinished(async () => {
      pulse.close();
      redis.disconnect();
      front.close();
      await server.stop();
    });
    await vi.waitUntil(() => pulse.answers, WAIT);
    hangs = true;
    const before = silent;
    await vi.waitUntil(() => silent > before, WAIT);
    expect(pulse.answers).toBe(false);
    hangs = false;
    await vi.waitUntil(() => pulse.answers, WAIT);
  },
);
