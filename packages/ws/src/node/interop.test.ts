/** Against `ws`, as server and as client, over real sockets. */
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { type PerMessageDeflateOptions, WebSocket, WebSocketServer } from "ws";
import type { WebSocketConnection } from "../connection.js";
import { copyingHandler } from "../copying-handler.js";
import type { DeflateOptions } from "../options.js";
import { connect } from "./connect.js";
import { type UpgradeOptions, upgrade } from "./upgrade.js";

const cleanUp: (() => void)[] = [];
afterEach(() => {
  for (const clean of cleanUp.splice(0).reverse()) clean();
});

async function listen(server: Server): Promise<string> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  cleanUp.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return `ws://127.0.0.1:${(server.address() as AddressInfo).port}/path?query`;
}

const echo = copyingHandler({ message: (connection, data) => void connection.send(data) });

async function ourServer(options: Partial<UpgradeOptions> = {}): Promise<string> {
  const server = createServer();
  const all: UpgradeOptions = { handler: echo, ...options };
  server.on("upgrade", (request, socket, head) => upgrade(request, socket, head, all));
  return listen(server);
}

async function theirClient(
  url: string,
  perMessageDeflate: boolean | PerMessageDeflateOptions = false,
  protocols: string[] = [],
) {
  const socket = new WebSocket(url, protocols, { perMessageDeflate });
  cleanUp.push(() => socket.terminate());
  await once(socket, "open");
  return socket;
}

async function theirServer(perMessageDeflate: boolean | PerMessageDeflateOptions = false) {
  const server = createServer();
  const sockets = new WebSocketServer({ server, perMessageDeflate, maxPayload: 64 << 20 });
  cleanUp.push(() => sockets.close());
  return { sockets, url: await listen(server) };
}

interface OurClient {
  readonly connection: WebSocketConnection;
  /** The next message. */
  next(): Promise<string | Buffer>;
  readonly closed: Promise<[code: number, reason: string, clean: boolean]>;
}

async function ourClient(
  url: string,
  deflate: boolean | DeflateOptions = false,
  protocols: string[] = [],
): Promise<OurClient> {
  const messages: (string | Buffer)[] = [];
  let wake = () => {};
  let reportClose: (close: [number, string, boolean]) => void;
  const closed = new Promise<[number, string, boolean]>((resolve) => {
    reportClose = resolve;
  });
  const handler = copyingHandler({
    message(_connection, data) {
      messages.push(data);
      wake();
    },
    close: (_connection, code, reason, clean) => reportClose([code, reason, clean]),
  });
  const connection = await connect(url, { handler, deflate, protocols });
  cleanUp.push(() => connection.terminate());
  const next = async () => {
    while (messages.length === 0) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
    return messages.shift()!;
  };
  return { connection, next, closed };
}

async function nextOf(socket: WebSocket): Promise<string | Buffer> {
  const [data, isBinary] = (await once(socket, "message")) as [Buffer, boolean];
  return isBinary ? data : data.toString();
}

function echoing(socket: WebSocket): void {
  socket.on("message", (data, isBinary) => socket.send(data as Buffer, { binary: isBinary }));
}

const PAYLOADS: readonly (readonly [string, string | Buffer])[] = [
  ["an empty text", ""],
  ["an empty binary message", Buffer.alloc(0)],
  ["text", "Hello, wörld \u{1f600}"],
  ["125 bytes", Buffer.alloc(125, 1)],
  ["126 bytes", Buffer.alloc(126, 2)],
  ["65535 bytes", Buffer.alloc(65535, 3)],
  ["65536 bytes", Buffer.alloc(65536, 4)],
  ["1 MiB of text", "näh".repeat(262_144)],
  ["1 MiB", Buffer.from(Array.from({ length: 1 << 20 }, (_, i) => (i * i) >> 5))],
  ["5 MiB", Buffer.alloc(5 << 20, "pattern")],
];

