import { AsyncLocalStorage } from "node:async_hooks";
import { channel, subscribe, unsubscribe } from "node:diagnostics_channel";
import { once } from "node:events";
import { createServer as createNodeServer } from "node:http";
import { connect } from "node:http2";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { toNodeListener } from "../adapters/node-listener.js";
import { type App, createServer } from "../app.js";
import { textPlan } from "../fake-server.fixture.js";
import { stream } from "../handlers/reply.js";
import { isEpollSupported } from "../loop/epoll.js";
import { SocketClient, until } from "../loop/socket-client.fixture.js";
import { selfSignedCertificate } from "../tls/self-signed.js";
import type { RequestEvent } from "./request-event.js";

const loops = isEpollSupported().supported ? (["epoll", "node"] as const) : (["node"] as const);
const carriers = [...loops.flatMap((loop) => [loop, `${loop} with HTTP/2`] as const), "node:http"] as const;
const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

/** Writes down what the three channels say, until the test ends. */
function listen(names = ["start", "error", "end"]): [name: string, event: RequestEvent][] {
  const heard: [string, RequestEvent][] = [];
  for (const name of names) {
    const listener = (message: unknown): void => void heard.push([name, message as RequestEvent]);
    subscribe(`tz:server:request:${name}`, listener);
    closers.push(() => unsubscribe(`tz:server:request:${name}`, listener));
  }
  return heard;
}

type Ask = (path: string) => Promise<number>;

/** Serves the app; gives a client of it. */
async function serve(app: App, carrier: (typeof carriers)[number]): Promise<Ask> {
  closers.push(() => app.close({ timeoutMs: 500 }));
  if (carrier.endsWith("HTTP/2")) {
    const { cert, key } = selfSignedCertificate();
    const { port } = await app.listen({ port: 0, http2: true, tls: { cert, key } });
    const session = connect(`https://127.0.0.1:${port}`, { rejectUnauthorized: false });
    closers.push(() => session.destroy());
    return async (path) => {
      const request = session.request({ ":path": path, "x-tenant": "t1" });
      const [headers] = (await once(request, "response")) as [Record<string, unknown>];
      await once(request.resume(), "close");
      return Number(headers[":status"]);
    };
  }
  let { port } = { port: 0 };
  if (carrier === "node:http") {
    const server = createNodeServer(toNodeListener(app)).listen(0, "127.0.0.1");
    await once(server, "listening");
    closers.push(() => {
      server.closeAllConnections();
      server.close();
    });
    port = (server.address() as AddressInfo).port;
  } else {
    ({ port } = await app.listen({ port: 0 }));
  }
  return async (path) => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, { headers: { "x-tenant": "t1" } });
    await response.arrayBuffer();
    return response.status;
  };
}

const newApp = (carrier: string): App =>
  createServer({ loop: carrier.startsWith("epoll") ? "epoll" : "node", tickMs: 10 });

