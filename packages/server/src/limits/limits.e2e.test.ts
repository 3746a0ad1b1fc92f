import { afterEach, describe, expect, test } from "vitest";
import { z } from "zod";
import { type App, coreOf, createServer } from "../app.js";
import { CookieSigner } from "../cookies/cookie-signer.js";
import { setCookie } from "../cookies/cookies.js";
import { parseResponses } from "../fake-server.fixture.js";
import { json, text } from "../handlers/reply.js";
import { isEpollSupported } from "../loop/epoll.js";
import { SocketClient, until } from "../loop/socket-client.fixture.js";
import type { ServerOptions } from "../options.js";

const loops = isEpollSupported().supported ? (["epoll", "node"] as const) : (["node"] as const);
const get = (target: string, fields = ""): string => `GET ${target} HTTP/1.1\r\nHost: a\r\n${fields}\r\n`;
const post = (target: string, body: string): string =>
  `POST ${target} HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`;

describe.each(loops)("through real sockets on the %s loop", (loop) => {
  let app: App;
  let port = 0;
  const clients: SocketClient[] = [];
  afterEach(async () => {
    for (const client of clients.splice(0)) client.reset();
    await app.close({ timeoutMs: 200 });
  });

  async function serve(options: ServerOptions, routes: (app: App) => void): Promise<void> {
    app = createServer({ loop, tickMs: 10, lingerTimeoutMs: 50, ...options });
    routes(app);
    ({ port } = await app.listen({ port: 0 }));
  }
  async function open(): Promise<SocketClient> {
    const client = await SocketClient.open(port);
    clients.push(client);
    return client;
  }
  /** The answers that are whole. */
  function answers(client: SocketClient): ReturnType<typeof parseResponses> {
    try {
      return parseResponses(client.received).filter(
        ({ fields, body }) => body.length >= Number(fields["content-length"] ?? 0),
      );
    } catch {
      return [];
    }
  }
  async function ask(request: string, on?: SocketClient): Promise<ReturnType<typeof parseResponses>[number]> {
    const client = on ?? (await open());
    const before = answers(client).length;
    client.send(request);
    await until(() => answers(client).length > before);
    return answers(client)[before]!;
  }

  test("requests in flight are bounded, then wait, then 503 with Retry-After", async () => {
    const finish: (() => void)[] = [];
    const slow = (): Promise<string> => new Promise((resolve) => finish.push(() => resolve("done")));
    await serve({ maxRequestsInFlight: 1, maxQueuedRequests: 1, retryAfterSeconds: 7 }, (made) =>
      made.get("/slow", slow).get("/quick", () => "quick"),
    );
    const [first, second, third] = [await open(), await open(), await open()];
    first.send(get("/slow"));
    await until(() => finish.length === 1);
    second.send(get("/slow"));
    // In its turn on the same loop: the second is in the queue when the third is refused.
    await until(() => coreOf(app).admission.queued === 1);
    const refused = await ask(get("/slow"), third);
    expect([refused.status, refused.fields["retry-after"]]).toEqual([503, "7"]);
    finish[0]!();
    await until(() => answers(first).length === 1 && finish.length === 2);
    finish[1]!();
    await until(() => answers(second).length === 1);
    expect([answers(first)[0]!.body, answers(second)[0]!.body]).toEqual(["done", "done"]);
    expect((await ask(get("/quick"), third)).body).toBe("quick");
  });

  test("connections in total: what is above waits for the loop, or is closed where Node accepts", async () => {
    await serve({ maxConnections: 2 }, (made) => made.get("/", () => "x"));
    const [first, second] = [await open(), await open()];
    for (const client of [first, second]) expect((await ask(get("/"), client)).status).toBe(200);
    const third = await open();
    third.send(get("/"));
    expect((await ask(get("/"), second)).status).toBe(200);
    if (loop === "node") {
      await until(() => third.ended);
      expect(third.received.byteLength).toBe(0);
    } else {
      expect(third.received.byteLength).toBe(0);
      first.reset();
      await until(() => answers(third).length === 1);
    }
    expect(app.stats().connections).toBe(2);
  });

  test("connections of one address", async () => {
    await serve({ maxConnectionsPerAddress: 2 }, (made) => made.get("/", () => "x"));
    const [first, second] = [await open(), await open()];
    for (const client of [first, second]) expect((await ask(get("/"), client)).status).toBe(200);
    const third = await open();
    await until(() => third.ended);
    expect(third.received.byteLength).toBe(0);
    first.end();
    await until(() => app.stats().connections === 1);
    expect((await ask(get("/"))).status).toBe(200);
  });

  test("token buckets of a route, bodies and heads that are too large, handlers that are too slow", async () => {
    await serve({ maxBodyBytes: 10, maxHeadBytes: 512, maxRequestLineBytes: 128 }, (made) =>
      made
        .get("/rate", { ratePerSecond: 1, rateBurst: 2 }, () => "x")
        .get("/late", { timeoutMs: 50 }, () => new Promise(() => {}))
        .post("/body", async (request) => `${(await request.bytes()).byteLength}`)
        .post("/more", { maxBodyBytes: 100 }, async (request) => `${(await request.bytes()).byteLength}`),
    );
    const client = await open();
    // In one piece: a busy machine must not refill the bucket in between.
    client.send(get("/rate").repeat(3));
    await until(() => answers(client).length === 3);
    const rates = answers(client);
    expect(rates.map(({ status }) => status)).toEqual([200, 200, 429]);
    expect(rates[2]!.fields["retry-after"]).toBe("1");
    expect((await ask(get("/late"), client)).status).toBe(503);
    expect((await ask(post("/body", "1234567890"))).body).toBe("10");
    expect((await ask(post("/body", "1234567890!"))).status).toBe(413);
    expect((await ask(post("/more", "1234567890!"))).body).toBe("11");
    expect((await ask(get(`/${"l".repeat(200)}`))).status).toBe(414);
    expect((await ask(get("/", `X: ${"h".repeat(600)}\r\n`))).status).toBe(431);
  });

  test("hooks in their order, schemas, cookies plain and signed", async () => {
    const seen: string[] = [];
    const signer = new CookieSigner(["k".repeat(32)]);
    await serve({}, (made) =>
      made
        .onRequest((request) => void seen.push(`request ${request.path}`))
        .onRequest(async (request) =>
          request.path === "/stop" ? text("stopped", { status: 403 }) : undefined,
        )
        .use(async (_request, next) => {
          const plan = await next();
          seen.push("back");
          return plan;
        })
        .onSend((request) => void seen.push(`send ${request.path}`))
        .onError((error, _request, status) =>
          status === 500 ? json({ message: (error as Error).message }, { status }) : undefined,
        )
        .get("/login", () =>
          text("in", { fields: ["Set-Cookie", setCookie("sid", signer.sign("sid", "u7"))] }),
        )
        .get("/me", (request) => signer.verify("sid", request.cookies.sid) ?? text("?", { status: 401 }))
        .get("/fails", () => {
          throw new Error("out of luck");
        })
        .post("/users", { body: z.object({ name: z.string().min(1) }) }, (request) =>
          json(request.valid.body, { status: 201 }),
        ),
    );
    const client = await open();
    const login = await ask(get("/login"), client);
    const cookie = login.fields["set-cookie"]!.split(";")[0]!;
    expect((await ask(get("/me", `Cookie: ${cookie}\r\n`), client)).body).toBe("u7");
    expect((await ask(get("/me", `Cookie: ${cookie}x\r\n`), client)).status).toBe(401);
    expect((await ask(post("/users", '{"name":"ada"}'), client)).body).toBe('{"name":"ada"}');
    const invalid = await ask(post("/users", '{"name":""}'), client);
    expect([invalid.status, invalid.fields["content-type"]]).toEqual([422, "application/problem+json"]);
    expect(invalid.body).toContain("/name");
    expect((await ask(get("/fails"), client)).body).toBe('{"message":"out of luck"}');
    seen.length = 0;
    expect((await ask(get("/stop"), client)).status).toBe(403);
    await ask(get("/login"), client);
    expect(seen).toEqual(["request /stop", "send /stop", "request /login", "back", "send /login"]);
  });
});
