import { randomBytes } from "node:crypto";
import { readdirSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { getResourceLimit, isSupported, RLIMIT_NOFILE, setResourceLimit } from "@tz/sys";
import { afterEach, describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import { descriptorLoop } from "../kernel/descriptor-loop.js";
import { EchoUpstream, type Front, ProxyGateway, rawUpstream, until } from "./proxy-gateway.fixture.js";
import { acceptKeyOf } from "./upstream-handshake.js";
import type { WebSocketProxyOptions } from "./web-socket-proxy.js";

const stops: (() => unknown)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

async function upstream(): Promise<EchoUpstream> {
  const echo = await new EchoUpstream().start();
  stops.push(() => echo.stop());
  return echo;
}

async function gateway(
  front: Front,
  port: number,
  options: Partial<WebSocketProxyOptions> = {},
): Promise<ProxyGateway> {
  const started = await ProxyGateway.start(front, { upstream: `ws://127.0.0.1:${port}/up?a=b`, ...options });
  stops.push(() => started.stop());
  return started;
}

function messages(socket: WebSocket): (string | Buffer)[] {
  const got: (string | Buffer)[] = [];
  socket.on("message", (data: Buffer, isBinary) => got.push(isBinary ? data : data.toString()));
  return got;
}

function closeOf(socket: WebSocket): Promise<{ code: number; reason: string }> {
  return new Promise((resolve) => {
    socket.on("close", (code, reason) => resolve({ code, reason: reason.toString() }));
  });
}

const FRONTS: Front[] = ["epoll", "node", "node:http"];
const MODES = ["frames", "splice"] as const;

describe.each(FRONTS.flatMap((front) => MODES.map((mode) => [front, mode] as const)))(
  "%s, %s",
  (front, mode) => {
    /** Where there are no descriptors to take, frames are followed. */
    const sees = mode === "frames" || front === "node";

    test("messages of all sizes, both ways, and the closing handshake", async () => {
      const echo = await upstream();
      const { open, proxy } = bound(await gateway(front, echo.port, { mode }));
      const socket = await open({ protocols: ["a", "b"], perMessageDeflate: true });
      expect(socket.protocol).toBe("b");
      expect(socket.extensions).toContain("permessage-deflate");
      const got = messages(socket);
      const sent = [0, 1, 125, 126, 65_535, 65_536, 1_000_000].map((size) => randomBytes(size));
      for (const data of sent) socket.send(data);
      socket.send("text ☃");
      await until(() => got.length === sent.length + 1);
      expect(got.slice(0, -1).map((data, i) => sent[i]!.equals(data as Buffer))).toEqual(
        sent.map(() => true),
      );
      expect(got.at(-1)).toBe("text ☃");
      expect(proxy.stats).toMatchObject({ connections: 1, waitingBytes: 0 });
      const closed = closeOf(socket);
      socket.close(3456, "bye");
      expect(await closed).toEqual({ code: 3456, reason: "bye" });
      await until(() => proxy.stats.connections === 0);
    });

    test("no credential and no claim reaches the upstream, handshakes are checked", async () => {
      const echo = await upstream();
      const { open, port } = bound(
        await gateway(front, echo.port, { mode, fields: [["X-Upstream-Key", "k"]] }),
      );
      await open({
        headers: {
          Cookie: "__Host-tz=secret; a=b",
          Authorization: "Basic c2VjcmV0",
          "Proxy-Authorization": "x",
          "X-Forwarded-For": "6.6.6.6",
          X_Forwarded_User: "root",
          "X-Remote-User": "root",
          Remote_User: "root",
          "X-CSRF-Token": "secret",
          Origin: `http://127.0.0.1:${port}`,
          "X-Mine": "yes",
          Connection: "Upgrade, X-Hop",
          "X-Hop": "1",
        },
      });
      const [seen] = echo.requests;
      expect(JSON.stringify(seen)).not.toMatch(/secret|root|6\.6\.6\.6/);
      expect(seen).toMatchObject({
        url: "/up?a=b",
        host: `127.0.0.1:${echo.port}`,
        origin: `http://127.0.0.1:${echo.port}`,
        "x-mine": "yes",
        "x-upstream-key": "k",
        "x-forwarded-for": "127.0.0.1",
      });
      for (const origin of ["https://evil.example", "null", "http://127.0.0.1:1"]) {
        await expect(open({ headers: { Origin: origin } }), origin).rejects.toThrow("403");
      }
      expect(echo.requests.length).toBe(1);
    });

    test("an upstream that refuses, answers otherwise, or lies: the client is told before 101", async () => {
      const refuses = await rawUpstream(() => {});
      refuses.stop();
      await expect(bound(await gateway(front, refuses.port, { mode })).open()).rejects.toThrow("502");
      const answers: [string, string][] = [
        ["HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", "502"],
        [
          "HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: AAAA\r\n\r\n",
          "502",
        ],
        ["SSH-2.0-OpenSSH\r\n", "502"],
        ["", "504"],
      ];
      for (const [answer, status] of answers) {
        const lies = await rawUpstream(
          (socket) => void socket.once("data", () => answer !== "" && socket.write(answer)),
        );
        stops.push(() => lies.stop());
        const connectTimeoutMs = answer === "" ? 300 : 60_000;
        const { open } = bound(await gateway(front, lies.port, { mode, limits: { connectTimeoutMs } }));
        await expect(open(), answer).rejects.toThrow(status);
      }
    });

    test("an upstream that floods and a client that reads nothing: bounded, and others go on", async () => {
      const echo = await upstream();
      let floodSent = 0;
      echo.onConnection = (ws) => {
        ws.on("message", (data, binary) => {
          if (data.toString() !== "flood") {
            ws.send(data, { binary });
            return;
          }
          const chunk = randomBytes(65_536);
          const more = (): void => {
            if (ws.readyState !== WebSocket.OPEN || ws.bufferedAmount > 1_000_000) return;
            floodSent += chunk.length;
            ws.send(chunk, () => setImmediate(more));
          };
          more();
        });
      };
      const { open, proxy } = bound(await gateway(front, echo.port, { mode }));
      const stalled = await open();
      const other = await open();
      stalled.send("flood");
      stalled.pause();
      let last = -1;
      let still = 0;
      await until(() => {
        still = floodSent === last && last > 0 ? still + 1 : 0;
        last = floodSent;
        return still > 60;
      });
      expect(proxy.stats.waitingBytes).toBeLessThanOrEqual(300_000);
      // What the sockets of both connections and the upstream's own queue hold, and no more.
      expect(floodSent).toBeLessThan(32_000_000);
      const got = messages(other);
      for (let i = 0; i < 10; i++) {
        other.send(`echo ${i}`);
        await until(() => got.length === i + 1);
      }
      let read = 0;
      stalled.on("message", (data: Buffer) => {
        read += data.length;
      });
      stalled.resume();
      await until(() => read > floodSent / 2 && read > last);
    });

    test("an upstream that dies, and a client that does", async () => {
      const echo = await upstream();
      const raws: Socket[] = [];
      echo.onConnection = (_ws, raw) => void raws.push(raw);
      const { open, proxy, ends } = bound(await gateway(front, echo.port, { mode }));
      const first = await open();
      const closed = closeOf(first);
      await until(() => raws.length === 1);
      raws[0]!.destroy();
      const { code, reason } = await closed;
      expect([code, reason]).toEqual(sees ? [1014, "the upstream went away"] : [1006, ""]);
      await until(() => proxy.stats.connections === 0);
      const second = await open();
      await until(() => raws.length === 2);
      let upstreamClosed = false;
      raws[1]!.on("close", () => {
        upstreamClosed = true;
      });
      second.terminate();
      await until(() => upstreamClosed && proxy.stats.connections === 0);
      expect(ends.map(({ by }) => by)).toEqual(["upstream", "client"]);
    });

    test("a revoked tag, limits of number and the end of the gateway", async () => {
      const echo = await upstream();
      const { open, proxy } = bound(await gateway(front, echo.port, { mode, limits: { maxConnections: 1 } }));
      const socket = await open();
      await expect(open()).rejects.toThrow("503");
      const closed = closeOf(socket);
      await until(() => proxy.stats.connections === 1);
      expect(proxy.dismiss((tag) => tag === "/other")).toBe(0);
      expect(proxy.dismiss((tag) => tag === "/x?y")).toBe(1);
      expect((await closed).code).toBe(sees ? 1008 : 1006);
      await until(() => proxy.stats.connections === 0);
      const last = closeOf(await open());
      await until(() => proxy.stats.connections === 1);
      proxy.close();
      expect((await last).code).toBe(sees ? 1001 : 1006);
      await expect(open()).rejects.toThrow("503");
    });
  },
);

/** Its methods without their object. */
function bound(started: ProxyGateway) {
  const { proxy, port, ends } = started;
  return {
    proxy,
    port,
    ends,
    open: (options?: Parameters<ProxyGateway["open"]>[0]) => started.open(options),
  };
}

const HANDSHAKE = (port: number) =>
  `GET / HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`;

/** A client with its bare socket, after the handshake. */
async function rawClient(port: number): Promise<{ socket: Socket; got(): Buffer; ended(): boolean }> {
  const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
  stops.push(() => socket.destroy());
  let all = Buffer.alloc(0);
  let ended = false;
  socket.on("data", (chunk: Buffer) => {
    all = Buffer.concat([all, chunk]);
  });
  socket.on("end", () => {
    ended = true;
  });
  socket.on("error", () => {
    ended = true;
  });
  socket.write(HANDSHAKE(port));
  await until(() => all.includes("\r\n\r\n"));
  expect(all.toString("latin1")).toMatch(/^HTTP\/1\.1 101 /);
  const from = all.indexOf("\r\n\r\n") + 4;
  return { socket, got: () => all.subarray(from), ended: () => ended };
}

/** An upstream that shakes hands, then does what it is told. */
async function shakenUpstream(then: (socket: Socket, got: () => Buffer) => void): Promise<{ port: number }> {
  const raw = await rawUpstream((socket) => {
    let all = Buffer.alloc(0);
    let from = -1;
    socket.on("data", (chunk: Buffer) => {
      all = Buffer.concat([all, chunk]);
      if (from >= 0 || !all.includes("\r\n\r\n")) return;
      from = all.indexOf("\r\n\r\n") + 4;
      const key = /sec-websocket-key: (\S+)/i.exec(all.toString("latin1"))![1]!;
      const accept = acceptKeyOf(key);
      socket.write(
        `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
      );
      then(socket, () => all.subarray(from));
    });
  });
  stops.push(() => raw.stop());
  return raw;
}

describe.each(["epoll", "node:http"] as const)("bare sockets, %s", (front) => {
  test.each(MODES)("%s: half-close: one side ends, the other is still heard", async (mode) => {
    let upstreamEnded = false;
    const up = await shakenUpstream((socket) => {
      socket.on("end", () => {
        upstreamEnded = true;
        setImmediate(() => {
          socket.write(Buffer.from([0x82, 3, 1, 2, 3]));
          socket.end(Buffer.from([0x88, 2, 0x03, 0xe8]));
        });
      });
    });
    const { port } = await gateway(front, up.port, { mode });
    const client = await rawClient(port);
    client.socket.end();
    await until(() => upstreamEnded && client.ended());
    expect([...client.got()]).toEqual([0x82, 3, 1, 2, 3, 0x88, 2, 0x03, 0xe8]);
  });

  test("close codes that may not be on the wire become one that says so", async () => {
    for (const code of [1005, 1006, 1015, 999, 5000, 0]) {
      const up = await shakenUpstream(
        (socket) => void socket.write(Buffer.from([0x88, 2, code >> 8, code & 0xff])),
      );
      const { port } = await gateway(front, up.port);
      const client = await rawClient(port);
      await until(() => client.got().length > 4);
      expect(client.got().readUInt16BE(2)).toBe(1014);
      expect(client.got().subarray(4).toString()).toBe(`the upstream closed with ${code}`);
    }
  });

  test.each<[string, number[], number]>([
    ["an unmasked frame", [0x81, 1, 0x61], 1002],
    ["a reserved bit", [0xc1, 0x81, 0, 0, 0, 0, 0x61], 1002],
    ["a reserved opcode", [0x83, 0x80, 0, 0, 0, 0], 1002],
    ["a ping of 126 bytes", [0x89, 0xfe, 0, 126], 1002],
    ["a continuation of nothing", [0x80, 0x80, 0, 0, 0, 0], 1002],
    ["a message above the limit", [0x82, 0xff, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0], 1009],
    ["a length of 2^63", [0x82, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], 1009],
    [
      "endless fragments",
      [1, 0x80, 0, 0, 0, 0, ...Array.from({ length: 30 }, () => [0, 0x80, 0, 0, 0, 0]).flat()],
      1008,
    ],
  ])("%s ends both sides with its code", async (_name, bytes, code) => {
    let heard: (() => Buffer) | undefined;
    const up = await shakenUpstream((_socket, got) => {
      heard = got;
    });
    const { port } = await gateway(front, up.port, { limits: { maxMessageBytes: 65_535, maxFragments: 20 } });
    for (const split of [false, true]) {
      const client = await rawClient(port);
      if (split) {
        for (const byte of bytes) {
          if (client.socket.writable) client.socket.write(Buffer.of(byte));
          await new Promise((resolve) => setImmediate(resolve));
        }
      } else {
        client.socket.write(Buffer.from(bytes));
      }
      await until(() => client.got().length >= 4);
      expect([client.got()[0], client.got().readUInt16BE(2)]).toEqual([0x88, code]);
      // The upstream hears it too, in a frame that a client may send.
      await until(() => heard!().includes(Buffer.of(code >> 8, code & 0xff)));
      client.socket.destroy();
    }
  });

  test("pings: a silent client is asked, its pong is not passed on, one that does not answer is given up", async () => {
    let heard: (() => Buffer) | undefined;
    const up = await shakenUpstream((_socket, got) => {
      heard = got;
    });
    const { port, proxy, ends } = bound(await gateway(front, up.port, { limits: { pingIntervalMs: 500 } }));
    const client = await rawClient(port);
    await until(() => client.got().length >= 10);
    expect(client.got().subarray(0, 10)).toEqual(
      Buffer.concat([Buffer.of(0x89, 8), Buffer.from("tz-proxy")]),
    );
    client.socket.write(Buffer.concat([Buffer.of(0x8a, 0x88, 0, 0, 0, 0), Buffer.from("tz-proxy")]));
    client.socket.write(Buffer.of(0x8a, 0x81, 0, 0, 0, 0, 0x41));
    await until(() => heard!().length > 0);
    expect([...heard!()]).toEqual([0x8a, 0x81, 0, 0, 0, 0, 0x41]);
    await until(() => proxy.stats.connections === 0);
    expect(ends).toEqual([{ by: "client", code: 1006, reason: "the client is silent" }]);
  });

  test.each(MODES)("%s: idle time and total time end a connection", async (mode) => {
    const up = await shakenUpstream(() => {});
    const idle = bound(await gateway(front, up.port, { mode, limits: { idleTimeoutMs: 500 } }));
    const total = bound(await gateway(front, up.port, { mode, limits: { maxTimeMs: 500 } }));
    const [one, two] = [await rawClient(idle.port), await rawClient(total.port)];
    await until(() => one.ended() && two.ended());
    await until(() => idle.ends.length === 1 && total.ends.length === 1);
    expect(idle.ends[0]).toMatchObject({ by: "gateway", reason: "nothing was said for too long" });
    expect(total.ends[0]).toMatchObject({ by: "gateway", reason: "the time of the connection is over" });
  });

  test.skipIf(!isSupported().supported).each(MODES)(
    "%s: no descriptor is left when the sides are joined: Node's are used, and none leaks",
    async (mode) => {
      descriptorLoop();
      const limit = getResourceLimit(RLIMIT_NOFILE);
      stops.push(() => setResourceLimit(RLIMIT_NOFILE, limit));
      const up = await shakenUpstream((socket) => {
        setResourceLimit(RLIMIT_NOFILE, { ...limit, soft: 1 });
        socket.on("data", () => socket.write(Buffer.of(0x82, 1, 0x42)));
        socket.on("end", () => socket.end());
      });
      const { port, proxy, ends } = bound(await gateway(front, up.port, { mode }));
      const before = readdirSync("/proc/self/fd").length;
      const client = await rawClient(port);
      client.socket.write(Buffer.of(0x82, 0x81, 0, 0, 0, 0, 0x41));
      await until(() => client.got().length > 0 || client.ended());
      setResourceLimit(RLIMIT_NOFILE, limit);
      expect([...client.got()]).toEqual([0x82, 1, 0x42]);
      client.socket.destroy();
      await until(() => proxy.stats.connections === 0);
      expect(ends.map(({ by }) => by)).toEqual(["client"]);
      await until(() => readdirSync("/proc/self/fd").length <= before);
    },
  );

  test.each(MODES)(
    "%s: a connection that is being opened when the proxy closes is not joined",
    async (mode) => {
      let answer: (() => void) | undefined;
      let upstreamClosed = false;
      const up = await rawUpstream((socket) => {
        socket.on("close", () => {
          upstreamClosed = true;
        });
        socket.on("end", () => socket.end());
        socket.once("data", (head: Buffer) => {
          const key = /sec-websocket-key: (\S+)/i.exec(head.toString("latin1"))![1]!;
          answer = () =>
            void socket.write(
              `HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${acceptKeyOf(key)}\r\n\r\n`,
            );
        });
      });
      stops.push(() => up.stop());
      const { port, proxy } = bound(await gateway(front, up.port, { mode }));
      const socket = connect({ port, host: "127.0.0.1" });
      stops.push(() => socket.destroy());
      let got = "";
      socket.on("data", (chunk: Buffer) => {
        got += chunk.toString("latin1");
      });
      socket.write(HANDSHAKE(port));
      await until(() => answer !== undefined);
      proxy.close();
      answer!();
      await until(() => got !== "");
      expect(got).toMatch(/^HTTP\/1\.1 503 /);
      await until(() => upstreamClosed);
      expect(proxy.stats).toMatchObject({ connections: 0, opening: 0 });
    },
  );

  test.each(["is dismissed", "has had its time"] as const)(
    "a client that said its last without a Close %s while its upstream goes on",
    async (why) => {
      let upstreamEnded = false;
      const up = await shakenUpstream((socket) => {
        const flood = setInterval(() => socket.write(Buffer.of(0x82, 3, 65, 66, 67)), 20);
        socket.on("close", () => clearInterval(flood));
        socket.on("end", () => {
          upstreamEnded = true;
        });
      });
      const limits = { maxTimeMs: why === "is dismissed" ? 0 : 500 };
      const { port, proxy, ends } = bound(await gateway(front, up.port, { limits }));
      const client = await rawClient(port);
      client.socket.end();
      await until(() => upstreamEnded);
      const code = why === "is dismissed" ? 1008 : 1001;
      if (why === "is dismissed") expect(proxy.dismiss(() => true)).toBe(1);
      await until(() => client.ended());
      expect(client.got().includes(Buffer.of(0x88))).toBe(true);
      expect(client.got().includes(Buffer.of(code >> 8, code & 0xff))).toBe(true);
      client.socket.destroy();
      await until(() => ends.length > 0);
      expect(ends).toMatchObject([{ by: "gateway", code }]);
    },
  );
});

test("whoever looks at payload sees messages as they are", async () => {
  const echo = await upstream();
  const seen: [string, string, boolean][] = [];
  const { open } = bound(
    await gateway("epoll", echo.port, {
      mode: "splice",
      onPayload: (from, _opcode, payload, last) =>
        void seen.push([from, Buffer.from(payload).toString(), last]),
    }),
  );
  const socket = await open({ perMessageDeflate: true });
  expect(socket.extensions).toBe("");
  const got = messages(socket);
  socket.send("hello");
  await until(() => got.length === 1);
  expect(seen).toEqual([
    ["client", "hello", true],
    ["upstream", "hello", true],
  ]);
});
