import { expect, expectTypeOf, test } from "vitest";
import { fakeServer, parseResponses } from "../fake-server.fixture.js";
import { bytes, empty, html, json, redirect, sse, stream, text } from "./reply.js";

const ask = (method: string, target: string, body = ""): string =>
  `${method} ${target} HTTP/1.1\r\nHost: a\r\n${body === "" ? "" : `Content-Length: ${body.length}\r\n`}\r\n${body}`;

test("routes get typed parameters, precede mounts and leave the rest to the handler", async () => {
  const server = await fakeServer(() => text("handler", { status: 404 }));
  server.app
    .get("/users/:id(int)", (request) => {
      expectTypeOf(request.params.id).toEqualTypeOf<number>();
      return json({ id: request.params.id, full: request.query.has("full") });
    })
    .post("/users", async (request) => json(await request.json(), { status: 201 }))
    .get("/files/*path", (request) => request.params.path)
    .mount({ prefix: "/", plan: () => text("mount") });
  const client = server.connect();
  client.clientSend(
    ask("GET", "/users/42?full") +
      ask("POST", "/users", '{"name":"u"}') +
      ask("GET", "/files/a/b%20c") +
      ask("HEAD", "/users/42") +
      ask("GET", "/users/nobody"),
  );
  for (let i = 0; i < 5; i++) await server.settle();
  const answers = parseResponses(client.received, [3]);
  expect(answers.map(({ status, body }) => [status, body])).toEqual([
    [200, '{"id":42,"full":true}'],
    [201, '{"name":"u"}'],
    [200, "a/b c"],
    [200, ""],
    [200, "mount"],
  ]);
  expect(answers[3]!.fields["content-length"]).toBe("22");
});

test("an unknown method is 405 with Allow, OPTIONS is answered, a bad path is 400, the rest 404", async () => {
  const server = await fakeServer(undefined);
  server.app.get("/a", () => "a").post("/a", () => "posted");
  const client = server.connect();
  client.clientSend(ask("DELETE", "/a") + ask("OPTIONS", "/a") + ask("GET", "/%zz") + ask("GET", "/b"));
  await server.settle();
  const answers = parseResponses(client.received);
  expect(answers.map(({ status }) => status)).toEqual([405, 204, 400, 404]);
  expect(answers[0]!.fields.allow).toMatch(/GET.*HEAD.*POST/);
  expect(answers[1]!.fields.allow).toBe(answers[0]!.fields.allow);
});

test("a handler may return a plan, a Response, text, bytes, JSON or nothing", async () => {
  const server = await fakeServer(undefined);
  const replies: [string, unknown, number, string, string | undefined][] = [
    ["/plan", html("<p>"), 200, "<p>", "text/html; charset=utf-8"],
    [
      "/response",
      new Response("web", { status: 418, headers: { "x-a": "1", connection: "x-a" } }),
      418,
      "web",
      "text/plain;charset=UTF-8",
    ],
    ["/response-empty", new Response(null, { status: 200 }), 200, "", undefined],
    ["/text", "ü", 200, "ü", "text/plain; charset=utf-8"],
    ["/bytes", Buffer.from([1, 2]), 200, "\x01\x02", "application/octet-stream"],
    ["/json", { a: [1] }, 200, '{"a":[1]}', "application/json"],
    ["/number", 7, 200, "7", "application/json"],
    ["/nothing", undefined, 204, "", undefined],
    ["/empty", empty(200), 200, "", undefined],
    ["/moved", redirect("/there", 308), 308, "", undefined],
    ["/typed", bytes(Buffer.from("x"), { type: "image/png", fields: ["X-B", "2"] }), 200, "x", "image/png"],
  ];
  for (const [target, reply] of replies) server.app.get(target, () => reply as string);
  const client = server.connect();
  client.clientSend(replies.map(([target]) => ask("GET", target)).join(""));
  for (let i = 0; i < 20; i++) await server.settle();
  const answers = parseResponses(client.received);
  for (const [i, [target, , status, body, type]] of replies.entries()) {
    expect(answers[i], target).toMatchObject({ status, body: Buffer.from(body).toString("latin1") });
    expect(answers[i]!.fields["content-type"], target).toBe(type);
  }
  expect(client.ended).toBe(false);
});

