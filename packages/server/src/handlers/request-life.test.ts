import { expect, expectTypeOf, test } from "vitest";
import { fakeServer, parseResponses } from "../fake-server.fixture.js";
import type { ServerRequest } from "../request.js";
import { dependency } from "./dependency.js";
import { json, stream } from "./reply.js";

const get = (target: string): string => `GET ${target} HTTP/1.1\r\nHost: a\r\nX-A: ${target}\r\n\r\n`;

test("a request is over when its handler answered at once, unless it is kept", async () => {
  const server = await fakeServer(undefined);
  const requests: ServerRequest[] = [];
  server.app
    .get("/sync", (request) => {
      requests.push(request);
      return "sync";
    })
    .get("/kept", (request) => {
      requests.push(request.keep());
      return "kept";
    })
    .get("/async", async (request) => {
      requests.push(request);
      await null;
      return `async ${request.field("x-a")}`;
    })
    .get("/stream", (request) =>
      stream(
        (async function* () {
          await null;
          yield Buffer.from(`stream ${request.field("x-a")}`);
        })(),
      ),
    );
  const client = server.connect();
  // In one piece: each head lies where the next one is parsed, and later bytes overwrite both.
  client.clientSend(get("/sync") + get("/kept") + get("/async") + get("/stream"));
  await server.settle();
  client.clientSend(get("/overwritten-by-something-else"));
  await server.settle();
  const answers = parseResponses(client.received);
  expect(answers.map(({ body }) => body)).toEqual([
    "sync",
    "kept",
    "async /async",
    "stream /stream",
    "404 Not Found\n",
  ]);
  expect(() => requests[0]!.path).toThrow(expect.objectContaining({ code: "TZ_SERVER_REQUEST_OVER" }));
  expect(requests[0]!.params).toEqual({});
  expect([requests[1]!.path, requests[1]!.field("x-a")]).toEqual(["/kept", "/kept"]);
  expect([requests[2]!.path, requests[2]!.field("x-a")]).toEqual(["/async", "/async"]);
});

test.each(["reset", "end"])(
  "the signal aborts when the client goes away (%s), and only then",
  async (way) => {
    const server = await fakeServer(undefined);
    const signals: AbortSignal[] = [];
    let finish = (): void => {};
    server.app
      .get("/quick", async (request) => {
        signals.push(request.signal);
        return "q";
      })
      .get("/slow", (request) => {
        signals.push(request.signal);
        return new Promise((resolve) => {
          finish = () => resolve("late");
        });
      });
    const client = server.connect();
    client.clientSend(get("/quick"));
    await server.settle();
    client.clientSend(get("/slow"));
    await server.settle();
    expect(signals.map(({ aborted }) => aborted)).toEqual([false, false]);
    if (way === "reset") client.clientReset();
    else client.clientEnd();
    await server.settle();
    expect(signals.map(({ aborted }) => aborted)).toEqual([false, true]);
    expect(signals[1]!.reason).toMatchObject({ code: "TZ_SERVER_CLIENT_GONE" });
    finish();
    await server.settle();
    // A client that only ended its side still gets its answer.
    expect(parseResponses(client.received)).toHaveLength(way === "end" ? 2 : 1);
  },
);

test("deferred tasks run after the answer, bounded, and stop waits for them", async () => {
  const server = await fakeServer(undefined, { maxDeferredTasks: 2, maxDeferredRunning: 1 });
  const done: string[] = [];
  const errors: unknown[] = [];
  let release = (): void => {};
  server.app
    .get("/:name", (request) => {
      request.defer(async () => {
        done.push(`start ${request.params.name} ${request.path}`);
        if (request.params.name === "a") {
          await new Promise<void>((resolve) => {
            release = resolve;
          });
        }
        if (request.params.name === "b") throw new Error("b fails");
        done.push(request.params.name);
      });
      return "accepted";
    })
    .onError((error) => errors.push(error));
  const client = server.connect();
  client.clientSend(get("/a") + get("/b") + get("/c"));
  expect(done).toEqual([]);
  expect(parseResponses(client.received).map(({ status }) => status)).toEqual([200, 200, 503]);
  await server.settle();
  expect(done).toEqual(["start a /a"]);
  const closing = server.app.close();
  await server.settle();
  release();
  await closing;
  expect(done).toEqual(["start a /a", "a", "start b /b"]);
  expect(errors.map(String)).toEqual([expect.stringContaining("maxDeferredTasks = 2"), "Error: b fails"]);
});

test("stop gives up on deferred tasks after its time and tells them", async () => {
  const server = await fakeServer(undefined);
  let signal: AbortSignal | undefined;
  server.app.get("/", (request) => {
    request.defer((given) => {
      signal = given;
      return new Promise(() => {});
    });
    return "x";
  });
  server.connect().clientSend(get("/"));
  await server.settle();
  await server.app.close({ timeoutMs: 20 });
  expect(signal?.aborted).toBe(true);
});

test("dependencies are made once a scope, on demand, and disposed at its end, last first", async () => {
  const server = await fakeServer(undefined);
  const log: string[] = [];
  let made = 0;
  const pool = dependency(() => `pool ${++made}`, {
    scope: "worker",
    dispose: (value) => log.push(`end ${value}`),
  });
  const session = dependency(
    async (request) => {
      const name = `session of ${request.path} on ${request.use(pool)}`;
      log.push(name);
      return { name };
    },
    { dispose: ({ name }) => log.push(`end ${name}`) },
  );
  const failing = dependency(() => 1, {
    dispose: () => {
      throw new Error("cannot end");
    },
  });
  const errors: unknown[] = [];
  server.app
    .get("/none", () => "x")
    .get("/:name", async (request) => {
      request.use(failing);
      const value = await request.use(session);
      expectTypeOf(value).toEqualTypeOf<{ name: string }>();
      expect(await request.use(session)).toBe(value);
      if (request.params.name === "fail") throw new Error("handler");
      return json(value.name);
    })
    .onError((error) => errors.push(String(error)));
  const client = server.connect();
  for (const target of ["/none", "/a", "/fail"]) {
    client.clientSend(get(target));
    await server.settle();
  }
  expect(log).toEqual([
    "session of /a on pool 1",
    "end session of /a on pool 1",
    "session of /fail on pool 1",
    "end session of /fail on pool 1",
  ]);
  expect(errors).toEqual(["Error: cannot end", "Error: handler", "Error: cannot end"]);
  await server.app.close();
  expect(log.at(-1)).toBe("end pool 1");
});

test("a request's dependency lives until its answer has left, also when the client leaves first", async () => {
  const server = await fakeServer(undefined);
  const log: string[] = [];
  const thing = dependency(() => ({ [Symbol.for("unused")]: 1 }), { dispose: () => log.push("disposed") });
  server.app.get("/", (request) => {
    request.use(thing);
    return "0123456789".repeat(20_000);
  });
  const client = server.connect(1000);
  client.clientSend(get("/"));
  await server.settle();
  expect(log).toEqual([]);
  client.clientReset();
  await server.settle();
  expect(log).toEqual(["disposed"]);
});
