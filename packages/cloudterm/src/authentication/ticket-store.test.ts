import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, expect, test } from "vitest";
import { lacksRedis, RedisServer } from "../redis.fixture.js";
import { MemoryTickets } from "./memory-tickets.js";
import { RedisTickets } from "./redis-tickets.js";
import { ticketStoreConformance } from "./ticket-store.conformance.js";

let server: Promise<RedisServer> | undefined;
let round = 0;
afterAll(async () => (await server)?.stop());

ticketStoreConformance("tickets in memory", async () => {
  let nowMs = Date.now();
  const store = new MemoryTickets({ now: () => nowMs });
  return {
    store,
    other: store,
    pass: async (ms) => {
      nowMs += ms;
    },
  };
});

ticketStoreConformance(
  `tickets in Redis${lacksRedis}`,
  async () => {
    server ??= RedisServer.start();
    const { client } = { client: () => server!.then((each) => each.client()) };
    const prefix = `t${round++}:`;
    return {
      store: new RedisTickets(await client(), { prefix }),
      other: new RedisTickets(await client(), { prefix }),
      pass: (ms) => sleep(ms),
    };
  },
  lacksRedis !== "",
);

test("tickets in memory are bounded, and those that are over go", async () => {
  let nowMs = 0;
  const store = new MemoryTickets({ now: () => nowMs, maxEntries: 1000 });
  for (let i = 0; i < 1000; i++) await store.put("x", "", 1000);
  await expect(store.put("x", "", 1000)).rejects.toMatchObject({ code: "TZ_CLOUDTERM_BUSY" });
  nowMs = 1001;
  await store.put("x", "", 1000);
  expect(store.size).toBe(1);
});
