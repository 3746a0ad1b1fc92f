import { Type } from "@sinclair/typebox";
import { TypeCompiler } from "@sinclair/typebox/compiler";
import { Ajv } from "ajv";
import * as v from "valibot";
import { describe, expect, expectTypeOf, test } from "vitest";
import { z } from "zod";
import { fakeServer, parseResponses } from "../fake-server.fixture.js";
import { ajvSchema, compiledSchema } from "./checked-schema.js";
import { pointerOf, type StandardSchema } from "./standard-schema.js";
import { recordOf } from "./validator.js";

interface User {
  name: string;
  tags: string[];
}

const schemas: { [library: string]: StandardSchema<unknown, User> } = {
  zod: z.object({ name: z.string().min(1), tags: z.array(z.string()) }),
  valibot: v.object({ name: v.pipe(v.string(), v.minLength(1)), tags: v.array(v.string()) }),
  typebox: compiledSchema(
    TypeCompiler.Compile(
      Type.Object({ name: Type.String({ minLength: 1 }), tags: Type.Array(Type.String()) }),
    ),
  ),
  ajv: ajvSchema(
    new Ajv({ allErrors: true }).compile<User>({
      type: "object",
      required: ["name", "tags"],
      properties: {
        name: { type: "string", minLength: 1 },
        tags: { type: "array", items: { type: "string" } },
      },
    }),
  ),
};

const post = (target: string, body: string, type: string | undefined = "application/json"): string =>
  `POST ${target} HTTP/1.1\r\nHost: a\r\n${type === undefined ? "" : `Content-Type: ${type}\r\n`}` +
  `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;

describe.each(Object.entries(schemas))("%s", (_library, User) => {
  test("a good body is the handler's, a bad one is 422 with the path of each error", async () => {
    const server = await fakeServer(undefined);
    server.app.post("/users", { body: User }, (request) => ({ created: request.valid.body.name }));
    const client = server.connect();
    for (const body of ['{"name":"u","tags":["a"]}', '{"name":"","tags":["a",7]}', "{"]) {
      client.clientSend(post("/users", body));
      await server.settle();
    }
    const [good, bad, broken] = parseResponses(client.received);
    expect(good).toMatchObject({ status: 200, body: '{"created":"u"}' });
    expect(bad).toMatchObject({ status: 422, fields: { "content-type": "application/problem+json" } });
    const problem = JSON.parse(bad!.body);
    expect(problem).toMatchObject({ type: "about:blank", status: 422, title: "Unprocessable Content" });
    expect(problem.errors.map((error: { in: string; pointer: string }) => [error.in, error.pointer])).toEqual(
      [
        ["body", "/name"],
        ["body", "/tags/1"],
      ],
    );
    for (const { detail } of problem.errors) expect(detail).toMatch(/\w/);
    expect(broken).toMatchObject({ status: 400, fields: { "content-type": "application/problem+json" } });
    expect(JSON.parse(broken!.body).errors).toEqual([
      { in: "body", pointer: "", detail: expect.any(String) },
    ]);
  });
});

test("parameters, query and fields are checked together before the body is read", async () => {
  const server = await fakeServer(undefined);
  server.app.post(
    "/items/:id",
    {
      params: z.object({ id: z.coerce.number().int() }),
      query: v.object({
        tag: v.array(v.string()),
        page: v.pipe(v.string(), v.transform(Number), v.integer()),
      }),
      headers: z.object({ "x-key": z.string().length(3) }),
      body: z.object({ n: z.number().default(1) }),
    },
    (request) => {
      expectTypeOf(request.valid.params).toEqualTypeOf<{ id: number }>();
      expectTypeOf(request.valid.query).toEqualTypeOf<{ tag: string[]; page: number }>();
      expectTypeOf(request.valid.headers).toEqualTypeOf<{ "x-key": string }>();
      expectTypeOf(request.valid.body).toEqualTypeOf<{ n: number }>();
      expectTypeOf(request.params.id).toEqualTypeOf<string>();
      return { ...request.valid, raw: request.params.id };
    },
  );
  server.app.get("/plain", {}, (request) => {
    expectTypeOf(request.valid).toEqualTypeOf<Record<never, never>>();
    return "plain";
  });
  const client = server.connect();
  client.clientSend(post("/items/7?tag=a&tag=b&page=2", "{}").replace("Host", "X-Key: abc\r\nHost"));
  await server.settle();
  client.clientSend(post("/items/x?page=b", "not even JSON"));
  await server.settle();
  const [good, bad] = parseResponses(client.received);
  expect(JSON.parse(good!.body)).toEqual({
    params: { id: 7 },
    query: { tag: ["a", "b"], page: 2 },
    headers: { "x-key": "abc" },
    body: { n: 1 },
    raw: "7",
  });
  expect(bad!.status).toBe(400);
  const { errors } = JSON.parse(bad!.body);
  expect(new Set(errors.map((error: { in: string; pointer: string }) => error.in + error.pointer))).toEqual(
    new Set(["params/id", "query/tag", "query/page", "headers/x-key"]),
  );
});

test("schemas may be asynchronous; a schema of the head alone stays synchronous", async () => {
  const server = await fakeServer(undefined);
  const asyncName = z.object({ name: z.string().refine(async (name) => name !== "taken", "is taken") });
  server.app
    .get("/async", { query: asyncName }, (request) => request.valid.query.name)
    .get("/sync", { query: z.object({ name: z.string() }) }, (request) => request.valid.query.name);
  const client = server.connect();
  client.clientSend("GET /sync?name=u HTTP/1.1\r\nHost: a\r\n\r\n");
  expect(parseResponses(client.received)[0]).toMatchObject({ status: 200, body: "u" });
  for (const name of ["free", "taken"]) {
    client.clientSend(`GET /async?name=${name} HTTP/1.1\r\nHost: a\r\n\r\n`);
    await server.settle();
  }
  expect(parseResponses(client.received).map(({ status }) => status)).toEqual([200, 200, 400]);
});

test("a body is a form or JSON by its type; other types are 415", async () => {
  const server = await fakeServer(undefined);
  server.app.post("/", { body: z.looseObject({}) }, (request) => request.valid.body);
  const client = server.connect();
  const bodies: [string, string | undefined][] = [
    ["a=1&b=2&b=3&__proto__=x", "application/x-www-form-urlencoded"],
    ['{"a":1}', "application/vnd.api+json; charset=utf-8"],
    ['{"a":2}', undefined],
    ['{"a":3}', "text/plain"],
  ];
  for (const [body, type] of bodies) {
    client.clientSend(post("/", body, type ?? (undefined as never)));
    await server.settle();
  }
  client.clientSend(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 7\r\n\r\n{"a":2}`);
  await server.settle();
  const answers = parseResponses(client.received);
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 415, 200]);
  expect(answers[0]!.body).toContain('"a":"1","b":["2","3"]');
});

