import { createServer as createHttpServer } from "node:http";
import { type AddressInfo, createServer as createSocketServer, type Socket } from "node:net";
import { afterEach, expect, test, vi } from "vitest";
import { type WebSocket, WebSocketServer } from "ws";
import { TerminalGateway } from "./gateway.fixture.js";
import { rawUpstream } from "./raw-upstream.js";
import type { BackendTerminal, TerminalBackend } from "./terminal-backend.js";
import { Terminals } from "./terminals.js";
import { serveTtyd } from "./ttyd-server.js";
import { ttydUpstream } from "./ttyd-upstream.js";

const stops: (() => unknown)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

const allow = ["127.0.0.1"];

async function gateway(backend?: TerminalBackend): Promise<TerminalGateway> {
  const started = await TerminalGateway.start(backend && { backends: { up: backend } });
  stops.push(() => started.stop());
  return started;
}

/** A server whose WebSockets a test answers. */
async function server(
  onSocket: (socket: WebSocket, fields: NodeJS.Dict<string | string[]>) => void,
): Promise<number> {
  const http = createHttpServer((_request, response) => response.end('{"token":"t"}'));
  const sockets = new WebSocketServer({ server: http });
  sockets.on("connection", (socket, request) => onSocket(socket, request.headers));
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  stops.push(() => {
    for (const socket of sockets.clients) socket.terminate();
    http.closeAllConnections();
    http.close();
  });
  return (http.address() as AddressInfo).port;
}

test("a terminal of a ttyd: credential, size, typing, title, new size, exit", async () => {
  const far = await gateway();
  const seen: (string | undefined)[] = [];
  serveTtyd(far.app, "/far", far.sockets, {
    token: (request) => {
      seen.push(request.field("authorization"));
      return "dG9rZW4=";
    },
    access: () => ({
      access: "write",
      terminal: async (size) => {
        const terminal = await far.terminals.open({ user: "far", ...size });
        terminal.setTitle("far away");
        return terminal;
      },
    }),
  });
  const near = await gateway(
    ttydUpstream({ url: `ws://127.0.0.1:${far.port}/far/ws`, credential: "ada:geheim", allow }),
  );
  const terminal = await near.terminals.open({ user: "ada", columns: 77, rows: 22 });
  const client = await near.client(`/t/${terminal.id}/write`, { columns: 77, rows: 22 });
  client.type("stty size\n");
  await client.sees("22 77");
  expect(terminal.title).toBe("far away");
  expect(new Set(seen)).toEqual(new Set([`Basic ${Buffer.from("ada:geheim").toString("base64")}`]));
  client.send('1{"columns":133,"rows":44}');
  client.type("stty size; yes | head -c 3000000; echo do''ne\n");
  await client.sees("44 133");
  await client.sees("done");
  expect(client.outputBytes).toBeGreaterThan(3_000_000);
  client.type("exit\n");
  expect((await client.closed()).code).toBe(1000);
});

test("a ttyd client that is paused holds the far program up by TCP alone", async () => {
  let sent = 0;
  const received: string[] = [];
  const port = await server((socket) => {
    socket.on("message", (data: Buffer) => void received.push(data.toString()));
    const chunk = Buffer.concat([Buffer.from("0"), Buffer.alloc(65_536, "x")]);
    const more = (): void => {
      if (socket.readyState !== socket.OPEN) return;
      sent += chunk.length;
      socket.send(chunk, () => setImmediate(more));
    };
    more();
  });
  const near = await gateway(ttydUpstream({ url: `ws://127.0.0.1:${port}/ws`, allow }));
  const terminal = await near.terminals.open({ user: "ada" });
  const stalled = await near.client(`/t/${terminal.id}/write`, {}, { perMessageDeflate: false });
  stalled.send("2");
  let last = -1;
  let still = 0;
  await vi.waitUntil(
    () => {
      still = sent === last && sent > 0 ? still + 1 : 0;
      last = sent;
      return still > 60;
    },
    { timeout: 120_000, interval: 5 },
  );
  const before = sent;
  stalled.send("3");
  await stalled.until(() => sent > before + 1_000_000);
  expect(received.map((text) => text[0])).not.toContain("2");
  expect(received.map((text) => text[0])).not.toContain("3");
});

/** The connection under a WebSocket: for frames that no server makes. */
const raw = (socket: WebSocket): Socket => (socket as unknown as { _socket: Socket })._socket;
const bytesOf = (...bytes: number[]) => Buffer.from(bytes);

