/** Other people's answers, requests and listeners: what they say of framing, paths and connections. */
import { once } from "node:events";
import { createServer as createNodeServer, get as httpGet } from "node:http";
import { type AddressInfo, connect as connectTcp } from "node:net";
import { ResponseHead } from "@tz/http1";
import { afterEach, describe, expect, test } from "vitest";
import { type App, createServer } from "../app.js";
import { empty, json, stream, text } from "../handlers/reply.js";
import { isEpollSupported } from "../loop/epoll.js";
import type { LoopChoice } from "../options.js";
import { connect } from "./connect.js";
import { webRequest } from "./fetch-handler.js";
import { toNodeListener } from "./node-listener.js";

type Carrier = LoopChoice | "node:http";
const loops: LoopChoice[] = isEpollSupported().supported ? ["epoll", "node"] : ["node"];
const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function serve(app: App, carrier: Carrier): Promise<number> {
  closers.push(() => app.close({ timeoutMs: 100 }));
  if (carrier !== "node:http") return (await app.listen({ port: 0 })).port;
  const server = createNodeServer(toNodeListener(app)).listen(0, "127.0.0.1");
  await once(server, "listening");
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

const newApp = (carrier: Carrier): App =>
  createServer({ loop: carrier === "node:http" ? "node" : carrier, tickMs: 10, lingerTimeoutMs: 50 });

/** All that the server says on one connection until it ends it; how that was. */
async function ask(port: number, said: string): Promise<{ got: string; error: string | undefined }> {
  const socket = connectTcp(port, "127.0.0.1");
  let got = "";
  let error: string | undefined;
  socket.setEncoding("latin1").on("data", (chunk: string) => {
    got += chunk;
  });
  socket.on("error", (one: NodeJS.ErrnoException) => {
    error = one.code;
  });
  socket.write(said, "latin1");
  await once(socket, "close");
  return { got, error };
}

const request = (path: string, ...lines: string[]): string =>
  `GET ${path} HTTP/1.1\r\nHost: a\r\n${lines.map((line) => `${line}\r\n`).join("")}\r\n`;
const LAST = request("/last", "Connection: close");
const contents = (got: string): string[] => got.split(/HTTP\/1\.1 \d{3} /).slice(1);

describe.each([...loops, "node:http"] as const)("on %s", (carrier) => {
  test("middleware that says how Node should frame: once, by the server", async () => {
    const upstream = createNodeServer((_, outgoing) => {
      outgoing.setHeader("Trailer", "X-T");
      outgoing.write("up");
      outgoing.addTrailers({ "X-T": "1" });
      outgoing.end("stream");
    }).listen(0, "127.0.0.1");
    await once(upstream, "listening");
    closers.push(() => upstream.close());
    const app = newApp(carrier);
    app.use(
      connect((incoming, outgoing, next) => {
        if (incoming.url === "/proxy") {
          httpGet({ port: (upstream.address() as AddressInfo).port, agent: false }, (answer) => {
            outgoing.writeHead(answer.statusCode!, answer.headers);
            answer.pipe(outgoing);
          });
        } else if (incoming.url === "/list") {
          outgoing.writeHead(200, ["Transfer-Encoding", "chunked", "X-A", "1"]);
          outgoing.end("abc");
        } else if (incoming.url === "/set") {
          outgoing.setHeader("transfer-encoding", "chunked");
          outgoing.end("abc");
        } else if (incoming.url === "/parts") {
          outgoing.setHeader("transfer-encoding", "chunked");
          outgoing.write("a");
          outgoing.end("bc");
        } else next();
      }),
    );
    const port = await serve(app, carrier);
    for (const path of ["/proxy", "/list", "/set", "/parts"]) {
      const answer = await fetch(`http://127.0.0.1:${port}${path}`);
      expect([path, await answer.text()]).toEqual([path, path === "/proxy" ? "upstream" : "abc"]);
      expect(answer.headers.get("trailer")).toBeNull();
      // Content-Length, or chunks that are the server's.
      const { got } = await ask(port, request(path, "Connection: close"));
      expect(got.match(/^(?:content-length|transfer-encoding):/gim)).toHaveLength(1);
      // Of an HTTP/1.0 client nothing is chunked.
      const old = await ask(port, `GET ${path} HTTP/1.0\r\n\r\n`);
      expect(old.got.split("\r\n\r\n")[1]).toBe(path === "/proxy" ? "upstream" : "abc");
    }
  });

  test("middleware that closes the connection, by itself or in front of a route", async () => {
    const app = newApp(carrier);
    app.use(
      connect((incoming, outgoing, next) => {
        outgoing.setHeader("Connection", "close");
        if (incoming.url === "/own") outgoing.end("own");
        else next();
      }),
    );
    app.get("/route", () => "route");
    const port = await serve(app, carrier);
    for (const path of ["/own", "/route"]) {
      const { got } = await ask(port, request(path) + request(path));
      expect(contents(got)).toHaveLength(1);
      expect(got).toMatch(/\r\nConnection: close\r\n/i);
    }
  });

  test("an interim status is no answer: 500, the error is told, and the next request is answered", async () => {
    const codes: unknown[] = [];
    const app = newApp(carrier);
    app.onError((error) => void codes.push((error as { code?: string }).code));
    for (const status of [100, 101, 103, 199]) {
      app.get(`/text/${status}`, () => text("x", { status }));
      app.get(`/empty/${status}`, async () => empty(status));
      app.get(
        `/plan/${status}`,
        () => ({ head: new ResponseHead(status, []), body: { kind: "none" } }) as const,
      );
    }
    app.onSend((one) =>
      one.path === "/hook"
        ? ({ head: new ResponseHead(103, []), body: { kind: "none" } } as const)
        : undefined,
    );
    app.get("/hook", () => "x");
    app.mount({
      prefix: "/mount",
      plan: () => ({ head: new ResponseHead(103, []), body: { kind: "none" } }),
    });
    app.use(
      connect((incoming, outgoing, next) => {
        if (incoming.url !== "/connect") {
          next();
          return;
        }
        outgoing.statusCode = 103;
        outgoing.end("abc");
      }),
    );
    app.get("/hints", () => ({
      head: new ResponseHead(200, ["Content-Length", "0"]),
      body: { kind: "none" },
      earlyHints: new ResponseHead(200, []),
    }));
    app.get("/last", () => "last");
    const paths = [100, 101, 103, 199].flatMap((status) => [
      `/text/${status}`,
      `/empty/${status}`,
      `/plan/${status}`,
    ]);
    paths.push("/hook", "/mount/a", "/connect", "/hints");
    const port = await serve(app, carrier);
    const { got } = await ask(port, paths.map((path) => request(path)).join("") + LAST);
    const statuses = [...got.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => status);
    expect(statuses).toEqual([...paths.map(() => "500"), "200"]);
    expect(codes).toHaveLength(paths.length);
    expect(codes.every((code) => code === "TZ_HTTP1_WRITE_STATUS" || code === "TZ_HTTP1_WRITE_NAME")).toBe(
      true,
    );
  });

  test("a mount without hooks that answers with an interim status is answered 500", async () => {
    const app = newApp(carrier);
    app.mount({
      prefix: "/mount",
      plan: () => ({ head: new ResponseHead(103, []), body: { kind: "none" } }),
    });
    app.get("/last", () => "last");
    const { got } = await ask(await serve(app, carrier), request("/mount/a") + LAST);
    expect([...got.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => status)).toEqual(["500", "200"]);
  });

  test("204, 205 and 304 have no content and no length of one, whoever answers with them", async () => {
    const app = newApp(carrier);
    for (const status of [204, 205, 304]) {
      app.get(`/json/${status}`, () => json({ a: 1 }, { status }));
      app.get(`/text/${status}`, () => text("x", { status }));
      app.get(`/stream/${status}`, () =>
        stream(
          (async function* () {
            yield Buffer.from("x");
          })(),
          { status },
        ),
      );
      app.get(`/response/${status}`, () => {
        const response = new Response(null, { status });
        response.headers.set("content-length", "4");
        return response;
      });
    }
    app.get("/last", () => "last");
    const paths = [204, 205, 304].flatMap((status) =>
      ["json", "text", "stream", "response"].map((kind) => `/${kind}/${status}`),
    );
    const port = await serve(app, carrier);
    const { got } = await ask(port, paths.map((path) => request(path)).join("") + LAST);
    const answers = contents(got);
    expect(answers).toHaveLength(paths.length + 1);
    for (const [i, path] of paths.entries()) {
      const [head, body] = answers[i]!.split("\r\n\r\n");
      expect([path, body]).toEqual([path, ""]);
      const length = /content-length: (\d+)/i.exec(head!)?.[1];
      // A 304 without content of its own may say what the 200 would have.
      expect([path, length]).toEqual([
        path,
        path.endsWith("205") ? "0" : path === "/response/304" ? "4" : undefined,
      ]);
      expect(head).not.toMatch(/transfer-encoding/i);
    }
  });

  test("connections are kept behind answers that come at once, and behind bodies", async () => {
    const app = newApp(carrier);
    app.get("/now", () => "now");
    app.get("/later", async () => "later");
    app.post("/read", async (one) => one.text());
    app.post("/unread", () => "unread");
    app.get("/last", () => "last");
    const port = await serve(app, carrier);
    const { got } = await ask(
      port,
      [
        request("/now"),
        "HEAD /now HTTP/1.1\r\nHost: a\r\n\r\n",
        request("/later"),
        "POST /read HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nread",
        "POST /unread HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nabcd",
        request("/now"),
        LAST,
      ].join(""),
    );
    const answers = contents(got);
    expect(answers.map((one) => one.split("\r\n\r\n")[1])).toEqual([
      "now",
      "",
      "later",
      "read",
      "unread",
      "now",
      "last",
    ]);
    for (const one of answers.slice(0, -1)) expect(one).not.toMatch(/connection: close/i);
  });

  test("a stream that fails is cut so that an HTTP/1.0 client can tell", async () => {
    const app = newApp(carrier);
    app.onError(() => undefined);
    let fail = (): void => {};
    const failing = new Promise<void>((resolve) => {
      fail = resolve;
    });
    app.get("/", () =>
      stream(
        (async function* () {
          yield Buffer.from("begun");
          await failing;
          throw new Error("source");
        })(),
      ),
    );
    const port = await serve(app, carrier);
    const socket = connectTcp(port, "127.0.0.1", () => socket.write("GET / HTTP/1.0\r\n\r\n"));
    let got = "";
    const error = new Promise<string | undefined>((resolve) => {
      socket.on("error", (one: NodeJS.ErrnoException) => resolve(one.code));
      socket.on("end", () => resolve("ended in order"));
    });
    socket.setEncoding("latin1").on("data", (chunk: string) => {
      got += chunk;
      if (got.includes("begun")) fail();
    });
    expect(await error).toBe("ECONNRESET");
  });
});

describe.each(loops)("a Fetch handler on the %s loop", (loop) => {
  test("sees the path that middleware has seen, or the request is refused", async () => {
    const seen: string[] = [];
    const app = newApp(loop);
    app.use(async (one, next) =>
      one.path.startsWith("/api/admin") ? text("denied", { status: 403 }) : next(),
    );
    app.fetch("/api", (one) => {
      seen.push(new URL(one.url).pathname);
      return new Response("fetched");
    });
    const port = await serve(app, loop);
    for (const [target, status] of [
      ["/api/a", 200],
      ["/api/.well-known/..x/a.b", 200],
      ["/api/a?x=/../b", 200],
      ["/api/admin", 403],
      ["/api/x/../admin", 400],
      ["/api/x/%2e%2E/admin", 400],
      ["/api/x/.%2e/admin", 400],
      ["/api/./admin", 400],
      ["/api/%2e/admin", 400],
      ["/api/a/..", 400],
      ["/api/x\\..\\admin", 400],
      ["/api/../api/admin", 400],
    ] as const) {
      const { got } = await ask(port, request(target, "Connection: close"));
      expect([target, Number(got.slice(9, 12))]).toEqual([target, status]);
    }
    expect(seen).toEqual(["/a", "/.well-known/..x/a.b", "/a"]);
  });

  test("what no URL can have and what no Request may be is the client's mistake", async () => {
    const errors: unknown[] = [];
    const app = newApp(loop);
    app.onError((error) => void errors.push((error as { status?: number }).status));
    app.fetch("/api", () => new Response("fetched"));
    app.get("/web", (one) => webRequest(one as never).url);
    const port = await serve(app, loop);
    for (const host of ["a%20b", "1.2.3.4.5", "999.999.999.999", "[v1.a]"]) {
      for (const path of ["/api/a", "/web"]) {
        const { got } = await ask(port, `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
        expect([host, got.slice(9, 12)]).toEqual([host, "400"]);
      }
    }
    for (const method of ["TRACE", "TRACK"]) {
      const { got } = await ask(port, `${method} /api/a HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);
      expect([method, got.slice(9, 12)]).toEqual([method, "501"]);
    }
    expect(errors.includes(500)).toBe(false);
  });
});