describe("our server, their client", () => {
  test("every kind and size of message comes back", async () => {
    const client = await theirClient(await ourServer());
    for (const [name, payload] of PAYLOADS) {
      client.send(payload);
      expectSame(await nextOf(client), payload, name);
    }
  });

  test("many messages at once come back in order", async () => {
    const client = await theirClient(await ourServer());
    const got: number[] = [];
    client.on("message", (data: Buffer) => got.push(Number(data.toString())));
    for (let i = 0; i < 5000; i++) client.send(String(i));
    client.close();
    await once(client, "close");
    expect(got).toEqual(Array.from({ length: 5000 }, (_, i) => i));
  });

  test("fragments, pings and pongs", async () => {
    const seen: string[] = [];
    const url = await ourServer({
      handler: copyingHandler({
        message: (connection, data) => void connection.send(data),
        ping: (_connection, data) => void seen.push(`ping ${data}`),
        pong: (_connection, data) => void seen.push(`pong ${data}`),
      }),
    });
    const client = await theirClient(url);
    client.send("one ", { fin: false });
    client.ping("between");
    const pong = once(client, "pong");
    client.send("two ", { fin: false });
    client.pong("unasked");
    client.send("three");
    expect(await nextOf(client)).toBe("one two three");
    expect(String((await pong)[0])).toBe("between");
    expect(seen).toEqual(["ping between", "pong unasked"]);
  });

  test.each([1000, 1001, 1008, 1011, 3000, 4999])("a Close with code %i", async (code) => {
    let closed: unknown[] = [];
    const url = await ourServer({
      handler: copyingHandler({ close: (_connection, ...args) => void (closed = args) }),
    });
    const client = await theirClient(url);
    client.close(code, "reason");
    const [answered] = (await once(client, "close")) as [number];
    expect(answered).toBe(code);
    expect(closed).toEqual([code, "reason", true]);
  });

  test("a Close begun by the server, and one without a code", async () => {
    let server: WebSocketConnection | undefined;
    const closes: unknown[][] = [];
    const url = await ourServer({
      handler: copyingHandler({
        message(connection) {
          server = connection;
          connection.close(4000, "server says bye");
        },
        close: (_connection, ...args) => void closes.push(args),
      }),
    });
    const client = await theirClient(url);
    client.send("close me");
    const [code, reason] = (await once(client, "close")) as [number, Buffer];
    expect([code, String(reason)]).toEqual([4000, "server says bye"]);
    expect(server?.state).toBe("closed");
    const other = await theirClient(url);
    other.close();
    expect((await once(other, "close"))[0]).toBe(1005);
    expect(closes).toEqual([
      [4000, "server says bye", true],
      [1005, "", true],
    ]);
  });

  test("a client that is cut off is 1006", async () => {
    const closed = new Promise<unknown[]>((resolve) => {
      void ourServer({ handler: copyingHandler({ close: (_connection, ...args) => resolve(args) }) }).then(
        async (url) => {
          (await theirClient(url)).terminate();
        },
      );
    });
    expect(await closed).toEqual([1006, "", false]);
  });

  test("messages that are too big fail with 1009", async () => {
    const client = await theirClient(await ourServer({ maxMessageBytes: 1000 }));
    client.send(Buffer.alloc(1001));
    expect((await once(client, "close"))[0]).toBe(1009);
  });

  test("subprotocols", async () => {
    const url = await ourServer({ chooseProtocol: (offered) => offered.find((name) => name === "b") });
    expect((await theirClient(url, false, ["a", "b"])).protocol).toBe("b");
    const none = new WebSocket(url, ["c"]);
    cleanUp.push(() => none.terminate());
    const [error] = (await once(none, "error")) as [Error];
    expect(error.message).toContain("no subprotocol");
  });

  test("a slow reader holds the sender back, not the memory", async () => {
    let server: WebSocketConnection | undefined;
    let drained = 0;
    const url = await ourServer({
      handler: copyingHandler({
        message: (connection) => void (server = connection),
        drain: () => void drained++,
      }),
    });
    const client = await theirClient(url);
    client.send("hello");
    while (server === undefined) await new Promise(setImmediate);
    client.pause();
    const message = Buffer.alloc(64 * 1024, 7);
    let sent = 0;
    while (server.send(message)) {
      sent++;
      await new Promise(setImmediate);
    }
    sent++;
    expect(server.bufferedBytes).toBeLessThanOrEqual(message.length + 10);
    let received = 0;
    client.on("message", () => received++);
    client.resume();
    while (received < sent) await new Promise(setImmediate);
    expect(drained).toBe(1);
    expect(server.bufferedBytes).toBe(0);
  });
});

