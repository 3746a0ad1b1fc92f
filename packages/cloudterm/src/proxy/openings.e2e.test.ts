import { connect, type Socket } from "node:net";
import type { ResponsePlan } from "@tz/http1";
import { createServer, type ServerRequest } from "@tz/server";
import { afterEach, expect, test } from "vitest";
import { rawUpstream, until } from "./proxy-gateway.fixture.js";
import { acceptKeyOf } from "./upstream-handshake.js";
import { WebSocketProxy } from "./web-socket-proxy.js";

const stops: (() => unknown)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

function latch(): { opened: Promise<void>; open(): void } {
  let open = (): void => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}

/** An upstream whose answer comes when it is told to, and what became of its sockets. */
async function upstream(): Promise<{
  port: number;
  asked: (() => void)[];
  closed(): number;
  sockets: Socket[];
}> {
  const asked: (() => void)[] = [];
  const sockets: Socket[] = [];
  let closed = 0;
  const raw = await rawUpstream((socket) => {
    sockets.push(socket);
    socket.on("end", () => socket.end());
    socket.on("close", () => closed++);
    socket.once("data", (head: Buffer) => {
      const key = /sec-websocket-key: (\S+)/i.exec(head.toString("latin1"))![1]!;
      const answer = `HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${acceptKeyOf(key)}\r\n\r\n`;
      asked.push(() => void socket.write(answer));
    });
  });
  stops.push(() => raw.stop());
  return { port: raw.port, asked, closed: () => closed, sockets };
}

async function front(
  port: number,
  route: (proxy: WebSocketProxy, request: ServerRequest) => Promise<ResponsePlan>,
): Promise<{ port: number; proxy: WebSocketProxy }> {
  const proxy = new WebSocketProxy({ upstream: `ws://127.0.0.1:${port}/`, allow: ["127.0.0.1"] });
  stops.push(() => proxy.close());
  const app = createServer({ lingerTimeoutMs: 100 });
  app.get("/*rest", (request) => route(proxy, request as unknown as ServerRequest));
  const address = await app.listen({ port: 0 });
  stops.push(() => app.close({ timeoutMs: 0 }));
  return { port: address.port, proxy };
}

function client(port: number, more = ""): { socket: Socket; got(): string } {
  const socket = connect({ port, host: "127.0.0.1" });
  stops.push(() => socket.destroy());
  let got = "";
  socket.on("data", (chunk: Buffer) => {
    got += chunk.toString("latin1");
  });
  socket.on("error", () => {});
  socket.write(
    `GET / HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n${more}`,
  );
  return { socket, got: () => got };
}

test.each(["ends its connection", "resets it"])(
  "a client that %s between the upstream's 101 and the join leaves no upstream socket open",
  async (how) => {
    const up = await upstream();
    let opened = false;
    const gone = latch();
    const { port, proxy } = await front(up.port, async (each, request) => {
      const plan = await each.accept(request);
      request.signal.addEventListener("abort", () => gone.open());
      opened = true;
      await gone.opened;
      return plan;
    });
    const { socket } = client(port, "\r\n");
    await until(() => up.asked.length === 1);
    up.asked[0]!();
    await until(() => opened);
    if (how === "resets it") socket.resetAndDestroy();
    else socket.destroy();
    await until(() => up.closed() === 1);
    expect(proxy.stats).toMatchObject({ connections: 0, opening: 0 });
  },
);

test("a handshake with a body is refused before the upstream is asked", async () => {
  const up = await upstream();
  const { port } = await front(up.port, (proxy, request) => proxy.accept(request));
  const { got } = client(port, "Content-Length: 1\r\n\r\nx");
  await until(() => got() !== "");
  expect(got()).toMatch(/^HTTP\/1\.1 400 /);
  expect(up.sockets.length).toBe(0);
});

test("an opening whose signal aborts breaks its handshake off at once", async () => {
  const up = await upstream();
  const over = new AbortController();
  const { port, proxy } = await front(up.port, (each, request) =>
    each.accept(request, "tag", { signal: over.signal }),
  );
  const { got } = client(port, "\r\n");
  await until(() => up.asked.length === 1);
  expect(proxy.stats.opening).toBe(1);
  over.abort();
  await until(() => up.closed() === 1 && got() !== "");
  expect(got()).toMatch(/^HTTP\/1\.1 502 /);
  expect(proxy.stats).toMatchObject({ connections: 0, opening: 0 });
});

test("an upstream that resets its connection between its 101 and the join ends nothing but itself", async () => {
  const up = await upstream();
  let opened = false;
  const reset = latch();
  const { port, proxy } = await front(up.port, async (each, request) => {
    const plan = await each.accept(request);
    opened = true;
    await reset.opened;
    return plan;
  });
  const { socket, got } = client(port, "\r\n");
  let ended = false;
  socket.on("close", () => {
    ended = true;
  });
  socket.on("end", () => socket.end());
  await until(() => up.asked.length === 1);
  up.asked[0]!();
  await until(() => opened);
  up.sockets[0]!.resetAndDestroy();
  await until(() => up.closed() === 1);
  // It has arrived here when another connection's first byte has.
  const probe = client(port, "\r\n");
  await until(() => up.asked.length === 2);
  reset.open();
  up.asked[1]!();
  await until(() => ended && /^HTTP\/1\.1 101 /.test(probe.got()));
  expect(got()).toMatch(/^HTTP\/1\.1 101 /);
  await until(() => proxy.stats.connections === 1);
});