test("streams and server-sent events are framed as they come", async () => {
  const server = await fakeServer(undefined);
  server.app.get("/stream", () =>
    stream(
      (async function* () {
        yield Buffer.from("ab");
      })(),
      { length: 2 },
    ),
  );
  server.app.get("/events", () =>
    sse(
      (async function* () {
        yield { data: "one\ntwo", event: "tick", id: "7", retryMs: 100 };
      })(),
    ),
  );
  const client = server.connect();
  client.clientSend(ask("GET", "/stream") + ask("GET", "/events"));
  for (let i = 0; i < 5; i++) await server.settle();
  const [streamed, events] = parseResponses(client.received);
  expect(streamed).toMatchObject({ body: "ab", fields: { "content-length": "2" } });
  expect(events).toMatchObject({
    body: "event: tick\nid: 7\nretry: 100\ndata: one\ndata: two\n\n",
    fields: { "content-type": "text/event-stream", "cache-control": "no-store" },
  });
});

test("fields with line breaks and events with line breaks are refused, not sent", async () => {
  const server = await fakeServer(undefined);
  server.app.get("/split", (request) => text("x", { fields: ["X-Echo", request.query.get("v") ?? ""] }));
  server.app.get("/move", (request) => redirect(request.query.get("v") ?? ""));
  const client = server.connect();
  client.clientSend(ask("GET", "/split?v=a%0d%0aX:1") + ask("GET", "/move?v=a%0d%0aX:1"));
  await server.settle();
  const answers = parseResponses(client.received);
  expect(answers.map(({ status }) => status)).toEqual([500, 500]);
  expect(client.received.toString()).not.toContain("X:1");
});

test("a redirect leads where it says in characters that a URI may have", async () => {
  const places: [location: string, sent: string][] = [
    ["/a b\u00e4\u{1f600}", "/a%20b%C3%A4%F0%9F%98%80"],
    ["/a%20b?q=%41&x=[1]#f", "/a%20b?q=%41&x=[1]#f"],
    ["https://example.com:8080/~u/;p=1,2?a=b+c", "https://example.com:8080/~u/;p=1,2?a=b+c"],
    ["/\\evil.example", "/%5Cevil.example"],
    ['/"<>^`{|}', "/%22%3C%3E%5E%60%7B%7C%7D"],
    ["/\ud800x", "/%EF%BF%BDx"],
  ];
  const server = await fakeServer(undefined);
  for (const [i, [location]] of places.entries()) server.app.get(`/${i}`, () => redirect(location));
  const client = server.connect();
  client.clientSend(places.map((_, i) => ask("GET", `/${i}`)).join(""));
  await server.settle();
  const answers = parseResponses(client.received);
  expect(answers.map(({ fields }) => fields.location)).toEqual(places.map(([, sent]) => sent));
});

test("a web Response can end the connection, and a length that is none frames nothing", async () => {
  const server = await fakeServer(undefined);
  server.app.get("/odd", () => new Response("odd", { headers: { "content-length": "3, 3" } }));
  server.app.get("/last", () => new Response("last", { headers: { connection: "x-a, Close" } }));
  const client = server.connect();
  client.clientSend(ask("GET", "/odd") + ask("GET", "/last") + ask("GET", "/odd"));
  for (let i = 0; i < 10; i++) await server.settle();
  const answers = parseResponses(client.received);
  expect(answers.map(({ body, fields }) => [body, fields["content-length"], fields.connection])).toEqual([
    ["odd", undefined, undefined],
    ["last", undefined, "close"],
  ]);
  expect(client.ended).toBe(true);
});

test("malformed JSON is the client's fault", async () => {
  const server = await fakeServer(undefined);
  server.app.post("/", async (request) => json(await request.json()));
  const client = server.connect();
  client.clientSend(ask("POST", "/", "{bad"));
  await server.settle();
  expect(parseResponses(client.received)[0]!.status).toBe(400);
});