describe("our client, their server", () => {
  test("every kind and size of message comes back", async () => {
    const { sockets, url } = await theirServer();
    sockets.on("connection", echoing);
    const client = await ourClient(url);
    for (const [name, payload] of PAYLOADS) {
      client.connection.send(payload);
      expectSame(await client.next(), payload, name);
    }
  });

  test("fragments, pings, a Close of ours", async () => {
    const { sockets, url } = await theirServer();
    const server = once(sockets, "connection");
    const client = await ourClient(url);
    const [socket] = (await server) as [WebSocket];
    echoing(socket);
    client.connection.send("one ", { fin: false });
    const pinged = once(socket, "ping");
    client.connection.ping("between");
    expect(String((await pinged)[0])).toBe("between");
    client.connection.send("two");
    expect(await client.next()).toBe("one two");
    const closed = once(socket, "close");
    client.connection.close(3001, "done");
    expect(await client.closed).toEqual([3001, "done", true]);
    expect((await closed)[0]).toBe(3001);
  });

  test("a Close of theirs, and one without a code", async () => {
    const { sockets, url } = await theirServer();
    const codes: (number | undefined)[] = [4002, undefined];
    sockets.on("connection", (socket) => socket.close(codes.shift(), ""));
    expect(await (await ourClient(url)).closed).toEqual([4002, "", true]);
    expect(await (await ourClient(url)).closed).toEqual([1005, "", true]);
  });

  test("subprotocols, path and fields of the request", async () => {
    const { sockets, url } = await theirServer();
    sockets.options.handleProtocols = (offered) => [...offered].at(-1)!;
    const requests: string[] = [];
    sockets.on("connection", (_socket, request) => requests.push(`${request.url} ${request.headers.origin}`));
    const connection = await connect(url, {
      handler: echo,
      protocols: ["a", "b"],
      headers: { Origin: "https://a.example" },
    });
    cleanUp.push(() => connection.terminate());
    expect(connection.protocol).toBe("b");
    expect(requests).toEqual(["/path?query https://a.example"]);
  });

  test("messages that came with the handshake are not lost", async () => {
    const { sockets, url } = await theirServer();
    sockets.on("connection", (socket) => {
      for (let i = 0; i < 100; i++) socket.send(String(i));
    });
    const client = await ourClient(url);
    for (let i = 0; i < 100; i++) expect(await client.next()).toBe(String(i));
  });
});

describe("permessage-deflate with every combination of parameters", () => {
  const text = JSON.stringify(Array.from({ length: 300 }, (_, id) => ({ id, name: `user ${id % 17}` })));
  const messages = ["x", text, text, text.slice(5), "", "ö".repeat(5000), text.repeat(20)];
  const booleans = [true, false];
  const windows = [undefined, 9, 15];

  async function exchange(
    send: (message: string) => void,
    next: () => Promise<string | Buffer>,
  ): Promise<void> {
    for (const message of messages) {
      send(message);
      expectSame(await next(), message, "message");
    }
  }

  for (const serverContextTakeover of booleans) {
    for (const clientContextTakeover of booleans) {
      for (const serverMaxWindowBits of windows) {
        for (const clientMaxWindowBits of windows) {
          const name = `server ${serverContextTakeover ? "keeps" : "drops"} ${serverMaxWindowBits ?? "any"}, client ${clientContextTakeover ? "keeps" : "drops"} ${clientMaxWindowBits ?? "any"}`;
          const theirs: PerMessageDeflateOptions = {
            threshold: 0,
            serverNoContextTakeover: !serverContextTakeover,
            clientNoContextTakeover: !clientContextTakeover,
            ...(serverMaxWindowBits !== undefined && { serverMaxWindowBits }),
            ...(clientMaxWindowBits !== undefined && { clientMaxWindowBits }),
          };
          const ours: DeflateOptions = {
            thresholdBytes: 0,
            serverContextTakeover,
            clientContextTakeover,
            ...(serverMaxWindowBits !== undefined && { serverMaxWindowBits }),
            ...(clientMaxWindowBits !== undefined && { clientMaxWindowBits }),
          };

          test(`our server with these, their client with its defaults: ${name}`, async () => {
            const client = await theirClient(await ourServer({ deflate: ours }), { threshold: 0 });
            expect(client.extensions).toContain("permessage-deflate");
            await exchange(
              (message) => client.send(message),
              () => nextOf(client),
            );
          });

          test(`their client with these, our server with its defaults: ${name}`, async () => {
            const deflate = { thresholdBytes: 0, serverContextTakeover: true, clientContextTakeover: true };
            const client = await theirClient(await ourServer({ deflate }), theirs);
            expect(client.extensions).toContain("permessage-deflate");
            await exchange(
              (message) => client.send(message),
              () => nextOf(client),
            );
          });

          test(`our client with these, their server: ${name}`, async () => {
            const { sockets, url } = await theirServer({ threshold: 0 });
            sockets.on("connection", echoing);
            const client = await ourClient(url, ours);
            await exchange((message) => client.connection.send(message), client.next);
          });

          test(`their server with these, our client: ${name}`, async () => {
            const { sockets, url } = await theirServer(theirs);
            sockets.on("connection", echoing);
            const client = await ourClient(url, {
              thresholdBytes: 0,
              serverContextTakeover: serverContextTakeover,
              clientContextTakeover: true,
            });
            await exchange((message) => client.connection.send(message), client.next);
          });
        }
      }
    }
  }
});

function expectSame(got: string | Buffer, wanted: string | Buffer, name: string): void {
  expect(typeof got, name).toBe(typeof wanted);
  expect(typeof got === "string" ? got === wanted : got.equals(wanted as Buffer), name).toBe(true);
}