test.each<[string, (socket: WebSocket) => unknown, string | RegExp, number]>([
  ["1000", (socket) => socket.close(1000), "the program has ended", 1000],
  ["1011, as of a program that failed", (socket) => socket.close(1011), "the program failed", 4000],
  ["1001", (socket) => socket.close(1001), "the upstream closed with 1001", 4000],
  ["no code", (socket) => socket.close(), "the upstream closed with 1005", 4000],
  ["its own code", (socket) => socket.close(3999, "gone fishing"), /3999: gone fishing$/, 4000],
  ["none at all", (socket) => socket.terminate(), "the upstream closed the connection", 4000],
  [
    "a code that is none",
    (socket) => raw(socket).write(bytesOf(0x88, 2, 0x03, 0xed)),
    /^the upstream closed/,
    4000,
  ],
  ["half a close", (socket) => raw(socket).write(bytesOf(0x88, 1, 0x03)), /^the upstream closed/, 4000],
  [
    "a masked frame",
    (socket) => raw(socket).write(bytesOf(0x82, 0x80, 0, 0, 0, 0)),
    /^the upstream closed/,
    4000,
  ],
  ["half a frame", (socket) => raw(socket).end(bytesOf(0x82, 100, 0x30, 0x78)), /^the upstream closed/, 4000],
  [
    "2^62 bytes",
    (socket) => raw(socket).write(bytesOf(0x82, 127, 0x40, 0, 0, 0, 0, 0, 0, 0)),
    /^the upstream closed/,
    4000,
  ],
  [
    "text that is no UTF-8",
    (socket) => raw(socket).write(bytesOf(0x81, 2, 0x30, 0xff)),
    /^the upstream closed/,
    4000,
  ],
])(
  "an upstream that ends with %s: the user is told, nothing stays open",
  async (_name, end, message, code) => {
    let up: WebSocket | undefined;
    const port = await server((socket) => {
      socket.on("error", () => {});
      up = socket;
    });
    const near = await gateway(ttydUpstream({ url: `ws://127.0.0.1:${port}/ws`, allow }));
    const terminal = await near.terminals.open({ user: "ada" });
    const client = await near.client(`/t/${terminal.id}/write`);
    await client.until(() => client.states.length > 0);
    up!.send(Buffer.from("0last words"));
    await client.sees("last words");
    end(up!);
    expect((await client.closed()).code).toBe(code);
    expect(client.ends).toMatchObject([
      { message: typeof message === "string" ? message : expect.stringMatching(message) },
    ]);
    expect(terminal.ended).toBeDefined();
    expect(terminal.viewers.size).toBe(0);
    await client.until(() => raw(up!)?.destroyed !== false);
  },
);

test("an upstream that hangs after its handshake is given up, and the user is told", async () => {
  const port = await server((socket) => raw(socket).pause());
  const url = `ws://127.0.0.1:${port}/ws`;
  const near = await gateway(ttydUpstream({ url, allow, silentTimeoutMs: 1000 }));
  const terminal = await near.terminals.open({ user: "ada" });
  const client = await near.client(`/t/${terminal.id}/write`);
  expect((await client.closed()).code).toBe(4000);
  expect(client.ends[0]!.message).toMatch(/^the upstream closed/);
});

test("an upstream that floods with messages of no terminal is bounded, and its terminal works", async () => {
  const port = await server((socket) => {
    socket.on("message", (data: Buffer) => {
      if (data[0] !== 0x30) return;
      for (let i = 0; i < 2000; i++) socket.send(Buffer.from(["9x", "", "2{", "1title", "3"][i % 5]!));
      socket.send(Buffer.from(`1${"t".repeat(100_000)}`));
      socket.send(Buffer.from("0still here"));
    });
  });
  const near = await gateway(ttydUpstream({ url: `ws://127.0.0.1:${port}/ws`, allow }));
  const terminal = await near.terminals.open({ user: "ada" });
  const client = await near.client(`/t/${terminal.id}/write`);
  client.type("x");
  await client.sees("still here");
  expect(terminal.title).toBe("t".repeat(200));
});

test("an upstream that refuses, hangs or answers nonsense opens no terminal, and says why", async () => {
  const hangs = createHttpServer(() => {});
  await new Promise<void>((resolve) => hangs.listen(0, "127.0.0.1", resolve));
  stops.push(() => {
    hangs.closeAllConnections();
    hangs.close();
  });
  const nonsense = createHttpServer((_request, response) => response.end("<html>"));
  await new Promise<void>((resolve) => nonsense.listen(0, "127.0.0.1", resolve));
  stops.push(() => nonsense.close());
  const portOf = (http: typeof hangs) => (http.address() as AddressInfo).port;
  const cases: [string, RegExp, connectTimeoutMs?: number][] = [
    ["ws://127.0.0.1:1/ws", /cannot be reached \(ECONNREFUSED\)/],
    [`ws://127.0.0.1:${portOf(hangs)}/ws`, /did not answer within 300 ms/, 300],
    [`ws://127.0.0.1:${portOf(nonsense)}/ws`, /answered 200 when it was asked for a token/],
  ];
  for (const [url, message, connectTimeoutMs = 60_000] of cases) {
    const { terminals } = await gateway(ttydUpstream({ url, allow, connectTimeoutMs }));
    await expect(terminals.open({ user: "ada" })).rejects.toMatchObject({
      code: "TZ_CLOUDTERM_BACKEND",
      message: expect.stringMatching(message),
    });
    expect(terminals.all).toEqual([]);
  }
  expect(() => ttydUpstream({ url: "ws://127.0.0.1:7681/ws" })).toThrow(
    expect.objectContaining({ code: "TZ_CLOUDTERM_REQUEST" }),
  );
});

