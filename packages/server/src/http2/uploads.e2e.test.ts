/** Request bodies of the fast loop's HTTP/2: none of their bytes is lost, and what they hold of memory has an end. */
import { createHash } from "node:crypto";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type App, createServer } from "../app.js";
import { text } from "../handlers/reply.js";
import { isEpollSupported } from "../loop/epoll.js";
import { until } from "../loop/socket-client.fixture.js";
import type { ServerOptions } from "../options.js";
import { SERVER } from "../tls/certificates.fixture.js";
import type { LoopConnection } from "./engine/loop-connection.js";
import { LoopStream } from "./engine/loop-stream.js";
import { data, FrameClient, headers, request } from "./frame-client.fixture.js";
import { CODE, DEFAULT_WINDOW, FLAG, FRAME } from "./frames/frame.js";
import type { Http2Options } from "./http2-options.js";
import { Upload, UploadWindow } from "./uploader.fixture.js";

const MIB = 1024 * 1024;
const bytes = Buffer.alloc(3 * MIB);
for (let i = 0; i < bytes.byteLength; i++) bytes[i] = (i * 2_654_435_761) >>> 24;

const digest = (all: Uint8Array): string =>
  `${all.byteLength} ${createHash("sha256").update(all).digest("hex")}`;

describe.skipIf(!isEpollSupported().supported)("uploads over HTTP/2 on the fast loop", () => {
  let app: App;
  let client: FrameClient;
  /** The reader of `/slow` has taken the first piece and asks for more; then it waits for {@link goOn}. */
  let asked: Promise<void>;
  let goOn: () => void;

  const start = async (options: ServerOptions = {}, http2: Http2Options = {}): Promise<void> => {
    let hasAsked: () => void;
    asked = new Promise((resolve) => {
      hasAsked = resolve;
    });
    const wait = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    app = createServer({ loop: "epoll", tickMs: 10, maxBodyBytes: 16 * MIB, ...options });
    app.post("/slow", async ({ body }) => {
      const pieces = body![Symbol.asyncIterator]();
      const all: Uint8Array[] = [];
      all.push((await pieces.next()).value!);
      const second = pieces.next();
      hasAsked();
      await wait;
      for (let next = await second; next.done !== true; next = await pieces.next()) all.push(next.value);
      return text(digest(Buffer.concat(all)));
    });
    app.post("/whole", async (asked) => text(digest(await asked.bytes())));
    app.post("/hold", async () => {
      await wait;
      return text("held");
    });
    const { port } = await app.listen({ port: 0, tls: SERVER, http2: { ...http2 } });
    client = await FrameClient.open(port);
    await client.frame(({ type, flags }) => type === FRAME.settings && flags === FLAG.ack);
  };
  beforeEach(() => {
    goOn = () => {};
  });
  afterEach(async () => {
    goOn();
    client.close();
    await app.close({ timeoutMs: 500 });
    expect(app.stats()).toMatchObject({ connections: 0, tls: { http2Sessions: 0 } });
  });

  test("what has not come yet is not credited: a frame that has only begun", async () => {
    await start();
    const first = data(1, Buffer.alloc(16_384));
    client.send(headers(1, request("POST", "/slow"), FLAG.endHeaders), first.subarray(0, 109));
    await asked;
    // The rest is taken by nobody: what is credited now was credited too early.
    client.send(first.subarray(109));
    await client.alive();
    await client.alive();
    expect(client.frames.filter(({ type }) => type === FRAME.windowUpdate)).toEqual([]);
  });

  test("a body in small records reaches a slow reader whole", async () => {
    await start();
    const upload = new Upload(new UploadWindow(client), 1, "/slow", bytes.subarray(0, 400_000));
    // The first frame begins; its reader asks for more; the rest follows.
    const first = upload.frame()!;
    client.send(first.subarray(0, 109));
    await asked;
    client.send(first.subarray(109));
    await upload.fill(1000);
    expect(upload.sent).toBeLessThanOrEqual(DEFAULT_WINDOW + 16_384);
    goOn();
    await upload.finish(1000);
    expect((await client.answer(1)).body.toString()).toBe(digest(bytes.subarray(0, 400_000)));
  });

  test("a body that could not be kept is no whole body", () => {
    const errors: unknown[] = [];
    const core = { options: { maxBodyBytes: MIB }, reportError: (error: unknown) => errors.push(error) };
    const stream = new LoopStream({ core } as unknown as LoopConnection, 1, false, DEFAULT_WINDOW);
    stream.takeBody(-1, false);
    expect(stream.feed(bytes, 0, 60_000)).toBe(0);
    expect(stream.feed(bytes, 60_000, 70_000)).toBe(0);
    expect(stream.feed(bytes, 70_000, 70_001)).toBe(CODE.internalError);
    expect(stream.endBody()).toBe(0);
    expect(stream.body).toMatchObject({ complete: false, error: { code: "TZ_SERVER_BODY_ABORTED" } });
    expect(errors).toHaveLength(1);
  });

  test("DATA of a byte each ends the connection, read or not", async () => {
    await start();
    const window = new UploadWindow(client);
    const ids = Array.from({ length: 12 }, (_, i) => i * 2 + 1);
    for (const id of ids) {
      client.send(headers(id, request("POST", id % 4 === 1 ? "/whole" : "/hold"), FLAG.endHeaders));
    }
    for (const id of ids) {
      const some = Buffer.concat(Array.from({ length: 10_000 }, () => data(id, "x")));
      for (let i = 0; i < 6 && !client.ended; i++) {
        while (window.left < 10_000 && !client.ended) {
          const { length } = client.frames;
          await client.frame(() => client.frames.length > length).catch(() => {});
        }
        client.send(some);
        window.sent += 10_000;
      }
    }
    expect(await client.failure()).toBe(CODE.enhanceYourCalm);
  });

  test("bodies that are collected share sessionMemoryMiB; the oldest goes on, and all of them come", async () => {
    await start({}, { sessionMemoryMiB: 1 });
    const window = new UploadWindow(client);
    const uploads = [1, 3, 5, 7].map((id) => new Upload(window, id, "/whole", bytes));
    const [oldest, ...others] = uploads;
    // All but the last byte of the oldest, so that it keeps its place.
    while (oldest!.left > 1) {
      const { length } = client.frames;
      if (!oldest!.step(20_000, oldest!.left - 1)) await client.frame(() => client.frames.length > length);
    }
    for (const upload of others) await upload.fill(20_000);
    for (const { sent } of others) expect(sent).toBeLessThan(MIB);
    // Those that wait keep nobody else from anything.
    await client.alive();
    await Promise.all(uploads.map((upload) => upload.finish(20_000)));
    for (const { id } of uploads) expect((await client.answer(id)).body.toString()).toBe(digest(bytes));
  });

  test("the connection's window comes back when those who held it are gone", async () => {
    await start({}, { sessionMemoryMiB: 1 });
    const window = new UploadWindow(client);
    const held: Upload[] = [];
    while (window.left > 0) {
      const upload = new Upload(window, held.length * 2 + 1, "/hold", bytes);
      held.push(upload);
      await upload.fill(20_000);
      expect(held.length).toBeLessThan(30);
    }
    goOn();
    for (const { id } of held) await client.answer(id);
    const upload = new Upload(window, held.length * 2 + 1, "/whole", bytes.subarray(0, 200_000));
    await upload.finish(20_000);
    expect((await client.answer(upload.id)).body.toString()).toBe(digest(bytes.subarray(0, 200_000)));
    await until(() => window.left > DEFAULT_WINDOW / 2);
  });
});
