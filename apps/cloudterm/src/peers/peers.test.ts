import { once } from "node:events";
import {
  createServer as createHttpServer,
  type IncomingMessage,
  type RequestListener,
  type ServerResponse,
} from "node:http";
import type { AddressInfo } from "node:net";
import {
  GatewayDirectory,
  MemorySessionStore,
  type SessionRecord,
  Sessions,
  SharedKey,
  type TerminalInfo,
  type Terminals,
} from "@tz/cloudterm";
import type { ResponsePlan } from "@tz/http1";
import { createServer, type ServerRequest } from "@tz/server";
import { Redis } from "ioredis";
import { afterAll, describe, expect, onTestFinished, test, vi } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import { lacksRedis, RedisProgram } from "../redis-program.fixture.js";
import { Peers } from "./peers.js";

const WAIT = { timeout: 100_000, interval: 20 };

describe.skipIf(lacksRedis !== "")(`requests that are passed on${lacksRedis}`, () => {
  let program: Promise<RedisProgram> | undefined;
  let count = 0;
  afterAll(async () => (await program)?.remove());

  /** A gateway without terminals of its own, and a page's way to it. */
  async function front(): Promise<{
    readonly peers: Peers;
    readonly sessions: Sessions;
    /** Says that a gateway is there, with terminals. */
    home(gateway: string, url: string, terminals?: readonly string[]): Promise<GatewayDirectory>;
  }> {
    program ??= new RedisProgram().start();
    const redis = new Redis((await program).path);
    const prefix = `${count++}:`;
    const onError = (error: Error): void => console.error(error);
    const key = await SharedKey.open(redis, { prefix, own: Buffer.alloc(32, 1) });
    const peers = new Peers({
      redis,
      prefix,
      key,
      gateway: "front",
      basePath: "",
      terminals: () => ({ all: [] }) as unknown as Terminals,
      onError,
    });
    const store = new MemorySessionStore();
    const sessions = new Sessions(store, { idleMs: 1e6, maxMs: 1e7 });
    onTestFinished(async () => {
      key.close();
      await peers.close();
      await store.close();
      redis.disconnect();
    });
    return {
      peers,
      sessions,
      async home(gateway, url, terminals = []) {
        const list = () => terminals.map((id) => ({ id, user: "ada" }) as TerminalInfo);
        const directory = new GatewayDirectory(redis, { prefix, gateway, list, onError });
        await directory.start(url);
        onTestFinished(() => directory.close());
        return directory;
      },
    };
  }

  const login = { user: "ada", address: "", agent: "" };

  async function listen(listener: RequestListener): Promise<string> {
    const server = createHttpServer(listener).listen(0, "127.0.0.1");
    await once(server, "listening");
    onTestFinished(async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    });
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  test("the opening of a socket is broken off at once when its session ends", async () => {
    const { peers, sessions, home } = await front();
    sessions.onRemoved((ids) => peers.dismiss((id) => ids.includes(id)));
    const held: IncomingMessage[] = [];
    const upstream = new WebSocketServer({
      host: "127.0.0.1",
      port: 0,
      // It never answers.
      verifyClient: ({ req }, _answer) => void held.push(req),
    });
    await once(upstream, "listening");
    await home("home", `http://127.0.0.1:${(upstream.address() as AddressInfo).port}`, ["T"]);
    const session = await sessions.create(login);
    const app = createServer({ loop: "auto" });
    app.get("/socket", async (request) => {
      return (await peers.forward(request, "T", { session: session.record, address: "" }))!;
    });
    const { port } = await app.listen({ port: 0 });
    onTestFinished(async () => {
      upstream.close();
      for (const each of upstream.clients) each.terminate();
      await app.close({ timeoutMs: 100 });
    });
    const client = new WebSocket(`ws://127.0.0.1:${port}/socket`);
    client.on("error", () => {});
    await vi.waitUntil(() => held.length === 1, WAIT);
    // Nobody reads it by itself while its handshake is not answered.
    const broken = once(held[0]!.socket.resume(), "end");
    const refused = once(client, "unexpected-response");
    await sessions.revoke([session]);
    await broken;
    held[0]!.socket.destroy();
    const [, answer] = (await refused) as [unknown, IncomingMessage];
    expect(answer.statusCode).toBe(401);
    client.terminate();
    expect([...peers.sessions()]).toEqual([]);
  });

  test("a session stays watched for as long as its socket is being opened", async () => {
    const { peers, home } = await front();
    let asked = 0;
    const server = new WebSocketServer({
      host: "127.0.0.1",
      port: 0,
      verifyClient: () => {
        asked++;
        return false;
      },
    });
    await once(server, "listening");
    onTestFinished(() => server.close());
    await home("home", `http://127.0.0.1:${(server.address() as AddressInfo).port}`, ["T"]);
    const app = createServer({ loop: "auto" });
    const during: string[][] = [];
    app.get("/socket", async (request) => {
      const record = { id: "s", user: "ada" } as never;
      const answer = peers.forward(request, "T", { session: record, address: "" });
      during.push([...peers.sessions()]);
      return (await answer)!;
    });
    const { port } = await app.listen({ port: 0 });
    onTestFinished(() => app.close({ timeoutMs: 100 }));
    const client = new WebSocket(`ws://127.0.0.1:${port}/socket`);
    await once(client, "error");
    expect(asked).toBe(1);
    expect(during).toEqual([["s"]]);
    expect([...peers.sessions()]).toEqual([]);
  });

  /** A page's request, as the server hands it over. */
  function asked(target: string): ServerRequest {
    return {
      method: "GET",
      target,
      body: null,
      upgrade: false,
      signal: new AbortController().signal,
      client: { address: "" },
      fields: () => ({}),
      keep() {},
    } as unknown as ServerRequest;
  }
  const claims = { session: { id: "s", user: "ada" } as SessionRecord, address: "" };

  async function textOf(plan: ResponsePlan | undefined): Promise<string> {
    if (plan?.body.kind !== "stream") throw new Error("no stream");
    let text = "";
    for await (const chunk of plan.body.chunks) text += Buffer.from(chunk).toString();
    return text;
  }

  test("an answer of one gateway goes on while others are asked and forgotten", async () => {
    const { peers, home } = await front();
    const held: ServerResponse[] = [];
    const has = await listen(({ url }, response) => {
      if (url?.endsWith("/slow") !== true) return void response.writeHead(404).end();
      response.write("begin ");
      held.push(response);
    });
    const hasNot = await listen((_request, response) => void response.writeHead(404).end());
    const directory = await home("a", has);
    const slow = await peers.forwardToAny(asked("/api/recordings/slow"), claims);
    expect(slow?.head.status).toBe(200);
    await home("b", hasNot);
    expect(await peers.forwardToAny(asked("/api/recordings/other"), claims)).toBeUndefined();
    // It stops being found, and what is on its way arrives all the same.
    await directory.close();
    await home("c", hasNot);
    expect(await peers.forwardToAny(asked("/api/recordings/third"), claims)).toBeUndefined();
    held[0]!.end("end");
    expect(await textOf(slow)).toBe("begin end");
  });

  test("a gateway that refuses or dies does not end the search in the others", async () => {
    const { peers, home } = await front();
    const statuses: number[] = [];
    for (const status of [401, 403, 429, 500, 0]) {
      const url = await listen(({ socket }, response) => {
        statuses.push(status);
        if (status === 0) return void socket.destroy();
        // It never ends: nobody waits for the rest.
        response.writeHead(status).write("no");
      });
      await home(`refuses-${status}`, url);
    }
    expect(await peers.forwardToAny(asked("/api/recordings/one"), claims)).toBeUndefined();
    expect(statuses.sort()).toEqual([0, 401, 403, 429, 500]);
    await home("has", await listen((_request, response) => void response.end("it")));
    const found = await peers.forwardToAny(asked("/api/recordings/one"), claims);
    expect([found?.head.status, await textOf(found)]).toEqual([200, "it"]);
  });
});
