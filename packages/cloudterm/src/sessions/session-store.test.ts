import { randomUUID } from "node:crypto";
import { afterAll, onTestFinished } from "vitest";
import { lacksRedis, RedisServer } from "../redis.fixture.js";
import { MemorySessionStore } from "./memory-store.js";
import { RedisSessionStore } from "./redis-store.js";
import { sessionStoreConformance } from "./session-store.conformance.js";

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
