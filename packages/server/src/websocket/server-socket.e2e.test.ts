import { afterEach, beforeEach, describe, expect, expectTypeOf, test } from "vitest";
import WebSocket from "ws";
import { type App, createServer } from "../app.js";
import { isEpollSupported } from "../loop/epoll.js";
import { until } from "../loop/socket-client.fixture.js";
import type { ServerSocket } from "./server-socket.js";

const loops = isEpollSupported().supported ? (["epoll", "node"] as const) : (["node"] as const);
const MIB = 1024 * 1024;

describe.each(loops)("app.ws on the %s loop, with ws as the client", (loop) => {
  let app: App;
  let port = 0;
  const clients: WebSocket[] = [];
  const errors: unknown[] = [];

  beforeEach(() => {
    errors.length = 0;
    app = createServer({ loop, lingerTimeoutMs: 100 }).onError((error) => void errors.push(error));
  });
  afterEach(async () => {
    for (const client of clients.splice(0)) client.terminate();
    await app.close({ timeoutMs: 200 });
  });

  const listen = async (): Promise<void> => {
    ({ port } = await app.listen({ port: 0 }));
  };
  const dial = (path: string, options: WebSocket.ClientOptions = {}): WebSocket => {
    const client = new WebSocket(`ws://127.0.0.1:${port}${path}`, { perMessageDeflate: false, ...options });
    // A client that is ended before it is open says so; tests look at what they wait for.
    client.on("error", () => {});
    clients.push(client);
    return client;
  };
  const open = async (path: string, options?: WebSocket.ClientOptions): Promise<WebSocket> => {
    const client = dial(path, options);
    await new Promise((resolve, reject) => client.once("open", resolve).once("error", reject));
    return client;
  };
  const collect = (client: WebSocket): string[] => {
    const texts: string[] = [];
    client.on("message", (data) => texts.push(String(data)));
    return texts;
  };
  const end = (client: WebSocket): Promise<number> =>
    new Promise((resolve) => client.once("close", (code) => resolve(code)));
  const refusal = (client: WebSocket): Promise<[number | undefined, string]> =>
    new Promise((resolve, reject) => {
      client.once("open", () => reject(new Error("was accepted")));
      client.once("unexpected-response", (_request, response) => {
        let text = "";
        response.on("data", (chunk) => {
          text += chunk;
        });
        response.on("end", () => resolve([response.statusCode, text]));
      });
    });

  test("each socket has the data that accept made of its request, in its type", async () => {
    app.ws("/hello/:name", {
      accept: (request) => ({ name: request.params.name, count: 0 }),
      open(socket) {
        expectTypeOf(socket.data).toEqualTypeOf<{ name: string; count: number }>();
        socket.send(`hello ${socket.data.name} from ${socket.remoteAddress}`);
      },
      message(socket, data) {
        socket.data.count++;
        socket.send(
          `${socket.data.name} ${socket.data.count} ${typeof data === "string" ? data : data.length}`,
        );
      },
    });
    await listen();
    const a = dial("/hello/a");
    const b = dial("/hello/b");
    const [fromA, fromB] = [collect(a), collect(b)];
    a.once("open", () => {
      for (const text of ["x", "y"]) a.send(text);
    });
    b.once("open", () => b.send(Buffer.of(1, 2, 3)));
    await until(() => fromA.length === 3 && fromB.length === 2);
    expect(fromA).toEqual(["hello a from 127.0.0.1", "a 1 x", "a 2 y"]);
    expect(fromB).toEqual(["hello b from 127.0.0.1", "b 1 3"]);
  });

  test("accept may refuse, at once or later, by an answer or by an error", async () => {
    app.ws("/secret", {
      accept: async (request) => {
        await new Promise((resolve) => setImmediate(resolve));
        if (request.query.has("fail")) throw Object.assign(new Error("down"), { status: 503 });
        return request.query.get("key") === "k" ? { user: 7 } : new Response("who?", { status: 401 });
      },
      open: (socket) => socket.send(`user ${socket.data.user}`),
    });
    await listen();
    expect(await refusal(dial("/secret"))).toEqual([401, "who?"]);
    expect((await refusal(dial("/secret?fail")))[0]).toBe(503);
    const client = dial("/secret?key=k");
    const texts = collect(client);
    await until(() => texts.length === 1);
    expect(texts).toEqual(["user 7"]);
  });

  test("what a route may have applies to the handshake; origins are checked", async () => {
    app.ws(
      "/limited",
      { message: () => {} },
      {
        route: { ratePerSecond: 1, rateBurst: 1, use: [(_request, next) => next()] },
        allowOrigin: (origin) => origin === undefined || origin === "https://here.test",
      },
    );
    app.ws("/origin", {}, { allowOrigin: (origin) => origin === "https://here.test" });
    await listen();
    await open("/limited");
    expect((await refusal(dial("/limited")))[0]).toBe(429);
    expect((await refusal(dial("/origin", { origin: "https://there.test" })))[0]).toBe(403);
    await open("/origin", { origin: "https://here.test" });
  });

  test("rooms: publish reaches who is in, not the sender, not who left or closed", async () => {
    const sockets = new Map<string, ServerSocket<string>>();
    app.ws("/:name", {
      accept: (request) => request.params.name as string,
      open(socket) {
        sockets.set(socket.data, socket);
        socket.join("all");
        socket.join("all");
        if (socket.data !== "c") socket.join("ab");
      },
      message: (socket, data) => void socket.publish("all", `${socket.data}: ${data}`),
    });
    await listen();
    const [a, b, c] = await Promise.all(["/a", "/b", "/c"].map((path) => open(path)));
    const texts = [a!, b!, c!].map(collect);
    await until(() => app.roomSize("all") === 3);
    expect([...sockets.get("a")!.rooms]).toEqual(["all", "ab"]);
    expect(app.publish("ab", "to ab")).toBe(2);
    expect(app.publish("nobody", "x")).toBe(0);
    a!.send("hi");
    await until(() => texts.every((list) => list.length > 0) && texts[1]!.length === 2);
    expect(texts).toEqual([["to ab"], ["to ab", "a: hi"], ["a: hi"]]);
    sockets.get("b")!.leave("ab");
    expect(app.publish("ab", Buffer.from("binary"))).toBe(1);
    a!.close();
    c!.terminate();
    await until(() => app.roomSize("all") === 1);
    expect(app.publish("all", "last")).toBe(1);
    await until(() => texts[1]!.length === 3);
    expect(texts[1]!.at(-1)).toBe("last");
    expect([app.roomSize("ab"), sockets.get("a")!.rooms.size]).toEqual([0, 0]);
    sockets.get("a")!.join("all");
    expect(app.roomSize("all")).toBe(1);
  });

  test("who does not read is behind: send says so, drain tells when to go on, publish may skip it", async () => {
    let slow: ServerSocket<undefined> | undefined;
    let drained = 0;
    const chunk = Buffer.alloc(MIB, "z");
    app.ws(
      "/slow",
      {
        open: (socket) => {
          slow = socket;
          socket.join("all");
        },
        drain: () => void drained++,
      },
      { connection: { maxBufferedBytes: 64 * MIB } },
    );
    await listen();
    const client = await open("/slow");
    let received = 0;
    client.on("message", (data) => {
      received += (data as Buffer).byteLength;
    });
    client.pause();
    await until(() => slow !== undefined);
    let sent = 0;
    while (slow!.send(chunk)) sent++;
    sent++;
    expect(slow!.bufferedBytes).toBeGreaterThan(0);
    expect(app.publish("all", "skipped", { skipAboveBytes: 1 })).toBe(0);
    expect(drained).toBe(0);
    client.resume();
    await until(() => drained === 1 && received === sent * MIB);
    expect(slow!.bufferedBytes).toBe(0);
    expect(app.publish("all", "taken", { skipAboveBytes: 1 })).toBe(1);
  });

  test("who never reads is closed when maxBufferedBytes wait", async () => {
    let closed: number | undefined;
    app.ws(
      "/flood",
      {
        open: (socket) => void socket.join("all"),
        close: (_socket, code) => {
          closed = code;
        },
      },
      { connection: { maxBufferedBytes: MIB } },
    );
    await listen();
    (await open("/flood")).pause();
    await until(() => app.roomSize("all") === 1);
    for (let i = 0; i < 200 && closed === undefined; i++) {
      app.publish("all", Buffer.alloc(MIB));
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(closed).toBe(1006);
    await until(() => app.stats().connections === 0);
    expect(app.roomSize("all")).toBe(0);
  });

  test("limits: payload 1009, idle time, both told to the handlers", async () => {
    const told: string[] = [];
    app.ws(
      "/limits",
      {
        error: (_socket, error) => void told.push(error.code),
        close: (_socket, code, _reason, clean) => void told.push(`${code} ${clean}`),
      },
      { connection: { maxMessageBytes: 1000, idleTimeoutMs: 1000, pingIntervalMs: 0 } },
    );
    await listen();
    const large = await open("/limits");
    large.send("x".repeat(1001));
    expect(await end(large)).toBe(1009);
    const idle = await open("/limits");
    await end(idle);
    await until(() => told.length === 4);
    expect(told.filter((text) => text.startsWith("TZ"))).toEqual(["TZ_WS_MESSAGE_SIZE", "TZ_WS_IDLE"]);
  });

  test("messages and what is published are compressed where it was agreed", async () => {
    app.ws(
      "/deflate",
      { open: (socket) => void socket.join("all"), message: (socket, data) => void socket.send(data) },
      { deflate: { thresholdBytes: 0 } },
    );
    await listen();
    const client = await open("/deflate", { perMessageDeflate: true });
    expect(client.extensions).toContain("permessage-deflate");
    const texts = collect(client);
    const text = "abc".repeat(10_000);
    client.send(text);
    await until(() => texts.length === 1);
    app.publish("all", text);
    app.publish("all", "plain", { compress: false });
    await until(() => texts.length === 3);
    expect(texts).toEqual([text, text, "plain"]);
  });

  test("a handler that fails costs its own socket, and is told to onError", async () => {
    app.ws("/fails", {
      message: (socket, data) => {
        if (data === "sync") throw new Error("sync");
        if (data === "async") return Promise.reject(new Error("async"));
        return socket.send(data);
      },
      close: (_socket, code) => {
        if (code === 1000) throw new Error("in close");
      },
    });
    await listen();
    const [healthy, first, second, third] = await Promise.all([1, 2, 3, 4].map(() => open("/fails")));
    first!.send("sync");
    expect(await end(first!)).toBe(1011);
    second!.send("async");
    expect(await end(second!)).toBe(1011);
    third!.close(1000);
    await end(third!);
    const texts = collect(healthy!);
    healthy!.send("still here");
    await until(() => texts.length === 1);
    expect(errors.map((error) => (error as Error).message)).toEqual(["sync", "async", "in close"]);
  });

  test("options that nobody knows are refused", () => {
    expect(() => app.ws("/a", {}, { conection: {} } as never)).toThrow(/conection.*allowed: connection/);
    expect(() => app.ws("/a", { onMessage() {} } as never)).toThrow(
      /handler "onMessage"; allowed: .*message/,
    );
    expect(() => app.ws("/a", { message: "hi" } as never)).toThrow(/"message" is no function/);
    expect(() => app.ws("/a", {}, { connection: { maxMessageBytes: -1 } })).toThrow(/maxMessageBytes/);
    expect(() => app.ws("/a", {}, { route: { rate: 1 } as never })).toThrow(/rate/);
  });
});
