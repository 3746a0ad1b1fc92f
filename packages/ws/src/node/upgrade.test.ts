import { once } from "node:events";
import { createServer } from "node:http";
import {
  type AddressInfo,
  connect as connectSocket,
  createServer as createSocketServer,
  Socket,
} from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { unusedPort } from "../../../../scripts/workspace/unused-port.mjs";
import type { WebSocketConnection } from "../connection.js";
import { copyingHandler } from "../copying-handler.js";
import type { WsError } from "../errors.js";
import { decodeFrames, encodeFrame } from "../wire.fixture.js";
import { attachSocket } from "./attach-socket.js";
import { connect } from "./connect.js";
import { type UpgradeOptions, upgrade } from "./upgrade.js";

const cleanUp: (() => void)[] = [];
afterEach(() => {
  for (const clean of cleanUp.splice(0).reverse()) clean();
});

const echo = copyingHandler({ message: (connection, data) => void connection.send(data) });

async function serve(
  options: UpgradeOptions,
): Promise<{ port: number; errors: unknown[]; connections: (WebSocketConnection | undefined)[] }> {
  const server = createServer();
  const errors: unknown[] = [];
  const connections: (WebSocketConnection | undefined)[] = [];
  server.on("upgrade", (request, socket, head) => {
    try {
      connections.push(upgrade(request, socket, head, options));
    } catch (error) {
      errors.push(error);
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  cleanUp.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, errors, connections };
}

const HEAD = {
  Host: "localhost",
  Upgrade: "websocket",
  Connection: "Upgrade",
  "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
  "Sec-WebSocket-Version": "13",
};

/** Sends a request and all that follows it in one write. @returns what came back until `enough`, or the end */
async function exchange(
  port: number,
  changes: Record<string, string>,
  after = Buffer.alloc(0),
  enough = "\n\n\n",
): Promise<string> {
  const socket = connectSocket(port, "127.0.0.1");
  cleanUp.push(() => socket.destroy());
  const lines = Object.entries({ ...HEAD, ...changes }).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.write(Buffer.concat([Buffer.from(`GET / HTTP/1.1\r\n${lines.join("")}\r\n`), after]));
  let got = "";
  for await (const chunk of socket) {
    got += (chunk as Buffer).toString("latin1");
    if (got.includes(enough)) break;
  }
  return got;
}

test("the example of RFC 6455 §1.3, with fields of the application", async () => {
  const { port } = await serve({ handler: echo, fields: [["Set-Cookie", "a=b"]] });
  expect(await exchange(port, {}, undefined, "\r\n\r\n")).toBe(
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSet-Cookie: a=b\r\n\r\n",
  );
});

test("frames that come with the request are read", async () => {
  const { port } = await serve({ handler: echo });
  const frames = [
    { opcode: 1, payload: "early" },
    { opcode: 8, payload: Buffer.of(3, 0xe8) },
  ].map((frame) => encodeFrame(frame, { masked: true }));
  const got = await exchange(port, {}, Buffer.concat(frames));
  const body = Buffer.from(got.slice(got.indexOf("\r\n\r\n") + 4), "latin1");
  expect(decodeFrames(body).map(({ opcode, payload }) => [opcode, payload.toString("latin1")])).toEqual([
    [1, "early"],
    [8, "\x03\xe8"],
  ]);
});

test("a request that is refused is answered with why, and its connection closed", async () => {
  const rejected: WsError[] = [];
  const { port, connections } = await serve({ handler: echo, onRejected: (error) => rejected.push(error) });
  const got = await exchange(port, { "Sec-WebSocket-Version": "8" });
  expect(got).toMatch(/^HTTP\/1\.1 426 Upgrade Required\r\n/);
  expect(got).toContain("\r\nSec-WebSocket-Version: 13\r\n");
  expect(got).toContain("\r\nConnection: close\r\n");
  const [head, body] = got.split("\r\n\r\n") as [string, string];
  expect(head).toContain(`Content-Length: ${body.length}`);
  expect(connections).toEqual([undefined]);
  expect(rejected.map(({ code }) => code)).toEqual(["TZ_WS_VERSION"]);
  expect(await exchange(port, { "Sec-WebSocket-Key": "short" })).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/);
});

test.each<[string, Partial<UpgradeOptions>, string]>([
  ["an unknown option", { maxMesageBytes: 1 } as object, "TZ_WS_OPTION"],
  ["an option out of its bounds", { maxFragments: 0 }, "TZ_WS_OPTION"],
  ["a deflate option out of its bounds", { deflate: { level: 10 } }, "TZ_WS_OPTION"],
  ["deflate of a wrong type", { deflate: "yes" as unknown as true }, "TZ_WS_OPTION"],
  ["a field that breaks the head", { fields: [["X", "a\r\nb: c"]] }, "TZ_WS_ARGUMENT"],
  ["a subprotocol that was not offered", { chooseProtocol: () => "other" }, "TZ_WS_ARGUMENT"],
])("%s is thrown, and the socket destroyed", async (_name, options, code) => {
  const { port, errors } = await serve({ handler: echo, ...options });
  const got = await exchange(port, { "Sec-WebSocket-Protocol": "chat" }).catch(
    (error: Error) => error.message,
  );
  expect(["", "read ECONNRESET"]).toContain(got);
  expect(errors).toMatchObject([{ code }]);
});

describe("connect", () => {
  test("without anybody there", async () => {
    await expect(connect(`ws://127.0.0.1:${await unusedPort()}`, { handler: echo })).rejects.toMatchObject({
      code: "TZ_WS_CONNECT",
      cause: { code: "ECONNREFUSED" },
    });
  });

  test("to a server that answers with another status, or with a handshake that is wrong", async () => {
    for (const answer of [
      "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: AAAA\r\n\r\n",
    ]) {
      const server = createSocketServer((socket) => socket.once("data", () => socket.write(answer))).listen(
        0,
        "127.0.0.1",
      );
      await once(server, "listening");
      cleanUp.push(() => server.close());
      const { port } = server.address() as AddressInfo;
      await expect(connect(`ws://127.0.0.1:${port}`, { handler: echo })).rejects.toMatchObject({
        code: "TZ_WS_RESPONSE",
      });
    }
  });

  test("to a server that does not answer", async () => {
    const server = createSocketServer(() => {}).listen(0, "127.0.0.1");
    await once(server, "listening");
    cleanUp.push(() => server.close());
    const { port } = server.address() as AddressInfo;
    await expect(
      connect(`ws://127.0.0.1:${port}`, { handler: echo, handshakeTimeoutMs: 50 }),
    ).rejects.toMatchObject({
      code: "TZ_WS_CONNECT",
      message: "no handshake within 50 ms",
    });
  });

  test.each<[string, string, object, string]>([
    ["another scheme", "http://localhost", {}, "TZ_WS_ARGUMENT"],
    ["an unknown option", "ws://localhost", { timeout: 5 }, "TZ_WS_OPTION"],
    ["a timeout out of its bounds", "ws://localhost", { handshakeTimeoutMs: 0 }, "TZ_WS_OPTION"],
    ["subprotocols that are no tokens", "ws://localhost", { protocols: ["a b"] }, "TZ_WS_ARGUMENT"],
  ])("with %s", async (_name, url, options, code) => {
    await expect(connect(url, { handler: echo, ...options })).rejects.toMatchObject({ code });
  });
});

test("an idle connection over a socket ends when its peer goes away without a word", async () => {
  const closed = new Promise<unknown[]>((resolve) => {
    void serve({ handler: copyingHandler({ close: (_connection, ...args) => resolve(args) }) }).then(
      ({ port }) => {
        const socket = connectSocket(port, "127.0.0.1", () => {
          const lines = Object.entries(HEAD).map(([name, value]) => `${name}: ${value}\r\n`);
          socket.write(`GET / HTTP/1.1\r\n${lines.join("")}\r\n`);
          socket.once("data", () => socket.end());
        });
      },
    );
  });
  expect(await closed).toEqual([1006, "", false]);
});

test("a socket that was destroyed before the handshake was done is a connection that ends", async () => {
  const closed = new Promise<unknown[]>((resolve) => {
    const handler = copyingHandler({ close: (_connection, ...args) => resolve(args) });
    const socket = new Socket();
    socket.destroy();
    expect(attachSocket("server", socket, Buffer.alloc(0), handler, {}).state).toBe("open");
  });
  expect(await closed).toEqual([1006, "", false]);
});
