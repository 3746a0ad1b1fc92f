import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { type AddressInfo, connect, createServer } from "node:net";
import { Redis } from "ioredis";
import { afterAll, expect, onTestFinished, test, vi } from "vitest";
import { lacksRedis, RedisServer } from "../redis.fixture.js";
import { MemorySessionStore } from "./memory-store.js";
import { RedisSessionStore } from "./redis-store.js";
import { record, sessionStoreConformance } from "./session-store.conformance.js";

sessionStoreConformance("memory", {
  async make() {
    const store = new MemorySessionStore();
    onTestFinished(() => store.close());
    return { store };
  },
});

let server: Promise<RedisServer> | undefined;
afterAll(async () => (await server)?.stop());

sessionStoreConformance(
  `redis, two gateways${lacksRedis}`,
  {
    async make() {
      server ??= RedisServer.start();
      const prefix = `${randomUUID()}:`;
      const redis = await server;
      const store = new RedisSessionStore(redis.client(), { prefix });
      const other = new RedisSessionStore(redis.client(), { prefix });
      onTestFinished(async () => {
        await store.close();
        await other.close();
      });
      return { store, other };
    },
  },
  lacksRedis !== "",
);

test.skipIf(lacksRedis !== "")(
  `logins work again when the first subscription failed${lacksRedis}`,
  async () => {
    server ??= RedisServer.start();
    const { path } = await server;
    let refuse = true;
    let refused = 0;
    let passed = 0;
    // In front of Redis: the first connection is let through, those of the subscription are refused for a while.
    const front = createServer((client) => {
      client.on("error", () => {});
      if (refuse && passed > 0) {
        refused++;
        client.end("-ERR max number of clients reached\r\n");
        return;
      }
      passed++;
      const redis = connect(path);
      redis.on("error", () => client.destroy());
      client.pipe(redis).pipe(client);
    }).listen(0, "127.0.0.1");
    await once(front, "listening");
    const redis = new Redis((front.address() as AddressInfo).port, "127.0.0.1", {
      maxRetriesPerRequest: 1,
      retryStrategy: () => 20,
    });
    redis.on("error", () => {});
    await redis.ping();
    const store = new RedisSessionStore(redis, { prefix: `${randomUUID()}:` });
    onTestFinished(async () => {
      await store.close();
      redis.disconnect();
      front.close();
    });
    await vi.waitUntil(() => refused > 5, { timeout: 120_000, interval: 20 });
    await expect(store.add("key", record("ada", "a"))).rejects.toMatchObject({ code: "TZ_CLOUDTERM_STORE" });
    refuse = false;
    await vi.waitUntil(
      () =>
        store.add("key", record("ada", "a")).then(
          () => true,
          () => false,
        ),
      { timeout: 120_000, interval: 20 },
    );
    expect(await store.get("key", Date.now())).toBeDefined();
  },
);