/** A server that answers each connection's first bytes as it is told. */
async function bareServer(onRequest: (socket: Socket, head: string) => void): Promise<number> {
  const open = new Set<Socket>();
  const bare = createSocketServer((socket) => {
    open.add(socket);
    socket.on("error", () => {});
    socket.once("data", (head: Buffer) => onRequest(socket, head.toString("latin1")));
  });
  await new Promise<void>((resolve) => bare.listen(0, "127.0.0.1", resolve));
  stops.push(() => {
    for (const socket of open) socket.destroy();
    bare.close();
  });
  return (bare.address() as AddressInfo).port;
}

const HALF_A_TOKEN = 'HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{"tok';

test.each<[string, (socket: Socket) => unknown, RegExp]>([
  ["closes", (socket) => socket.end(HALF_A_TOKEN), /broke off/],
  [
    "resets",
    (socket) => socket.write(HALF_A_TOKEN, () => socket.resetAndDestroy()),
    /broke off|without an answer/,
  ],
  [
    "dribbles",
    (socket) => {
      socket.write(HALF_A_TOKEN);
      const dribble = setInterval(() => socket.write(" "), 20);
      socket.on("close", () => clearInterval(dribble));
    },
    /did not answer within 500 ms|when it was asked for a token/,
  ],
])(
  "a ttyd that %s in the middle of its token opens no terminal and gives the user's slot back",
  async (name, answer, message) => {
    const port = await bareServer((socket) => void answer(socket));
    const connectTimeoutMs = name === "dribbles" ? 500 : 60_000;
    const backend = ttydUpstream({ url: `ws://127.0.0.1:${port}/ws`, allow, connectTimeoutMs });
    const terminals = new Terminals({ backends: { up: backend }, limits: { maxTerminalsPerUser: 1 } });
    stops.push(() => terminals.close());
    for (let i = 0; i < 2; i++) {
      await expect(terminals.open({ user: "ada" })).rejects.toMatchObject({
        code: "TZ_CLOUDTERM_BACKEND",
        message: expect.stringMatching(message),
      });
    }
  },
);

test("a back end that does not open in time gives the user's slot back, and what it opens later is ended", async () => {
  let open: ((terminal: BackendTerminal) => void) | undefined;
  const backend: TerminalBackend = {
    name: "slow",
    open: () =>
      new Promise((resolve) => {
        open = resolve;
      }),
  };
  const limits = { maxTerminalsPerUser: 1, openTimeoutMs: 100 };
  const terminals = new Terminals({ backends: { slow: backend }, limits });
  stops.push(() => terminals.close());
  for (let i = 0; i < 2; i++) {
    await expect(terminals.open({ user: "ada" })).rejects.toThrow("was not opened within 100 ms");
  }
  const ended = await new Promise((resolve) => {
    const late = { pendingInputBytes: 0, write: () => true, resize() {}, pause() {}, resume() {} };
    open!({ ...late, end: () => resolve(true) });
  });
  expect(ended).toBe(true);
  expect(terminals.all).toEqual([]);
});

test("an operator's Host, Origin and Authorization are sent once, in place of the gateway's", async () => {
  const heads: string[] = [];
  const port = await bareServer((socket, head) => {
    heads.push(head);
    socket.end(
      head.includes("/token")
        ? 'HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n{"token":"t"}'
        : "HTTP/1.1 403 x\r\n\r\n",
    );
  });
  const fields = [
    ["origin", "https://page.example"],
    ["host", "v.example"],
    ["authorization", "mine"],
  ] as const;
  const url = `ws://127.0.0.1:${port}/ws`;
  const backend = ttydUpstream({ url, allow, credential: "ada:geheim", fields });
  const events = { onOutput() {}, onDrain() {}, onEnd() {} };
  await expect(backend.open({ user: "ada", columns: 80, rows: 24 }, events)).rejects.toThrow("403");
  expect(heads.length).toBe(2);
  for (const head of heads) {
    const lines = head.split("\r\n").filter((line) => /^(origin|host|authorization):/i.test(line));
    expect(lines).toEqual(["origin: https://page.example", "host: v.example", "authorization: mine"]);
  }
});

test("a raw WebSocket: messages are the terminal's bytes", async () => {
  const port = await server((socket, fields) => {
    socket.send(`key=${String(fields["x-key"])}\r\n`);
    socket.on("message", (data: Buffer) => socket.send(data.toString().toUpperCase()));
  });
  const near = await gateway(
    rawUpstream({ url: `ws://127.0.0.1:${port}/`, allow, fields: [["X-Key", "k"]] }),
  );
  const terminal = await near.terminals.open({ user: "ada" });
  const client = await near.client(`/t/${terminal.id}/write`);
  await client.sees("key=k");
  client.type("shout");
  await client.sees("SHOUT");
  terminal.end();
  await client.until(() => terminal.ended !== undefined);
});
