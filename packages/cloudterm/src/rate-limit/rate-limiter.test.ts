import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, expect, test } from "vitest";
import { lacksRedis, RedisServer } from "../redis.fixture.js";
import { MemoryLimiter } from "./memory-limiter.js";
import { rateLimiterConformance } from "./rate-limiter.conformance.js";
import { RedisLimiter } from "./redis-limiter.js";

let server: Promise<RedisServer> | undefined;
let round = 0;
afterAll(async () => (await server)?.stop());

rateLimiterConformance("buckets in memory", async () => {
  let nowMs = Date.now();
  const limiter = new MemoryLimiter({ now: () => nowMs });
  return {
    limiter,
    other: limiter,
    pass: async (ms) => {
      nowMs += ms;
    },
  };
});

rateLimiterConformance(
  `buckets in Redis${lacksRedis}`,
  async () => {
    server ??= RedisServer.start();
    const prefix = `t${round++}:`;
    const { client } = { client: () => server!.then((each) => each.client()) };
    return {
      limiter: new RedisLimiter(await client(), { prefix }),
      other: new RedisLimiter(await client(), { prefix }),
      pass: (ms) => sleep(ms),
    };
  },
  lacksRedis !== "",
);

test("buckets in memory are bounded", async () => {
  const limiter = new MemoryLimiter({ maxKeys: 100 });
  for (let i = 0; i < 1000; i++) await limiter.take(`${i}`, { burst: 1, intervalMs: 1000 });
  expect(limiter.size).toBe(100);
});
