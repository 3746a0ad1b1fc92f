import { connect } from "node:net";
import { copyingHandler } from "@tz/ws";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import WebSocket from "ws";
import { type App, createServer } from "../app.js";
import { textPlan } from "../fake-server.fixture.js";
import { isEpollSupported } from "../loop/epoll.js";
import { webSocket } from "./web-socket.js";

const loops = isEpollSupported().supported ? (["epoll", "node"] as const) : (["node"] as const);

describe.each(loops)("WebSocket on the %s loop, with ws as the client", (loop) => {
  let app: App;
  let url: string;
  let port: number;
  const closed: [number, string][] = [];

  beforeEach(async () => {
    closed.length = 0;
    const echo = webSocket(
      copyingHandler({
        message: (socket, data) => void socket.send(data),
        close: (_socket, code, reason) => void closed.push([code, reason]),
      }),
      { deflate: true, chooseProtocol: (offered) => offered.find((name) => name === "chat") },
    );
    app = createServer({ loop, lingerTimeoutMs: 200 });
    app.handle((request) => (request.upgrade ? echo(request) : textPlan("plain")));
    ({ port } = await app.listen({ port: 0 }));
    url = `ws://127.0.0.1:${port}/socket`;
  });
  afterEach(() => app.close({ timeoutMs: 500 }));

  const open = (options?: WebSocket.ClientOptions, protocols: string[] = []): Promise<WebSocket> =>
    new Promise((resolve, reject) => {
      const client = new WebSocket(url, protocols, options);
      client.once("open", () => resolve(client));
      client.once("error", reject);
    });
  const nextMessage = (client: WebSocket): Promise<[Buffer, boolean]> =>
    new Promise((resolve) => client.once("message", (data, isBinary) => resolve([data as Buffer, isBinary])));
  const end = (client: WebSocket): Promise<[number, string]> =>
    new Promise((resolve) => client.once("close", (code, reason) => resolve([code, reason.toString()])));

  test.each([false, true])(
    "echoes text, binary and a megabyte (compression: %s)",
    async (perMessageDeflate) => {
      const client = await open({ perMessageDeflate });
      const messages = [
        "hello",
        "",
        "ünï ☃ 🎉",
        Buffer.of(1, 2, 3),
        Buffer.alloc(1 << 20, "abcdefg"),
        "x".repeat(70_000),
      ];
      for (const message of messages) {
        client.send(message);
        const [data, isBinary] = await nextMessage(client);
        expect(isBinary).toBe(typeof message !== "string");
        expect(data.equals(Buffer.from(message as string))).toBe(true);
      }
      client.close(1000, "done");
      expect((await end(client))[0]).toBe(1000);
    },
  );

  test("a thousand messages at once come back in order", async () => {
    const client = await open({ perMessageDeflate: true });
    const received: string[] = [];
    const all = new Promise<void>((resolve) => {
      client.on("message", (data) => {
        received.push(String(data));
        if (received.length === 1000) resolve();
      });
    });
    const sent = Array.from({ length: 1000 }, (_, i) => `${i} ${"y".repeat(i)}`);
    for (const text of sent) client.send(text);
    await all;
    expect(received).toEqual(sent);
    client.terminate();
  });

  test("pings are answered, protocols are chosen, close codes are passed on", async () => {
    const client = await open({}, ["other", "chat"]);
    expect(client.protocol).toBe("chat");
    const pong = new Promise((resolve) => client.once("pong", (data) => resolve(data.toString())));
    client.ping("beat");
    expect(await pong).toBe("beat");
    client.close(4321, "mine");
    expect((await end(client))[0]).toBe(4321);
    expect(closed).toEqual([[4321, "mine"]]);
  });

  test("stopping says 1001 and ends", async () => {
    const client = await open();
    const ended = end(client);
    await app.close({ timeoutMs: 3000 });
    expect((await ended)[0]).toBe(1001);
  });

  test("a client that vanishes is noticed", async () => {
    const client = await open();
    client.terminate();
    while (closed.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(closed).toEqual([[1006, ""]]);
    expect(app.stats().connections).toBe(0);
  });

  test("a flood of pings ends the connection from the first second on", async () => {
    const client = await open();
    const ended = end(client);
    client.on("error", () => {});
    // Many times what is allowed in a second, so that no clock decides.
    for (let i = 0; i < 20_000; i++) client.ping();
    // What the client still sends may reset the connection before it reads the Close.
    expect([1008, 1006]).toContain((await ended)[0]);
  });

  /** The answer, as soon as it ends with `end`. */
  const raw = (request: string, end: string): Promise<string> =>
    new Promise((resolve) => {
      const socket = connect(port, "127.0.0.1", () => socket.write(request, "latin1"));
      let text = "";
      socket.on("data", (chunk) => {
        text += chunk.toString("latin1");
        if (text.endsWith(end)) socket.destroy();
      });
      socket.on("close", () => resolve(text));
    });
  const HANDSHAKE =
    "GET /socket HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n";
  const KEY = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

  test("the handshake of RFC 6455 §1.3; frames that come with it are read", async () => {
    const text = await raw(`${HANDSHAKE}${KEY}\r\n\x81\x82\x00\x00\x00\x00Hi`, "Hi");
    expect(text).toMatch(/^HTTP\/1\.1 101 Switching Protocols\r\n/);
    expect(text).toContain("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n");
    expect(text.endsWith("\r\n\r\n\x81\x02Hi")).toBe(true);
  });

  test("wrong handshakes are refused with their status", async () => {
    expect(await raw(`${HANDSHAKE}\r\n`, "\n")).toMatch(/^HTTP\/1\.1 400 /);
    const version = await raw(`${HANDSHAKE.replace("13", "12")}${KEY}\r\n`, "\n");
    expect(version).toMatch(/^HTTP\/1\.1 426 /);
    expect(version).toContain("Sec-WebSocket-Version: 13\r\n");
    // RFC 9110 §7.8: not in the middle of a request, whether its body is here already or not.
    const withBody = `${HANDSHAKE}${KEY}Content-Length: 3\r\n\r\n`;
    for (const body of ["abc", "a", ""]) {
      expect(await raw(`${withBody}${body}`, "\n")).toMatch(/^HTTP\/1\.1 400 /);
    }
    expect(await raw("GET / HTTP/1.1\r\nHost: a\r\n\r\n", "plain")).toContain("plain");
  });
});