describe.each(carriers)("channels of requests, %s", (carrier) => {
  test("start and end tell of every answer, the same object twice", async () => {
    const app = newApp(carrier);
    app.get("/users/:id", async ({ params }) => `user ${params.id}`);
    app.get("/now", () => "now");
    const piece = async function* (): AsyncGenerator<Uint8Array> {
      yield Buffer.from("piece");
    };
    app.get("/stream", () => stream(piece()));
    const ask = await serve(app, carrier);
    // Nobody listens yet: the server begins to follow its requests when somebody does.
    expect(await ask("/now")).toBe(200);
    const heard = listen();
    for (const path of ["/users/7?q=1", "/now", "/stream", "/nowhere"]) {
      await ask(path);
      await until(() => heard.length % 2 === 0 && heard.at(-1)?.[1].target === path);
    }
    expect(heard.map(([name]) => name)).toEqual(Array(4).fill(["start", "end"]).flat());
    for (let i = 0; i < heard.length; i += 2) expect(heard[i]![1]).toBe(heard[i + 1]![1]);
    const rows = heard.filter(([name]) => name === "end").map(([, event]) => event);
    expect(
      rows.map(({ target, route, status, bodyBytes, aborted }) => [
        target,
        route,
        status,
        bodyBytes,
        aborted,
      ]),
    ).toEqual([
      ["/users/7?q=1", "/users/:id", 200, 6, false],
      ["/now", "/now", 200, 3, false],
      ["/stream", "/stream", 200, undefined, false],
      ["/nowhere", undefined, 404, expect.any(Number), false],
    ]);
    for (const event of rows) {
      expect(event.durationMs).toBeGreaterThanOrEqual(0);
      expect([event.method, event.clientAddress, event.httpVersion]).toEqual([
        "GET",
        "127.0.0.1",
        carrier.endsWith("HTTP/2") ? "2" : "1.1",
      ]);
    }
  });

  test("error tells what was thrown, at once, later and in the middle of a stream", async () => {
    const app = newApp(carrier);
    app.get("/now", () => {
      throw new TypeError("now");
    });
    app.get("/later", async () => {
      await new Promise((resolve) => setImmediate(resolve));
      throw new RangeError("later");
    });
    const broken = async function* (): AsyncGenerator<Uint8Array> {
      yield Buffer.from("piece");
      throw new SyntaxError("in the middle");
    };
    app.get("/broken", () => stream(broken()));
    const ask = await serve(app, carrier);
    const heard = listen(["error", "end"]);
    expect(await ask("/now")).toBe(500);
    expect(await ask("/later")).toBe(500);
    await ask("/broken").catch(() => undefined);
    await until(() => heard.filter(([name]) => name === "end").length === 3);
    const errors = heard.filter(([name]) => name === "error").map(([, event]) => event);
    expect(errors.map(({ target, error }) => [target, (error as Error).message])).toEqual([
      ["/now", "now"],
      ["/later", "later"],
      ["/broken", "in the middle"],
    ]);
    expect(errors.map(({ aborted }) => aborted)).toEqual([false, false, true]);
  });

  test("fields are there at the start; stores and calls around reach the handler and what it awaits", async () => {
    const app = newApp(carrier);
    const bound = new AsyncLocalStorage<string>();
    const around = new AsyncLocalStorage<string>();
    app.get("/now", () => `${bound.getStore()} ${around.getStore()}`);
    const seen: unknown[] = [];
    app.get("/later", async () => {
      await new Promise((resolve) => setImmediate(resolve));
      seen.push(bound.getStore(), around.getStore());
      return "";
    });
    const ask = await serve(app, carrier);
    const start = channel("tz:server:request:start");
    start.bindStore(bound, (message) => `bound to ${(message as RequestEvent).target}`);
    closers.push(() => start.unbindStore(bound));
    let last: RequestEvent | undefined;
    const listener = (message: unknown): void => {
      last = message as RequestEvent;
      const tenant = last.field("X-Tenant");
      expect(last.fieldNames()).toContain("x-tenant");
      last.around((call) => around.run(`around ${tenant}`, call));
    };
    subscribe("tz:server:request:start", listener);
    closers.push(() => unsubscribe("tz:server:request:start", listener));
    await ask("/later");
    expect(seen).toEqual(["bound to /later", "around t1"]);
    expect(() => last!.field("x-tenant")).toThrow(
      expect.objectContaining({ code: "TZ_SERVER_REQUEST_OVER" }),
    );
  });
});

test.each(loops)("a client that leaves ends its request as aborted, %s loop", async (loop) => {
  const app = createServer({ loop, tickMs: 10 });
  closers.push(() => app.close({ timeoutMs: 100 }));
  app.get(
    "/never",
    (request) => new Promise((resolve) => request.signal.addEventListener("abort", () => resolve(""))),
  );
  const heard = listen();
  const { port } = await app.listen({ port: 0 });
  const client = await SocketClient.open(port);
  client.send("GET /never HTTP/1.1\r\nHost: a\r\n\r\n");
  await until(() => heard.length === 1);
  client.reset();
  await until(() => heard.length === 2);
  const [, [name, event]] = heard as [unknown, [string, RequestEvent]];
  expect([name, event.aborted, event.status]).toEqual(["end", true, undefined]);
});

test.each(loops)("pipelined answers of a mount are told each, %s loop", async (loop) => {
  const app = createServer({ loop, tickMs: 10 });
  closers.push(() => app.close({ timeoutMs: 100 }));
  app.mount({ prefix: "/files", plan: () => ({ ...textPlan("file"), close: false }) });
  const heard = listen(["end"]);
  const { port } = await app.listen({ port: 0 });
  const client = await SocketClient.open(port);
  closers.push(() => client.reset());
  client.send("GET /files/a HTTP/1.1\r\nHost: a\r\n\r\nHEAD /files/b HTTP/1.1\r\nHost: a\r\n\r\n");
  await until(() => heard.length === 2);
  expect(
    heard.map(([, { method, target, route, status, bodyBytes }]) => [
      method,
      target,
      route,
      status,
      bodyBytes,
    ]),
  ).toEqual([
    ["GET", "/files/a", "/files/*", 200, 4],
    ["HEAD", "/files/b", "/files/*", 200, 0],
  ]);
});
