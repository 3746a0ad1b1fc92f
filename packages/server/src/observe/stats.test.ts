import { SizeClassAllocator } from "@tz/alloc";
import { ResponseHead } from "@tz/http1";
import { describe, expect, test } from "vitest";
import { fakeServer, parseResponses, textPlan } from "../fake-server.fixture.js";
import { stream } from "../handlers/reply.js";
import type { ServerOptions } from "../options.js";
import { StatsTable } from "./stats-table.js";

const counting = (options: ServerOptions = {}) => fakeServer(undefined, { stats: true, ...options });

test("without the option nothing is counted", async () => {
  const { app } = await fakeServer(() => textPlan("hello"));
  const stats = app.stats();
  expect(stats).toMatchObject({ loop: "fake", connections: 0 });
  expect(stats).not.toHaveProperty("total");
  expect(stats).not.toHaveProperty("byWorker");
  await app.close({ timeoutMs: 0 });
});

test("requests by status and route, bytes in and out, durations", async () => {
  const server = await counting();
  const { app, connect } = server;
  app.get("/users/:id", ({ params }) => textPlan(String(params.id)));
  app.get("/later", async () => textPlan("later"));
  app.get("/broken", () => {
    throw new Error("on purpose");
  });
  app.mount({ prefix: "/files", plan: () => textPlan("file", 206) });
  const client = connect();
  const requests = [
    "GET /users/1 HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET /users/22 HTTP/1.1\r\nHost: a\r\n\r\n",
    "HEAD /users/333 HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET /later HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET /broken HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET /files/x HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET /nowhere HTTP/1.1\r\nHost: a\r\n\r\n",
    "not a request\r\n\r\n",
  ].join("");
  client.clientSend(requests);
  await server.settle();
  const { total } = app.stats();
  expect(total).toMatchObject({
    requests: 8,
    byStatus: { 200: 4, 206: 1, 400: 1, 404: 1, 500: 1 },
    bytesIn: requests.length,
    bytesOut: client.received.byteLength,
    accepted: 1,
    aborted: 0,
    errors: 1,
  });
  expect(parseResponses(client.received, [2])).toHaveLength(8);
  const routes = Object.fromEntries(total!.byRoute.map(({ route, ...row }) => [route, row]));
  expect(Object.keys(routes).sort()).toEqual(
    ["(none)", "(refused)", "/broken", "/files/*", "/later", "/users/:id"].sort(),
  );
  expect(routes["/users/:id"]).toMatchObject({ requests: 3, successful: 3, bodyBytes: 3 });
  expect(routes["/files/*"]).toMatchObject({ requests: 1, successful: 1, bodyBytes: 4 });
  expect(routes["/broken"]).toMatchObject({ requests: 1, failed: 1 });
  expect(routes["(none)"]).toMatchObject({ refused: 1 });
  expect(routes["(refused)"]).toMatchObject({ refused: 1 });
  expect(total!.latency.count).toBe(8);
  await app.close({ timeoutMs: 0 });
  expect(app.stats().byWorker).toMatchObject([{ worker: 0, pid: process.pid, state: "ended" }]);
});

test("an answer that the client takes slowly lasts until its last byte", async () => {
  const server = await counting();
  const { app, loop } = server;
  app.get("/large", () => textPlan("x".repeat(100_000)));
  const client = server.connect(1000);
  client.clientSend("GET /large HTTP/1.1\r\nHost: a\r\n\r\n");
  await server.settle();
  expect(app.stats().total).toMatchObject({ requests: 1, bytesOut: 1000 });
  expect(app.stats().total!.latency.count).toBe(0);
  loop.advance(50);
  client.clientRead(Number.POSITIVE_INFINITY);
  await server.settle();
  const { total } = app.stats();
  expect(total!.latency.count).toBe(1);
  expect(total!.bytesOut).toBe(client.received.byteLength);
  await app.close({ timeoutMs: 0 });
});

