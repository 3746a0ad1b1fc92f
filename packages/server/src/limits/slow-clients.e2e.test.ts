import { readFileSync } from "node:fs";
import { afterEach, describe, expect, test } from "vitest";
import { type App, createServer } from "../app.js";
import { parseResponses } from "../fake-server.fixture.js";
import { stream } from "../handlers/reply.js";
import { isEpollSupported } from "../loop/epoll.js";
import { SocketClient, until } from "../loop/socket-client.fixture.js";
import type { ServerOptions } from "../options.js";

const loops = isEpollSupported().supported ? (["epoll", "node"] as const) : (["node"] as const);
const MIB = 1024 * 1024;
const GET = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`;
const POST = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n";

/** Connections of a port that are closed here, and whose bytes the kernel still keeps: FIN_WAIT1 in proc(5)'s table. */
function lingering(port: number): number {
  const local = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  const rows = readFileSync("/proc/net/tcp", "utf8")
    .split("\n")
    .map((row) => row.trim().split(/ +/));
  return rows.filter(([, from, , state]) => from?.endsWith(local) === true && state === "04").length;
}

describe.each(loops)("slow clients on the %s loop", (loop) => {
  let app: App | undefined;
  const clients: SocketClient[] = [];
  const timers: NodeJS.Timeout[] = [];
  afterEach(async () => {
    for (const timer of timers.splice(0)) clearInterval(timer);
    for (const client of clients.splice(0)) client.reset();
    await app?.close({ timeoutMs: 200 });
  });

  async function serve(options: ServerOptions): Promise<number> {
    app = createServer({ loop, tickMs: 10, lingerTimeoutMs: 50, ...options });
    app.get("/large", () => Buffer.alloc(32 * MIB));
    app.post("/back", (request) => stream(request.content()));
    app.handle(async (request) => `${request.method} ${(await request.bytes()).byteLength}`);
    return (await app.listen({ port: 0 })).port;
  }
  async function open(port: number): Promise<SocketClient> {
    const client = await SocketClient.open(port);
    clients.push(client);
    return client;
  }
  /** Sends a piece again and again, until the connection is closed. */
  function trickle(client: SocketClient, piece: string, everyMs: number): void {
    timers.push(setInterval(() => client.ended || client.send(piece), everyMs));
  }
  const statuses = (client: SocketClient): number[] =>
    parseResponses(client.received).map(({ status }) => status);

  test("a head that trickles is answered 408, others are served meanwhile", async () => {
    const port = await serve({ headTimeoutMs: 1000 });
    const slow = await open(port);
    slow.send("GET / HTTP/1.1\r\nHost: a\r\nX-");
    trickle(slow, "y", 20);
    const quick = await open(port);
    while (!slow.ended) {
      const before = quick.received.byteLength;
      quick.send(GET("/"));
      await until(() => quick.received.byteLength > before);
    }
    expect(statuses(slow)).toEqual([408]);
    expect(new Set(statuses(quick))).toEqual(new Set([200]));
  });

  test("a body that stops is answered 408", async () => {
    const slow = await open(await serve({ bodyTimeoutMs: 200 }));
    slow.send(`${POST}half`);
    await until(() => slow.ended);
    expect(statuses(slow)).toEqual([408]);
  });

  test("a body that trickles is answered 408, although no piece is late", async () => {
    const slow = await open(await serve({ bodyTimeoutMs: 600, minBodyBytesPerSecond: 5000 }));
    slow.send(POST);
    trickle(slow, "y", 20);
    await until(() => slow.ended);
    expect(statuses(slow)).toEqual([408]);
  });

  test("a slow body above the rate is taken to its end", async () => {
    const slow = await open(await serve({ bodyTimeoutMs: 30_000, minBodyBytesPerSecond: 30 }));
    slow.send(POST);
    for (let i = 0; i < 20; i++) {
      slow.send("y".repeat(50));
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    await until(() => slow.received.byteLength > 0);
    expect(parseResponses(slow.received)[0]).toMatchObject({ status: 200, body: "POST 1000" });
  });

  test("a client that does not take its answer is cut", async () => {
    const port = await serve({ writeTimeoutMs: 300 });
    const slow = await open(port);
    slow.stopReading();
    slow.send(GET("/large"));
    await until(() => app!.stats().connections === 0);
    expect(slow.received.byteLength).toBeLessThan(32 * MIB);
    // A reset: what the kernel has buffered for it is not kept until it deigns to read.
    if (process.platform === "linux") await until(() => lingering(port) === 0);
    slow.resumeReading();
    await until(() => slow.ended);
  });

  test("a client that takes its answer slowly, but above the rate, gets all of it", async () => {
    const slow = await open(await serve({ writeTimeoutMs: 3000, minSendBytesPerSecond: 1000 }));
    slow.stopReading();
    slow.send(GET("/large"));
    // Less within `writeTimeoutMs` than what the kernel's send buffer holds back before it takes more.
    const piece = (): void => {
      slow.socket.once("data", () => slow.stopReading());
      slow.resumeReading();
    };
    timers.push(setInterval(piece, 200));
    await new Promise((resolve) => setTimeout(resolve, 5000));
    expect([slow.ended, app!.stats().connections]).toEqual([false, 1]);
    expect(slow.received.byteLength).toBeLessThan(8 * MIB);
    clearInterval(timers.pop());
    slow.socket.removeAllListeners("data");
    let length = slow.received.byteLength;
    slow.socket.on("data", (chunk: Buffer) => {
      length += chunk.byteLength;
    });
    slow.resumeReading();
    await until(() => length > 32 * MIB);
  });

  test("an idle connection is closed without a word", async () => {
    const idle = await open(await serve({ idleTimeoutMs: 150 }));
    idle.send(GET("/"));
    await until(() => idle.ended);
    expect(statuses(idle)).toEqual([200]);
  });

  test("an answer may be made of the body while that still comes", async () => {
    const client = await open(await serve({}));
    client.send("POST /back HTTP/1.1\r\nHost: a\r\nContent-Length: 300000\r\n\r\n");
    const piece = "z".repeat(100_000);
    for (let i = 1; i <= 3; i++) {
      client.send(piece);
      await until(() => client.received.byteLength >= i * 100_000);
    }
    client.send(GET("/after"));
    await until(() => client.received.includes("GET 0"));
    const [back, after] = parseResponses(client.received);
    expect(back).toMatchObject({ status: 200, body: piece.repeat(3) });
    expect(after).toMatchObject({ status: 200, body: "GET 0" });
  });

  test("a head that comes byte by byte, and limits of one that never ends", async () => {
    const port = await serve({ maxRequestLineBytes: 256, maxHeadBytes: 1024 });
    const whole = await open(port);
    for (const byte of `\r\n${GET("/bytes")}`) whole.send(byte);
    await until(() => whole.received.includes("GET 0"));
    const line = await open(port);
    for (let i = 0; i < 300; i++) line.send(i === 0 ? "GET /" : "a");
    await until(() => line.ended);
    expect(statuses(line)).toEqual([414]);
    const field = await open(port);
    field.send("GET / HTTP/1.1\r\nHost: a\r\nX: ");
    for (let i = 0; i < 1100; i++) field.send("b");
    await until(() => field.ended);
    expect(statuses(field)).toEqual([431]);
  });
});

describe.each(loops)("methods on the %s loop", (loop) => {
  test("501 for those that nobody knows, 405 with Allow for the others", async () => {
    const app = createServer({ loop, tickMs: 10 });
    app.get("/users", () => "users").route("PURGE", "/cache", () => "purged");
    const { port } = await app.listen({ port: 0 });
    const client = await SocketClient.open(port);
    const ask = (method: string, path: string): string => `${method} ${path} HTTP/1.1\r\nHost: a\r\n\r\n`;
    client.send(
      ask("BREW", "/users") + ask("DELETE", "/users") + ask("PURGE", "/users") + ask("BREW", "/none"),
    );
    client.send(ask("PURGE", "/cache") + ask("DELETE", "/none"));
    await until(() => client.received.toString("latin1").split("HTTP/1.1 ").length > 6);
    const answers = parseResponses(client.received);
    expect(answers.map(({ status }) => status)).toEqual([501, 405, 405, 501, 200, 404]);
    expect(answers[1]!.fields.allow).toBe("GET, HEAD, OPTIONS");
    client.reset();
    await app.close({ timeoutMs: 200 });
  });
});
