import { expect, test } from "vitest";
import { fakeServer, parseResponses } from "../fake-server.fixture.js";
import { json, stream, text } from "./reply.js";

const get = (target: string): string => `GET ${target} HTTP/1.1\r\nHost: a\r\n\r\n`;

test("hooks run around routes, mounts and the handler, in their order", async () => {
  const server = await fakeServer(() => "handler");
  const seen: string[] = [];
  server.app
    .get("/route/:id", (request) => `route ${request.params.id}`)
    .mount({ prefix: "/mount", plan: ({ target }) => text(`mount ${target}`) })
    .onRequest((request) => seen.push(`1 ${request.path} ${request.route}`))
    .onRequest(async (request) => (request.path === "/stop" ? text("stopped", { status: 403 }) : undefined))
    .onSend((request, plan) => {
      seen.push(`send ${request.path}`);
      return {
        ...plan,
        head: text("", { status: plan.head.status, fields: ["X-Sent", "1"] }).head,
        body: plan.body,
      };
    })
    .use(
      async (_request, next) => {
        seen.push("outer in");
        const plan = await next();
        seen.push("outer out");
        return plan;
      },
      (request, next) => {
        seen.push("inner");
        return request.path === "/short" ? json({ short: true }) : next();
      },
    );
  const client = server.connect();
  for (const target of ["/route/7", "/mount/x", "/other", "/stop", "/short"]) {
    client.clientSend(get(target));
    await server.settle();
  }
  const text200 = client.received.toString("latin1");
  for (const body of ["handler", "stopped", "short"])
    expect(text200).toContain(body === "short" ? '{"short":tr' : body);
  expect(text200.match(/X-Sent: 1/g)).toHaveLength(5);
  expect(seen.slice(0, 5)).toEqual([
    "1 /route/7 /route/:id",
    "outer in",
    "inner",
    "outer out",
    "send /route/7",
  ]);
  expect(seen).not.toContain("inner /stop");
  expect(seen.filter((line) => line === "outer in")).toHaveLength(4);
});

test("hooks that answer at once keep the answer synchronous", async () => {
  const server = await fakeServer(undefined);
  server.app
    .get("/", () => "x")
    .onRequest(() => {})
    .onSend(() => 7);
  const client = server.connect();
  client.clientSend(get("/"));
  expect(parseResponses(client.received)[0]).toMatchObject({ status: 200, body: "x" });
});

test("next() twice is the middleware's error", async () => {
  const server = await fakeServer(() => "x");
  const errors: unknown[] = [];
  server.app
    .use(async (_request, next) => {
      await next();
      return next();
    })
    .onError((error) => errors.push(error));
  const client = server.connect();
  client.clientSend(get("/"));
  await server.settle();
  expect(parseResponses(client.received)[0]!.status).toBe(500);
  expect(String(errors[0])).toMatch(/next\(\) was called twice/);
});

test.each(["throws", "rejects"])("onError sees what a handler %s and may answer it", async (way) => {
  const server = await fakeServer(undefined);
  const told: unknown[] = [];
  server.app
    .get("/fail/:status(int)", (request) => {
      const error = Object.assign(new Error("secret"), { status: request.params.status });
      if (way === "throws") throw error;
      return Promise.reject(error);
    })
    .onError((error, request, status) => told.push([(error as Error).message, request?.path, status]))
    .onError(async (_error, request, status) =>
      status === 409 ? json({ conflict: request?.path }, { status }) : null,
    )
    .onError(() => {
      throw new Error("a listener that fails");
    });
  const client = server.connect();
  for (const status of [404, 409, 500, 700]) {
    client.clientSend(get(`/fail/${status}`));
    await server.settle();
  }
  const answers = parseResponses(client.received);
  expect(answers.map(({ status }) => status)).toEqual([404, 409, 500, 500]);
  expect(answers[1]!.body).toBe('{"conflict":"/fail/409"}');
  expect(told).toEqual([
    ["secret", "/fail/404", 404],
    ["secret", "/fail/409", 409],
    ["secret", "/fail/500", 500],
    ["secret", "/fail/700", 500],
  ]);
  expect(client.received.toString()).not.toContain("secret");
});

test("an answer that onSend fails on is released and answered 500", async () => {
  const server = await fakeServer(undefined);
  let released = 0;
  server.app
    .get("/", () => ({ ...text("x"), release: () => released++ }))
    .onSend((request) => {
      if (request.query.has("late")) return Promise.reject(new Error("late"));
      throw new Error("at once");
    });
  const client = server.connect();
  client.clientSend(get("/") + get("/?late"));
  await server.settle();
  expect(parseResponses(client.received).map(({ status }) => status)).toEqual([500, 500]);
  expect(released).toBe(2);
});

test("a stream's error is told outside of a request", async () => {
  const server = await fakeServer(undefined);
  const told: unknown[] = [];
  server.app
    .get("/", () =>
      stream(
        (async function* () {
          yield Buffer.from("a");
          throw new Error("broken");
        })(),
      ),
    )
    .onError((error, request, status) => told.push([(error as Error).message, request, status]));
  const client = server.connect();
  client.clientSend(get("/"));
  await server.settle();
  expect(told).toEqual([["broken", undefined, 0]]);
});
