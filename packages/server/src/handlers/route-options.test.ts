import fastJson from "fast-json-stringify";
import { expect, test } from "vitest";
import { fakeServer, parseResponses } from "../fake-server.fixture.js";
import { ROUTE_OPTIONS } from "../options.js";
import type { ServerRequest } from "../request.js";
import { json } from "./reply.js";
import type { RouteOptions } from "./route-options.js";

const get = (target: string, fields = ""): string => `GET ${target} HTTP/1.1\r\nHost: a\r\n${fields}\r\n`;

test.each([
  [{ bodey: 1 }, /unknown route option "bodey"; allowed: params, query, .*maxBodyBytes/],
  [{ body: {} }, /route option body must be a Standard Schema/],
  [{ maxBodyBytes: -1 }, /maxBodyBytes is -1; allowed: a whole number of bytes from 0/],
  [{ timeoutMs: "1" }, /timeoutMs is "1"/],
  [{ use: () => {} }, /use must be a list/],
  [{ stringify: "x" }, /stringify must be a function/],
])("%j is refused when the route is added", async (options, message) => {
  const { app } = await fakeServer(undefined);
  expect(() => app.get("/", options as RouteOptions, () => "x")).toThrow(message);
});

test("every default of the route table lies within its bounds", () => {
  for (const { default: value, min, max } of Object.values(ROUTE_OPTIONS)) {
    expect(value).toBeGreaterThanOrEqual(min);
    expect(value).toBeLessThanOrEqual(max);
  }
});

test("maxBodyBytes holds for its route alone, in both directions", async () => {
  const server = await fakeServer(undefined, { maxBodyBytes: 10 });
  const length = async (request: ServerRequest<unknown, unknown>): Promise<string> =>
    `${(await request.bytes()).byteLength}`;
  server.app
    .post("/large", { maxBodyBytes: 1000 }, length)
    .post("/small", { maxBodyBytes: 5 }, length)
    .post("/default", length);
  for (const [target, bytes, status] of [
    ["/large", 1000, 200],
    ["/large", 1001, 413],
    ["/small", 5, 200],
    ["/small", 6, 413],
    ["/default", 10, 200],
    ["/default", 11, 413],
  ] as const) {
    for (const chunked of [false, true]) {
      const client = server.connect();
      const framing = chunked ? "Transfer-Encoding: chunked" : `Content-Length: ${bytes}`;
      const body = chunked ? `${bytes.toString(16)}\r\n${"x".repeat(bytes)}\r\n0\r\n\r\n` : "x".repeat(bytes);
      client.clientSend(`POST ${target} HTTP/1.1\r\nHost: a\r\n${framing}\r\n\r\n${body}`);
      await server.settle();
      expect(parseResponses(client.received)[0]!.status, `${target} ${bytes} ${chunked}`).toBe(status);
    }
  }
});

test("timeoutMs answers 503, aborts the signal and releases the late answer", async () => {
  const server = await fakeServer(undefined);
  let released = 0;
  let reason: unknown;
  let finish = (): void => {};
  server.app
    .get("/slow", { timeoutMs: 20 }, async (request) => {
      await new Promise<void>((resolve) => {
        request.signal.addEventListener("abort", () => {
          reason = request.signal.reason;
          finish = resolve;
        });
      });
      return { ...json(1), release: () => released++ };
    })
    .get("/fast", { timeoutMs: 10_000 }, async () => "fast");
  const client = server.connect();
  client.clientSend(get("/fast") + get("/slow"));
  while (reason === undefined) await server.settle();
  await server.settle();
  expect(parseResponses(client.received).map(({ status }) => status)).toEqual([200, 503]);
  expect(reason).toMatchObject({ code: "TZ_SERVER_HANDLER_TIMEOUT" });
  finish();
  await server.settle();
  expect(released).toBe(1);
});

test("ratePerSecond lets a burst through, then one an interval, for each client", async () => {
  const server = await fakeServer(undefined);
  server.app.get(
    "/",
    { ratePerSecond: 2, rateBurst: 3, rateKeys: 2, rateKey: (request) => request.field("x-key") ?? "" },
    () => "ok",
  );
  const client = server.connect();
  const ask = (key: string): string => get("/", `X-Key: ${key}\r\n`);
  client.clientSend(ask("a").repeat(4) + ask("b"));
  await server.pass(499);
  client.clientSend(ask("a"));
  await server.pass(1);
  client.clientSend(ask("a").repeat(2));
  const answers = parseResponses(client.received);
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 429, 200, 429, 200, 429]);
  expect(answers[3]!.fields["retry-after"]).toBe("1");
});

test("a compiled serializer writes what the handler returns", async () => {
  const server = await fakeServer(undefined);
  const stringify = fastJson({
    type: "object",
    properties: { id: { type: "integer" }, name: { type: "string" } },
  });
  server.app
    .get("/value", { stringify }, () => ({ id: 1, name: "ü", more: true }))
    .get("/plan", () => json({ id: 2, more: true }, { stringify, status: 201 }));
  const client = server.connect();
  client.clientSend(get("/value") + get("/plan"));
  expect(parseResponses(client.received).map(({ status, body }) => [status, body])).toEqual([
    [200, Buffer.from('{"id":1,"name":"ü"}').toString("latin1")],
    [201, '{"id":2}'],
  ]);
});

test("middleware of a route runs for that route alone", async () => {
  const server = await fakeServer(undefined);
  const seen: string[] = [];
  server.app
    .get(
      "/guarded",
      {
        use: [
          (request, next) => {
            seen.push(request.path);
            return request.field("x-key") === "k" ? next() : json({ denied: true }, { status: 401 });
          },
        ],
      },
      () => "in",
    )
    .get("/open", () => "open");
  const client = server.connect();
  for (const request of [get("/guarded"), get("/guarded", "X-Key: k\r\n"), get("/open")]) {
    client.clientSend(request);
    await server.settle();
  }
  expect(parseResponses(client.received).map(({ status }) => status)).toEqual([401, 200, 200]);
  expect(seen).toEqual(["/guarded", "/guarded"]);
});