test("what a client does not wait for is counted as aborted", async () => {
  const server = await counting();
  const { app } = server;
  app.get("/never", () => new Promise(() => {}));
  app.get("/drip", () =>
    stream(
      (async function* () {
        yield Buffer.from("one");
        await new Promise(() => {});
      })(),
    ),
  );
  for (const path of ["/never", "/drip"]) {
    const client = server.connect();
    client.clientSend(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`);
    await server.settle();
    client.clientReset();
  }
  expect(app.stats().total).toMatchObject({ accepted: 2, closed: 2, aborted: 2 });
  await app.close({ timeoutMs: 0 });
});

test("an upgrade that is refused is one request", async () => {
  const server = await counting();
  const { app } = server;
  const head = new ResponseHead(101, ["Connection", "Upgrade", "Upgrade", "echo"]);
  app.get("/up", () => ({ head, body: { kind: "none" }, upgrade: () => ({}) as never }));
  const client = server.connect();
  client.clientSend("GET /up HTTP/1.0\r\n\r\n");
  await server.settle();
  expect(app.stats().total).toMatchObject({ requests: 1, byStatus: { 400: 1 } });
  await app.close({ timeoutMs: 0 });
});

test("connections by state, memory by holder, timers, mounts", async () => {
  const pool = new SizeClassAllocator({ name: "pool", limitBytes: 1 << 20 });
  pool.allocate(1000);
  const figures = { requests: 5, hits: 3, entries: 2, bytes: 4096, fds: 1, evictions: 0 };
  const server = await counting({ stats: { arenas: [pool] } });
  const { app } = server;
  app.mount({ prefix: "/files", plan: () => textPlan(""), stats: figures } as never);
  app.get("/never", () => new Promise(() => {}));
  server.connect();
  const reading = server.connect();
  reading.clientSend("GET / HTT");
  const waiting = server.connect();
  waiting.clientSend("GET /never HTTP/1.1\r\nHost: a\r\n\r\n");
  await server.settle();
  await expect.poll(() => app.stats().total?.connections.handling, { timeout: 120_000 }).toBe(1);
  const { total } = app.stats();
  expect(total).toMatchObject({
    connections: { idle: 1, reading: 1, handling: 1, writing: 0, closing: 0, upgraded: 0 },
    inFlight: 1,
    mounts: [{ prefix: "/files", ...figures }],
  });
  expect(total!.timers).toBeGreaterThan(0);
  expect(total!.lag.count).toBeGreaterThan(0);
  expect(total!.rssBytes).toBeGreaterThan(total!.heapUsedBytes);
  const arenas = Object.fromEntries(total!.arenas.map(({ name, ...row }) => [name, row]));
  expect(arenas.pool).toMatchObject({ allocatedBytes: 1000, live: 1 });
  expect(arenas["v8 old"]!.allocatedBytes).toBeGreaterThan(1_000_000);
  await app.close({ timeoutMs: 0 });
});

test("the most wanted paths, without their queries", async () => {
  const server = await counting({ stats: { paths: true } });
  const { app } = server;
  app.handle(() => textPlan(""));
  const client = server.connect();
  for (let i = 0; i < 30; i++) client.clientSend(`GET /often?${i} HTTP/1.1\r\nHost: a\r\n\r\n`);
  for (let i = 0; i < 10; i++) client.clientSend("GET /rare HTTP/1.1\r\nHost: a\r\n\r\n");
  await expect.poll(() => app.stats().total?.paths.length, { timeout: 120_000 }).toBe(2);
  const [first, second] = app.stats().total!.paths;
  expect([first?.path, second?.path]).toEqual(["/often", "/rare"]);
  // A few seconds of a busy machine may have passed, and each takes a sixtieth away.
  expect(first!.perMinute).toBeGreaterThan(second!.perMinute);
  expect(first!.perMinute).toBeLessThanOrEqual(30);
  await app.close({ timeoutMs: 0 });
});

describe("the table", () => {
  test("refuses what is too small, and what is something else", () => {
    expect(() => StatsTable.attach(new ArrayBuffer(100), 1)).toThrow("100 bytes");
    expect(() => StatsTable.byteLength(0)).toThrow("workers is 0");
    const buffer = new ArrayBuffer(StatsTable.byteLength(2));
    StatsTable.attach(buffer, 2);
    expect(() => StatsTable.attach(buffer, 1)).toThrow("holds something else");
    expect(() => StatsTable.attach(buffer, 2).block(2, 0)).toThrow("worker is 2");
  });

  test("adds up its workers; those that ended keep what they counted", () => {
    const table = StatsTable.attach(new SharedArrayBuffer(StatsTable.byteLength(2)), 2);
    for (const [worker, pid] of [
      [0, 10],
      [1, 11],
    ] as const) {
      const block = table.block(worker, 1);
      block.open(pid, 1);
      block.answered(200, block.cellOf("/a"), 5);
      block.timed(block.cellOf("/a"), worker + 1);
      block.gauge("rssBytes", 1000);
    }
    table.ended(0, 1, 999);
    expect(table.total()).toMatchObject({ requests: 2, rssBytes: 2000 });
    table.ended(0, 1, 10);
    const total = table.total();
    expect(total).toMatchObject({ requests: 2, rssBytes: 1000, byStatus: { 200: 2 } });
    expect(total.byRoute).toMatchObject([{ route: "/a", requests: 2, bodyBytes: 10, durationMs: 3 }]);
    // The successor goes on where it stopped.
    table.block(0, 1).open(12, 2);
    expect(table.read().map(({ pid, requests }) => [pid, requests])).toEqual([
      [12, 1],
      [11, 1],
    ]);
  });

  test("routes beyond its places are counted together", () => {
    const table = StatsTable.attach(new ArrayBuffer(StatsTable.byteLength(1)), 1);
    const block = table.block(0, 0);
    block.open(1, 1);
    for (let i = 0; i < 100; i++) block.answered(200, block.cellOf(`/route/${i}`), 0);
    const { byRoute, requests } = table.total();
    expect(requests).toBe(100);
    expect(byRoute).toHaveLength(64);
    expect(byRoute.find(({ route }) => route === "(other)")).toMatchObject({ requests: 37 });
  });
});

test.each([
  [{ stats: "yes" }, 'stats is "yes"; allowed: true, false, an object'],
  [{ stats: { pathes: true } }, "unknown option stats.pathes; allowed: paths, arenas"],
  [{ stats: { paths: 1 } }, "stats.paths is 1; allowed: true, false"],
  [{ stats: { arenas: [{}] } }, "stats.arenas is [object Object]; allowed"],
])("refuses %j", async (options, message) => {
  await expect(fakeServer(undefined, options as never)).rejects.toThrow(message);
});
