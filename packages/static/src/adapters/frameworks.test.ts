/** The adapters inside the frameworks that people use. */
import { createServer } from "node:http";
import http2 from "node:http2";
import type { AddressInfo } from "node:net";
import express from "express";
import fastify from "fastify";
import { Hono } from "hono";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { type StaticMount, staticMount } from "../mount.js";
import type { StaticOptions } from "../options.js";
import { createSite, type Site } from "../site.fixture.js";
import { toFetchHandler } from "./fetch.js";
import { toNodeHandler } from "./node.js";
import { RawClient } from "./raw-socket.fixture.js";

let site: Site;
const mounts: StaticMount[] = [];
const closing: (() => unknown)[] = [];

beforeAll(() => {
  site = createSite();
});
afterAll(() => site.remove());
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
  for (const mount of mounts.splice(0)) mount.close();
});

function mountOf(prefix: string, options: StaticOptions = {}): StaticMount {
  const mount = staticMount(prefix, site.root, options);
  mounts.push(mount);
  return mount;
}

async function listen(app: express.Express): Promise<string> {
  const server = app.listen(0, "127.0.0.1");
  await new Promise((done) => server.once("listening", done));
  closing.push(() => new Promise((done) => server.close(done)));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const get = (url: string, init: RequestInit = {}) => fetch(url, { redirect: "manual", ...init });

test("Express: a mount with its own prefix, and one below a path of the router", async () => {
  const app = express();
  app.use(toNodeHandler(mountOf("/assets")));
  app.use("/static", toNodeHandler(mountOf("/")));
  app.use("/v1", toNodeHandler(mountOf("/files")));
  const router = express.Router();
  router.use("/inner", toNodeHandler(mountOf("/")));
  app.use("/outer", router);
  const base = await listen(app);
  for (const path of ["/assets", "/static", "/v1/files", "/outer/inner"]) {
    expect(await (await get(`${base}${path}/hello.txt?x`)).text()).toBe("hello world\n");
    const redirect = await get(`${base}${path}/dir?x=1`);
    expect([redirect.status, redirect.headers.get("location")]).toEqual([308, `${path}/dir/?x=1`]);
  }
});

test("Express: the path of a router without its slash is sent to the directory", async () => {
  const app = express();
  app.use("/assets", toNodeHandler(mountOf("/", { cors: true })));
  app.use("/flat", toNodeHandler(mountOf("/", { trailingSlash: "never" })));
  app.use("/:any", toNodeHandler(mountOf("/")));
  app.use(
    (request, _response, next) => {
      request.url = "/";
      next();
    },
    toNodeHandler(mountOf("/")),
  );
  const base = await listen(app);
  for (const query of ["", "?x=1&y=/a"]) {
    for (const method of ["GET", "HEAD"]) {
      const redirect = await get(`${base}/assets${query}`, { method });
      expect([redirect.status, redirect.headers.get("location")]).toEqual([308, `/assets/${query}`]);
      expect(redirect.headers.get("access-control-allow-origin")).toBe("*");
    }
    expect((await get(`${base}/assets/${query}`)).status).toBe(200);
    expect((await get(`${base}/flat${query}`)).status).toBe(200);
  }
  // Another host, to a browser.
  const client = await RawClient.connect(Number(new URL(base).port));
  client.send("GET /\\\\example.com HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  await client.closed();
  expect(client.received.toString("latin1")).toMatch(/^HTTP\/1\.1 200/);
  expect(client.received.toString("latin1")).not.toMatch(/\nlocation:/i);
});

test("Express: what a mount does not have goes on to the next, what it refuses does not", async () => {
  const app = express();
  app.use(toNodeHandler(mountOf("/", { index: ["nope.html"], denyExtensions: [".js"] })));
  app.use((request, response) => {
    response.status(299).send(`next ${request.method}`);
  });
  const base = await listen(app);
  const statusOf = async (path: string, method = "GET") => (await get(base + path, { method })).status;
  expect(await statusOf("/hello.txt")).toBe(200);
  expect(await statusOf("/missing")).toBe(299);
  expect(await statusOf("/hello.txt", "POST")).toBe(299);
  expect(await statusOf("/dir/")).toBe(299);
  expect(await statusOf("/.env")).toBe(404);
  expect(await statusOf("/app.js")).toBe(404);
  expect(await statusOf("/dir%2fpage.html")).toBe(400);
});

test("Express: without fallthrough the mount answers everything", async () => {
  const app = express();
  app.use("/a", toNodeHandler(mountOf("/"), { fallthrough: false }));
  app.use((_request, response) => {
    response.status(299).end();
  });
  const base = await listen(app);
  expect((await get(`${base}/a/missing`)).status).toBe(404);
  expect((await get(`${base}/a/hello.txt`, { method: "PUT" })).status).toBe(405);
  expect((await get(`${base}/b`)).status).toBe(299);
});

test("Express: fields of middleware in front stay, and Vary is merged", async () => {
  const app = express();
  app.use((_request, response, next) => {
    response.set({ "X-Before": "1", Vary: "Cookie", "Cache-Control": "no-store" });
    next();
  });
  app.use(
    toNodeHandler(
      mountOf("/", {
        precompressed: true,
        manifest: { files: { "pre.js": { preload: ["/a.js", "/b.css"] } } },
      }),
    ),
  );
  const base = await listen(app);
  const { headers } = await get(`${base}/pre.js`);
  expect(headers.get("x-before")).toBe("1");
  expect(headers.get("vary")).toBe("Cookie, Accept-Encoding");
  expect(headers.get("cache-control")).toBe("no-store");
  expect(headers.get("link")).toBe("</a.js>; rel=preload; as=script, </b.css>; rel=preload; as=style");
});

test("Express: a type that was set in front stays, for the file and for nothing else", async () => {
  const app = express();
  app.use((_request, response, next) => {
    response.set({ "Content-Type": "text/x-own", "Content-Encoding": "x-own", "Content-Language": "en" });
    next();
  });
  app.use(toNodeHandler(mountOf("/"), { fallthrough: false }));
  const port = Number(new URL(await listen(app)).port);
  const ask = async (target: string, fields = ""): Promise<string> => {
    const client = await RawClient.connect(port);
    client.send(`GET ${target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n${fields}\r\n`);
    await client.closed();
    return client.received.toString("latin1");
  };
  const whole = await ask("/hello.txt");
  expect(whole).toMatch(/\r\nContent-Type: text\/x-own; charset=utf-8\r\n/);
  expect(whole).toMatch(/\r\nContent-Encoding: x-own\r\n/);
  expect(await ask("/hello.txt", "Range: bytes=0-1\r\n")).toMatch(/\r\nContent-Type: text\/x-own/);
  const parts = await ask("/hello.txt", "Range: bytes=0-0,4-4\r\n");
  expect(parts).toMatch(/\r\nContent-Type: multipart\/byteranges/);
  const missing = await ask("/missing");
  expect(missing).toMatch(/\r\nContent-Type: text\/html; charset=utf-8\r\n/);
  expect(missing).not.toMatch(/\r\nContent-(Encoding|Language):/);
  const unchanged = await ask("/hello.txt", "If-None-Match: *\r\n");
  expect(unchanged).toMatch(/^HTTP\/1\.1 304 /);
  expect(unchanged).not.toMatch(/\r\nContent-/);
});

test("Express: a page for an error keeps the status of the error, and is always whole", async () => {
  const app = express();
  const files = toNodeHandler(mountOf("/"));
  app.use((request, response, next) => {
    response.status(503);
    request.url = "/hello.txt";
    files(request, response, next);
  });
  const base = await listen(app);
  const conditions = [{}, { "If-None-Match": "*" }, { "If-Match": '"x"' }, { Range: "bytes=0-3" }];
  for (const headers of conditions) {
    const answer = await get(`${base}/any`, { headers: headers as Record<string, string> });
    expect([answer.status, await answer.text()], JSON.stringify(headers)).toEqual([503, "hello world\n"]);
  }
});

test("Express: a preflight for a route behind the mount goes there, one for a file does not", async () => {
  const app = express();
  app.use(toNodeHandler(mountOf("/")));
  app.options("/api", (_request, response) => {
    response.set("Allow", "POST").end("route");
  });
  const base = await listen(app);
  expect(await (await get(`${base}/api`, { method: "OPTIONS" })).text()).toBe("route");
  const ofFile = await get(`${base}/hello.txt`, { method: "OPTIONS" });
  expect([ofFile.status, ofFile.headers.get("allow")]).toEqual([204, "GET, HEAD, OPTIONS"]);
});

test("Express: an error of the mount is the application's", async () => {
  const app = express();
  const broken = { prefix: "/", plan: () => Promise.reject(new Error("mine")) };
  app.use(toNodeHandler(broken));
  const onError: express.ErrorRequestHandler = (error, _request, response, _next) => {
    response.status(298).send((error as Error).message);
  };
  app.use(onError);
  expect((await get(`${await listen(app)}/x`)).status).toBe(298);
});

test("Fastify", async () => {
  const app = fastify();
  const handler = toNodeHandler(mountOf("/assets"));
  app.all("/assets/*", (request, reply) => {
    reply.hijack();
    handler(request.raw, reply.raw);
  });
  await app.listen({ port: 0, host: "127.0.0.1" });
  closing.push(() => app.close());
  const base = `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`;
  expect(await (await get(`${base}/assets/hello.txt`)).text()).toBe("hello world\n");
  expect((await get(`${base}/assets/dir`)).headers.get("location")).toBe("/assets/dir/");
  expect((await get(`${base}/assets/missing`)).status).toBe(404);
});

test("Hono", async () => {
  const app = new Hono();
  const assets = toFetchHandler(mountOf("/assets"));
  app.all("/assets/*", (context) => assets(context.req.raw));
  const response = await app.request("/assets/hello.txt", { headers: { Range: "bytes=0-4" } });
  expect([response.status, await response.text()]).toEqual([206, "hello"]);
  expect((await app.request("/assets/missing")).status).toBe(404);
  expect((await app.request("/elsewhere")).status).toBe(404);
});

test("Hono: what a mount does not have goes on, what it refuses does not", async () => {
  const app = new Hono();
  const site = toFetchHandler(mountOf("/", { index: ["nope.html"], denyExtensions: [".js"] }), {
    fallthrough: true,
  });
  app.use(async (context, next) => (await site(context.req.raw)) ?? next());
  app.all("*", (context) => context.text(`next ${context.req.method}`));
  const textOf = async (path: string, method = "GET"): Promise<string> =>
    (await app.request(path, { method })).text();
  expect(await textOf("/hello.txt")).toBe("hello world\n");
  for (const path of ["/missing", "/dir/"]) expect(await textOf(path), path).toBe("next GET");
  expect(await textOf("/hello.txt", "PUT")).toBe("next PUT");
  expect(await textOf("/missing", "OPTIONS")).toBe("next OPTIONS");
  expect((await app.request("/hello.txt", { method: "OPTIONS" })).headers.get("allow")).toContain("HEAD");
  for (const path of ["/.env", "/app.js"]) expect((await app.request(path)).status, path).toBe(404);
});

test("node:http2", async () => {
  const server = http2.createServer(toNodeHandler(mountOf("/", { cors: true })) as never);
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const client = http2.connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  closing.push(() => new Promise((done) => client.close(() => server.close(done))));
  const ask = (path: string, headers: http2.OutgoingHttpHeaders = {}) =>
    new Promise<{ headers: http2.IncomingHttpHeaders; body: string }>((done, fail) => {
      const stream = client.request({ ":path": path, ...headers });
      let head: http2.IncomingHttpHeaders = {};
      const parts: Buffer[] = [];
      stream.on("response", (received) => {
        head = received;
      });
      stream.on("data", (part) => parts.push(part));
      stream.on("end", () => done({ headers: head, body: Buffer.concat(parts).toString("latin1") }));
      stream.on("error", fail);
    });
  const file = await ask("/hello.txt");
  expect(file.headers).toMatchObject({
    ":status": 200,
    "content-length": "12",
    "access-control-allow-origin": "*",
  });
  expect(file.body).toBe("hello world\n");
  const part = await ask("/big.bin", { range: "bytes=1000000-" });
  expect([part.headers[":status"], part.body.length]).toEqual([206, 48_576]);
  expect((await ask("/hello.txt", { "if-none-match": "*" })).headers[":status"]).toBe(304);
});

test("node:http without next: beside the prefix is not found", async () => {
  const server = createServer(toNodeHandler(mountOf("/assets")));
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  closing.push(() => new Promise((done) => server.close(done)));
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  expect((await get(`${base}/elsewhere`)).status).toBe(404);
  expect((await get(`${base}/assets/hello.txt`)).status).toBe(200);
});

test("103 goes before the answer, to clients of HTTP/1.1", async () => {
  const manifest = { files: { "index.html": { preload: ["/app.js"] } } };
  const server = createServer(toNodeHandler(mountOf("/", { earlyHints: true, manifest })));
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  closing.push(() => new Promise((done) => server.close(done)));
  const ask = async (version: string) => {
    const client = await RawClient.connect((server.address() as AddressInfo).port);
    client.send(`GET / HTTP/${version}\r\nHost: x\r\nConnection: close\r\n\r\n`);
    await client.closed();
    return client.received.toString("latin1");
  };
  expect(await ask("1.1")).toMatch(
    /^HTTP\/1\.1 103 Early Hints\r\nLink: <\/app\.js>; rel=preload; as=script\r\n\r\nHTTP\/1\.1 200 OK\r\n/,
  );
  expect(await ask("1.0")).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
});
