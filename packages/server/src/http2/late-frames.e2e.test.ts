/** What comes for streams that are over, on the fast loop: it is forgiven, counted, and not forgotten too early. */
import { afterEach, describe, expect, test } from "vitest";
import { type App, createServer } from "../app.js";
import { text } from "../handlers/reply.js";
import { isEpollSupported } from "../loop/epoll.js";
import type { ServerOptions } from "../options.js";
import { SERVER } from "../tls/certificates.fixture.js";
import { block, data, FrameClient, frame, headers, request, uint32 } from "./frame-client.fixture.js";
import { CODE, FLAG, FRAME } from "./frames/frame.js";

const GET = request("GET", "/");
const NEVER = request("GET", "/never");

describe.skipIf(!isEpollSupported().supported)("late frames, HTTP/2 on the fast loop", () => {
  let app: App;
  let client: FrameClient;

  const start = async (options: ServerOptions = {}): Promise<void> => {
    app = createServer({ loop: "epoll", tickMs: 10, ...options });
    app.get("/", () => text("hello"));
    app.get("/never", () => new Promise<never>(() => {}));
    const { port } = await app.listen({ port: 0, tls: SERVER, http2: { controlFrameBurst: 10_000 } });
    client = await FrameClient.open(port);
  };
  afterEach(async () => {
    client.close();
    await app.close({ timeoutMs: 100 });
  });

  /**
   * Sends it again and again, until the server has had enough. Never more on the way than a closing connection reads on
   * for: it would be reset, and its last word lost.
   */
  const flood = async (make: (i: number) => Uint8Array): Promise<void> => {
    for (let i = 0; i < 200 && !client.ended; i++) {
      client.send(...Array.from({ length: 20_000 }, (_, k) => make(i * 20_000 + k)));
      await client.alive().catch(() => {});
    }
  };
  const goAways = () =>
    client.frames
      .filter(({ type }) => type === FRAME.goAway)
      .map(({ payload }) => [payload.readUInt32BE(0), payload.readUInt32BE(4)]);

  test("the rest of an upload that was answered early is forgiven after many other streams", async () => {
    await start();
    client.send(headers(1, request("POST", "/nowhere"), FLAG.endHeaders));
    expect((await client.answer(1)).status).toBe(404);
    expect(await client.reset(1)).toBe(CODE.noError);
    for (let id = 3; id < 603; id += 100) {
      client.send(...Array.from({ length: 50 }, (_, i) => headers(id + i * 2, GET)));
      await client.answer(id + 98);
    }
    client.send(data(1, "late"), headers(1, block("x-sum", "1")));
    expect(await client.alive()).toBe(true);
    expect(client.frames.filter(({ type }) => type === FRAME.resetStream)).toHaveLength(1);
  });

  test("§6.8: a later GOAWAY names no later stream than the one before", async () => {
    await start({ maxRequestsPerConnection: 2 });
    client.send(headers(1, NEVER), headers(3, NEVER));
    await client.frame(({ type }) => type === FRAME.goAway);
    client.send(headers(5, GET), headers(7, GET), frame(FRAME.ping, 0, 1, Buffer.alloc(8)));
    while (!client.ended) await client.frame(() => client.ended).catch(() => {});
    expect(goAways()).toEqual([
      [3, CODE.noError],
      [3, CODE.protocolError],
    ]);
  });

  test("windows of a stream that is over are counted", async () => {
    await start();
    client.send(headers(1, GET));
    await client.answer(1);
    const update = frame(FRAME.windowUpdate, 0, 1, uint32(1000));
    await flood(() => update);
    expect(await client.failure()).toBe(CODE.enhanceYourCalm);
  });

  test("requests behind the last word are counted", async () => {
    await start({ maxRequestsPerConnection: 1 });
    client.send(headers(1, NEVER));
    await client.frame(({ type }) => type === FRAME.goAway);
    await flood((i) => headers(3 + i * 2, GET));
    while (!client.ended) await client.frame(() => client.ended).catch(() => {});
    expect(goAways().at(-1)).toEqual([1, CODE.enhanceYourCalm]);
  });
});
