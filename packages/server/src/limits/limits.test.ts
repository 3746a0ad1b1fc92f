import { expect, test } from "vitest";
import { fakeServer, parseResponses } from "../fake-server.fixture.js";
import { AddressCounts } from "./address-counts.js";
import { TokenBuckets } from "./token-buckets.js";

const get = (target: string): string => `GET ${target} HTTP/1.1\r\nHost: a\r\n\r\n`;

test("requests in flight are bounded: further ones wait in order, beyond the queue 503 with Retry-After", async () => {
  const server = await fakeServer(undefined, {
    maxRequestsInFlight: 2,
    maxQueuedRequests: 1,
    retryAfterSeconds: 7,
  });
  const started: string[] = [];
  const finish = new Map<string, () => void>();
  server.app
    .get("/slow/:name", async ({ params: { name } }) => {
      started.push(name);
      await new Promise<void>((resolve) => finish.set(name, resolve));
      if (name === "b") throw new Error("b fails");
      return name;
    })
    .get("/quick", () => "quick");
  const clients = ["a", "b", "c", "d"].map((name) => {
    const client = server.connect();
    client.clientSend(get(`/slow/${name}`));
    return client;
  });
  await server.settle();
  expect(started).toEqual(["a", "b"]);
  expect(parseResponses(clients[3]!.received)[0]).toMatchObject({
    status: 503,
    fields: { "retry-after": "7" },
  });
  finish.get("b")!();
  await server.settle();
  expect(started).toEqual(["a", "b", "c"]);
  for (const name of ["a", "c"]) finish.get(name)!();
  await server.settle();
  expect(clients.map(({ received }) => parseResponses(received)[0]!.status)).toEqual([200, 500, 200, 503]);
  clients[0]!.clientSend(get("/quick") + get("/slow/e"));
  await server.settle();
  expect(started.at(-1)).toBe("e");
  finish.get("e")!();
  await server.settle();
  expect(parseResponses(clients[0]!.received).map(({ body }) => body)).toEqual(["a", "quick", "e"]);
});

test("connections of one address are bounded and counted down when they close", async () => {
  const server = await fakeServer(() => "x", { maxConnectionsPerAddress: 2 });
  const [first, second, third] = [server.connect(), server.connect(), server.connect()];
  await server.settle();
  expect([first!.closed, second!.closed, third!.closed]).toEqual([false, false, true]);
  expect(third!.received.byteLength).toBe(0);
  first!.clientReset();
  const fourth = server.connect();
  await server.settle();
  expect(fourth.closed).toBe(false);
  fourth.clientSend(get("/"));
  expect(parseResponses(fourth.received)[0]!.status).toBe(200);
});

test("counts return to nothing, whatever the order of closes", () => {
  const counts = new AddressCounts(2);
  const connections = Array.from({ length: 6 }, () => ({}));
  const added = connections.map((connection, i) => counts.add(connection, `address ${i % 2}`));
  expect(added).toEqual([true, true, true, true, false, false]);
  for (const connection of [...connections, ...connections]) counts.remove(connection);
  expect(counts.size).toBe(0);
});

test("buckets refill evenly and never hold more than their burst or more keys than allowed", () => {
  const buckets = new TokenBuckets(10, 2, 2);
  const taken = (key: string, from: number, to: number): number => {
    let count = 0;
    for (let ms = from; ms < to; ms += 5) if (buckets.take(key, ms) === 0) count++;
    return count;
  };
  expect(taken("a", 0, 1000)).toBe(11);
  expect(taken("a", 60_000, 61_000)).toBe(11);
  expect(buckets.take("b", 61_000)).toBe(0);
  expect(buckets.take("c", 61_000)).toBe(0);
  expect(buckets.size).toBe(2);
});

test("a bucket's wait is what its rate says at every reading of the clock", () => {
  for (let nowMs = 0.1; nowMs < 1e9; nowMs = nowMs * 1.01 + 0.333) {
    const buckets = new TokenBuckets(1, 2, 2);
    expect([buckets.take("a", nowMs), buckets.take("a", nowMs), buckets.take("a", nowMs)]).toEqual([
      0, 0, 1000,
    ]);
  }
});