test("the response schema drops what it does not know and refuses what does not fit, without telling the client", async () => {
  const server = await fakeServer(undefined);
  const errors: unknown[] = [];
  const response = z.object({ id: z.number() });
  server.app
    .get("/good", { response }, async () => ({ id: 1, password: "secret" }))
    .get("/bad", { response }, () => ({ id: "secret" }))
    .get("/plan", { response }, () => new Response("as it is"))
    .onError((error) => errors.push(error));
  const client = server.connect();
  for (const target of ["/good", "/bad", "/plan"]) {
    client.clientSend(`GET ${target} HTTP/1.1\r\nHost: a\r\n\r\n`);
    await server.settle();
  }
  const answers = parseResponses(client.received);
  expect(answers.map(({ status, body }) => [status, body])).toEqual([
    [200, '{"id":1}'],
    [500, "500 Internal Server Error\n"],
    [200, "as it is"],
  ]);
  expect(errors).toMatchObject([
    { code: "TZ_SERVER_INVALID_RESPONSE", message: expect.stringContaining("/id") },
  ]);
});

test("paths are JSON pointers", () => {
  expect(pointerOf(undefined)).toBe("");
  expect(pointerOf(["a/b", 0, { key: "m~n" }])).toBe("/a~1b/0/m~0n");
});

test("a record of pairs has no prototype to pollute", () => {
  const record = recordOf([
    ["__proto__", "x"],
    ["a", "1"],
    ["a", "2"],
    ["a", "3"],
  ]);
  expect(Object.getPrototypeOf(record)).toBeNull();
  expect(record.a).toEqual(["1", "2", "3"]);
});
