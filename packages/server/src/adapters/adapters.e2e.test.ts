import { once } from "node:events";
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from "node:fs";
import { createServer as createNodeServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ResponseHead } from "@tz/http1";
import express from "express";
import { Hono } from "hono";
import { stream as honoStream } from "hono/streaming";
import { afterEach, describe, expect, test } from "vitest";
import { z } from "zod";
import { type App, createServer } from "../app.js";
import { json, stream, text } from "../handlers/reply.js";
import { isEpollSupported } from "../loop/epoll.js";
import { until } from "../loop/socket-client.fixture.js";
import { monitoring } from "../observe/monitoring.js";
import type { LoopChoice } from "../options.js";
import { connect } from "./connect.js";
import { toNodeListener } from "./node-listener.js";

type Carrier = LoopChoice | "node:http";
const carriers: Carrier[] = [
  "node",
  "node:http",
  ...(isEpollSupported().supported ? (["epoll"] as const) : []),
];
const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

/** Serves the app; gives its URL. */
async function serve(app: App, carrier: Carrier): Promise<string> {
  closers.push(() => app.close({ timeoutMs: 500 }));
  if (carrier !== "node:http") {
    const { port } = await app.listen({ port: 0 });
    return `http://127.0.0.1:${port}`;
  }
  const server = createNodeServer(toNodeListener(app)).listen(0, "127.0.0.1");
  await once(server, "listening");
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const newApp = (carrier: Carrier): App =>
  createServer({ loop: carrier === "node:http" ? "node" : carrier, tickMs: 10 });

describe.each(carriers)("on %s", (carrier) => {
  test("a Hono app: routing, bodies, streams, errors, cookies", async () => {
    const hono = new Hono();
    hono.get("/", (c) => c.text("root"));
    hono.get("/users/:id", (c) => c.json({ id: c.req.param("id"), q: c.req.query("q"), url: c.req.url }));
    hono.post("/echo", async (c) => c.json(await c.req.json(), 201));
    hono.post("/length", async (c) => c.text(String((await c.req.arrayBuffer()).byteLength)));
    hono.get("/stream", (c) =>
      honoStream(c, async (out) => {
        for (let i = 0; i < 3; i++) {
          await out.write(`piece ${i} `);
          await out.sleep(2);
        }
      }),
    );
    hono.get("/fail", () => {
      throw new Error("inside");
    });
    hono.get("/cookies", (c) => {
      c.header("Set-Cookie", "a=1", { append: true });
      c.header("Set-Cookie", "b=2", { append: true });
      return c.body(null, 204);
    });
    hono.onError((error, c) => c.text(`failed ${error.message}`, 500));
    hono.notFound((c) => c.text("nothing of mine", 404));
    const app = newApp(carrier);
    app
      .get("/api/own", () => "own")
      .fetch("/api", hono.fetch)
      .get("/", () => "home");
    const url = await serve(app, carrier);
    const get = async (path: string, init?: RequestInit): Promise<[number, string]> => {
      const response = await fetch(url + path, init);
      return [response.status, await response.text()];
    };
    expect(await get("/")).toEqual([200, "home"]);
    expect(await get("/api")).toEqual([200, "root"]);
    expect(await get("/api/own")).toEqual([200, "own"]);
    expect(await get("/api/users/7?q=x%20y")).toEqual([
      200,
      JSON.stringify({ id: "7", q: "x y", url: `${url}/users/7?q=x%20y` }),
    ]);
    expect(await get("/api/echo", { method: "POST", body: '{"a":[1]}' })).toEqual([201, '{"a":[1]}']);
    expect(await get("/api/length", { method: "POST", body: new Uint8Array(500_000) })).toEqual([
      200,
      "500000",
    ]);
    const chunks = new Blob([new Uint8Array(100_000), new Uint8Array(7)]).stream();
    expect(await get("/api/length", { method: "POST", body: chunks, duplex: "half" } as RequestInit)).toEqual(
      [200, "100007"],
    );
    expect(await get("/api/stream")).toEqual([200, "piece 0 piece 1 piece 2 "]);
    expect(await get("/api/fail")).toEqual([500, "failed inside"]);
    expect(await get("/api/none")).toEqual([404, "nothing of mine"]);
    expect(await get("/api/users/7", { method: "HEAD" })).toEqual([200, ""]);
    const cookies = await fetch(`${url}/api/cookies`);
    expect([cookies.status, cookies.headers.getSetCookie()]).toEqual([204, ["a=1", "b=2"]]);
  });

  test("an Express app with its own parser, router, static answers, streams and errors", async () => {
    const site = express();
    site.use((_request, response, next) => {
      response.setHeader("X-Site", "express");
      next();
    });
    site.get("/hello/:name", (request, response) => {
      response.cookie("seen", "1").send(`hello ${request.params.name} from ${request.ip}`);
    });
    site.post("/json", express.json(), (request, response) => {
      response.status(201).json({ got: request.body });
    });
    site.get("/pieces", (_request, response) => {
      response.write("one ");
      setTimeout(() => response.write("two "), 2);
      setTimeout(() => response.end("three"), 4);
    });
    site.get("/large", (_request, response) => {
      response.send("x".repeat(1_000_000));
    });
    site.get("/fail", () => {
      throw new Error("inside");
    });
    site.get("/redirect", (_request, response) => response.redirect("/hello/you"));
    const errors: unknown[] = [];
    const app = newApp(carrier);
    app
      .use(connect(site as never))
      .get("/own", () => json({ own: true }))
      .onError((error) => errors.push(String(error)));
    const url = await serve(app, carrier);
    const hello = await fetch(`${url}/hello/you`);
    expect([hello.status, await hello.text()]).toEqual([200, "hello you from 127.0.0.1"]);
    expect(hello.headers.getSetCookie()).toEqual(["seen=1; Path=/"]);
    const posted = await fetch(`${url}/json`, {
      method: "POST",
      body: JSON.stringify({ a: "y".repeat(50_000) }),
      headers: { "content-type": "application/json" },
    });
    expect(posted.status).toBe(201);
    expect(((await posted.json()) as { got: { a: string } }).got.a).toHaveLength(50_000);
    expect(await (await fetch(`${url}/pieces`)).text()).toBe("one two three");
    expect(await (await fetch(`${url}/large`)).text()).toHaveLength(1_000_000);
    expect((await fetch(`${url}/redirect`)).url).toBe(`${url}/hello/you`);
    const etag = (await fetch(`${url}/large`)).headers.get("etag")!;
    expect(
      (await fetch(`${url}/large`, { headers: { "if-none-match": etag, "cache-control": "max-age=1" } }))
        .status,
    ).toBe(304);
    const head = await fetch(`${url}/large`, { method: "HEAD" });
    expect([head.status, head.headers.get("content-length"), await head.text()]).toEqual([
      200,
      "1000000",
      "",
    ]);
    const own = await fetch(`${url}/own`);
    expect([own.status, own.headers.get("x-site"), await own.json()]).toEqual([
      200,
      "express",
      { own: true },
    ]);
    expect((await fetch(`${url}/fail`)).status).toBe(500);
    expect((await fetch(`${url}/none`)).status).toBe(404);
    expect(errors).toEqual(["Error: inside"]);
  });

  test("what an Express app gives up does not look whole, what is whole has a length", async () => {
    const site = express();
    site.get("/given-up", (_request, response) => {
      response.write("part");
      setImmediate(() => response.destroy());
    });
    site.get("/whole", (_request, response) => {
      response.end("ä");
    });
    site.get("/nothing", (_request, response) => {
      response.status(401).end();
    });
    site.get("/trailers", (_request, response) => {
      response.setHeader("Trailer", "X-Sum");
      response.write("a");
      response.addTrailers({ "X-Sum": "1" });
      response.end("b");
    });
    const app = newApp(carrier);
    app.use(connect(site as never));
    const url = await serve(app, carrier);
    const textOf = async (path: string): Promise<string> => (await fetch(url + path)).text();
    await expect(textOf("/given-up")).rejects.toThrow();
    const whole = await fetch(`${url}/whole`);
    expect([whole.headers.get("content-length"), await whole.text()]).toEqual(["2", "ä"]);
    const nothing = await fetch(`${url}/nothing`);
    expect([nothing.status, nothing.headers.get("content-length"), await nothing.text()]).toEqual([
      401,
      "0",
      "",
    ]);
    const sized = await fetch(`${url}/whole`, { method: "HEAD" });
    expect([sized.status, await sized.text()]).toEqual([200, ""]);
    const trailers = await fetch(`${url}/trailers`);
    expect([trailers.status, trailers.headers.get("trailer"), await trailers.text()]).toEqual([
      200,
      null,
      "ab",
    ]);
  });

  test("handlers ask the socket of an Express request for what a socket has", async () => {
    const site = express();
    site.get("/events", (request, response) => {
      request.socket.setNoDelay(true).setKeepAlive(true).setTimeout(0);
      response.setTimeout(0);
      response.end("set");
    });
    site.get("/silent", (_request, response) => {
      response.setTimeout(10, () => response.status(503).end("silent"));
    });
    site.get("/unheard", (request) => {
      request.setTimeout(10);
    });
    const app = newApp(carrier);
    app.use(connect(site as never));
    const url = await serve(app, carrier);
    expect(await (await fetch(`${url}/events`)).text()).toBe("set");
    const silent = await fetch(`${url}/silent`);
    expect([silent.status, await silent.text()]).toEqual([503, "silent"]);
    expect((await fetch(`${url}/unheard`)).status).toBe(500);
  });

  test("the app's own answers, bodies and files are the same", async () => {
    const folder = mkdtempSync(join(tmpdir(), "listener-"));
    closers.push(() => rmSync(folder, { recursive: true }));
    writeFileSync(join(folder, "f"), "0123456789".repeat(60_000));
    let released = 0;
    const app = newApp(carrier);
    app
      .get("/users/:id(int)", (request) => json({ id: request.params.id }))
      .post("/users", { body: z.object({ name: z.string() }) }, (request) => request.valid.body)
      .post("/length", { maxBodyBytes: 600_000 }, async (request) => {
        let bytes = 0;
        for await (const chunk of request.content()) {
          bytes += chunk.byteLength;
          await new Promise((resolve) => setImmediate(resolve));
        }
        return String(bytes);
      })
      .get("/file", () => {
        const fd = openSync(join(folder, "f"), "r");
        return {
          head: new ResponseHead(200, ["Content-Length", "600000"]),
          body: {
            kind: "segments",
            length: 600_000,
            segments: [{ file: { fd }, offset: 0, length: 600_000 }],
          },
          release: () => {
            released++;
            closeSync(fd);
          },
        };
      })
      .get("/stream", () =>
        stream(
          (async function* () {
            for (let i = 0; i < 100; i++) yield Buffer.alloc(10_000, i);
          })(),
        ),
      )
      .mount({ prefix: "/mount", plan: (request) => text(`mount ${request.target}`) });
    const url = await serve(app, carrier);
    const ask = async (path: string, init?: RequestInit): Promise<[number, string]> => {
      const response = await fetch(url + path, init);
      return [response.status, await response.text()];
    };
    expect(await ask("/users/7")).toEqual([200, '{"id":7}']);
    expect((await ask("/users/x"))[0]).toBe(404);
    expect((await ask("/users/7", { method: "DELETE" }))[0]).toBe(405);
    expect(
      await ask("/users", {
        method: "POST",
        body: '{"name":"u"}',
        headers: { "content-type": "application/json" },
      }),
    ).toEqual([200, '{"name":"u"}']);
    expect(
      (
        await ask("/users", { method: "POST", body: "{}", headers: { "content-type": "application/json" } })
      )[0],
    ).toBe(422);
    expect(await ask("/length", { method: "POST", body: new Uint8Array(600_000) })).toEqual([200, "600000"]);
    expect((await ask("/length", { method: "POST", body: new Uint8Array(600_001) }))[0]).toBe(413);
    expect(await ask("/mount/a?b")).toEqual([200, "mount /mount/a?b"]);
    expect((await ask("/file"))[1]).toBe("0123456789".repeat(60_000));
    expect((await ask("/stream"))[1]).toHaveLength(1_000_000);
    expect(released).toBe(1);
  });

  test("the signal aborts when the client goes away", async () => {
    const app = newApp(carrier);
    let signal: AbortSignal | undefined;
    app.get("/slow", (request) => {
      signal = request.signal;
      return new Promise((resolve) => signal!.addEventListener("abort", () => resolve("late")));
    });
    const url = await serve(app, carrier);
    const controller = new AbortController();
    const asked = fetch(`${url}/slow`, { signal: controller.signal }).catch(() => "aborted");
    while (signal === undefined) await new Promise((resolve) => setTimeout(resolve, 2));
    expect(signal.aborted).toBe(false);
    controller.abort();
    await asked;
    while (!signal.aborted) await new Promise((resolve) => setTimeout(resolve, 2));
  });
});

test("requests through node:http are counted and logged like others", async () => {
  const lines: string[] = [];
  const app = createServer({
    loop: "node",
    stats: true,
    accessLog: { write: (text) => void lines.push(...text.trim().split("\n")) },
  });
  monitoring(app);
  app.get("/users/:id", async ({ params }) => json({ id: params.id }));
  app.get("/broken", () => {
    throw new Error("on purpose");
  });
  app.mount({ prefix: "/mount", plan: () => text("mount") });
  let wasAsked = false;
  app.get("/slow", (request) => {
    wasAsked = true;
    return new Promise((resolve) => request.signal.addEventListener("abort", () => resolve("late")));
  });
  const url = await serve(app, "node:http");
  for (const path of ["/users/1", "/users/2", "/broken", "/mount/a"]) await (await fetch(url + path)).text();
  const controller = new AbortController();
  const asked = fetch(`${url}/slow`, { signal: controller.signal }).catch(() => "aborted");
  await until(() => wasAsked);
  controller.abort();
  await asked;
  await until(() => app.stats().total?.aborted === 1 && app.stats().total?.latency.count === 4);
  const metrics = (await (await fetch(`${url}/metrics`)).text()).split("\n");
  expect(metrics).toContain('tz_http_requests_total{route="/users/:id",code="2xx"} 2');
  expect(metrics).toContain('tz_http_requests_total{route="/broken",code="5xx"} 1');
  expect(metrics).toContain('tz_http_requests_total{route="/mount/*",code="2xx"} 1');
  expect(metrics).toContain('tz_http_response_body_bytes_total{route="/mount/*"} 5');
  expect(app.stats().total).toMatchObject({ errors: 1, aborted: 1 });
  await until(() => lines.length === 6);
  expect(
    lines.map((line) => JSON.parse(line)).map(({ target, status, aborted }) => [target, status, aborted]),
  ).toEqual([
    ["/users/1", 200, undefined],
    ["/users/2", 200, undefined],
    ["/broken", 500, undefined],
    ["/mount/a", 200, undefined],
    ["/slow", undefined, true],
    ["/metrics", 200, undefined],
  ]);
});
