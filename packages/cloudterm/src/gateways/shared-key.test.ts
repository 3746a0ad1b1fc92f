import { afterAll, describe, expect, test } from "vitest";
import { lacksRedis, RedisServer } from "../redis.fixture.js";
import { InternalTickets } from "./internal-tickets.js";
import { SharedKey } from "./shared-key.js";

describe.skipIf(lacksRedis !== "")(`the key of all gateways${lacksRedis}`, () => {
  let server: Promise<RedisServer> | undefined;
  afterAll(async () => (await server)?.stop());

  async function keys(prefix: string, count: number) {
    server ??= RedisServer.start();
    const redis = await (await server).client();
    const open = (fill: number) => SharedKey.open(redis, { prefix, own: Buffer.alloc(32, fill) });
    const opened: SharedKey[] = [];
    for (let i = 1; i <= count; i++) opened.push(await open(i));
    for (const key of opened) key.close();
    return { redis, opened, open };
  }

  test("tickets are good between two gateways after Redis was emptied, whoever is first there again", async () => {
    const { redis, opened, open } = await keys("emptied:", 2);
    const [a, b] = opened as [SharedKey, SharedKey];
    expect(b.all[0]).toEqual(a.all[0]);
    await redis.flushall();
    // One that starts now brings its own, before the others have looked.
    const c = await open(3);
    c.close();
    expect(c.all).toEqual([Buffer.alloc(32, 3)]);
    const request = { method: "GET", target: "/x" };
    const ticketsOf = (key: SharedKey, gateway: string) =>
      new InternalTickets({ key: () => key.all, gateway });
    const ticket = ticketsOf(c, "c").issue("a", request, { is: "c" });
    const atA = ticketsOf(a, "a");
    expect(atA.take(ticket, request)).toBeUndefined();
    await a.missed();
    expect(atA.take(ticket, request)).toEqual({ is: "c" });
    // What was signed before is good still, and what is signed now is good there.
    expect(atA.take(ticketsOf(b, "b").issue("a", request, { is: "b" }), request)).toEqual({ is: "b" });
    await b.refresh();
    expect(ticketsOf(c, "c").take(ticketsOf(b, "b").issue("c", request, {}), request)).toEqual({});
  });

  test("an emptied Redis is given the key again, and what is no key there is nobody's", async () => {
    const { redis, opened } = await keys("again:", 2);
    const [a, b] = opened as [SharedKey, SharedKey];
    await redis.flushall();
    await b.refresh();
    await a.refresh();
    expect(a.all).toEqual([Buffer.alloc(32, 1)]);
    for (const odd of ["", "short", "!".repeat(43)]) {
      await redis.set("again:key", odd);
      await a.refresh();
      expect(a.all).toEqual([Buffer.alloc(32, 1)]);
    }
  });
});
