/** Answers of the fast loop's HTTP/2 whose sending fails: they cost their own stream, and nobody else anything. */
import { ResponseHead, type ResponsePlan } from "@tz/http1";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type App, createServer } from "../app.js";
import { stream, text } from "../handlers/reply.js";
import { isEpollSupported } from "../loop/epoll.js";
import { until } from "../loop/socket-client.fixture.js";
import { SERVER } from "../tls/certificates.fixture.js";
import { FrameClient, frame, headers, request, settings, uint32 } from "./frame-client.fixture.js";
import { CODE, FRAME, PREFACE, SETTING } from "./frames/frame.js";

const windowUpdate = (id: number, by: number) => frame(FRAME.windowUpdate, 0, id, uint32(by));

describe.skipIf(!isEpollSupported().supported)("answers that fail, HTTP/2 on the fast loop", () => {
  let app: App;
  let client: FrameClient;
  let reported: string[];

  const broken = (): ResponsePlan => ({
    head: new ResponseHead(200, ["Content-Length", "100000"]),
    body: {
      kind: "segments",
      length: 100_000,
      segments: [
        Buffer.alloc(50_000),
        {
          offset: 0,
          length: 50_000,
          get file(): never {
            throw new Error("no such file any more");
          },
        },
      ],
    },
  });

  beforeEach(async () => {
    reported = [];
    app = createServer({ loop: "epoll", tickMs: 10 });
    app.onError((error) => {
      reported.push((error as Error).message);
    });
    app.get("/", () => text("hello"));
    app.get("/large", () => text("x".repeat(60_000)));
    app.get("/broken", broken);
    app.get("/odd", () =>
      stream(
        (async function* () {
          yield Buffer.from("abc");
          yield 7 as unknown as Uint8Array;
        })(),
      ),
    );
    app.get("/release", () => ({
      ...text("x".repeat(20_000)),
      release() {
        throw new Error("cannot be released");
      },
    }));
    const { port } = await app.listen({ port: 0, tls: SERVER, http2: true });
    // No stream may send until its window is opened: then the sending begins in the reading of that frame.
    const none = settings(SETTING.initialWindowSize, 0);
    client = await FrameClient.open(port, Buffer.concat([PREFACE, none, windowUpdate(0, 1_000_000)]));
  });
  afterEach(async () => {
    client.close();
    await app.close({ timeoutMs: 500 });
    expect(app.stats()).toMatchObject({ connections: 0, tls: { http2Sessions: 0 } });
  });

  /** The connection sends on, as much as it may. */
  const goesOn = async (): Promise<void> => {
    client.send(headers(101, request("GET", "/large")), windowUpdate(101, 60_000));
    expect((await client.answer(101)).body.byteLength).toBe(60_000);
  };

  test("an error while a frame is put together resets its stream, and the sending goes on", async () => {
    client.send(headers(1, request("GET", "/broken")), windowUpdate(1, 200_000));
    expect(await client.reset(1)).toBe(CODE.internalError);
    expect(reported).toEqual(["no such file any more"]);
    await goesOn();
  });

  test("so does one whose turn comes when the client opens its window later", async () => {
    client.send(headers(1, request("GET", "/broken")), headers(3, request("GET", "/large")));
    await client.alive();
    client.send(windowUpdate(3, 30_000), windowUpdate(1, 200_000));
    expect(await client.reset(1)).toBe(CODE.internalError);
    client.send(windowUpdate(3, 30_000));
    expect((await client.answer(3)).body.byteLength).toBe(60_000);
    await goesOn();
  });

  test("a plan whose release() throws, when it was sent and when it was not", async () => {
    client.send(headers(1, request("GET", "/release")), windowUpdate(1, 20_000));
    expect((await client.answer(1)).body.byteLength).toBe(20_000);
    client.send(headers(3, request("GET", "/release")));
    await client.alive();
    client.send(frame(FRAME.resetStream, 0, 3, uint32(CODE.cancel)));
    await client.alive();
    expect(reported).toEqual(["cannot be released", "cannot be released"]);
    await goesOn();
    client.send(headers(103, request("GET", "/release")));
    await client.alive();
    // The end of the connection is the end of its streams.
    client.close();
    await until(() => app.stats().connections === 0);
    expect(reported).toHaveLength(3);
  });

  test("a stream that yields what is neither bytes nor a string is cut", async () => {
    client.send(headers(1, request("GET", "/odd")), windowUpdate(1, 20_000));
    expect(await client.reset(1)).toBe(CODE.internalError);
    expect(reported).toEqual([expect.stringContaining("yielded number; allowed: Uint8Array, string")]);
    await goesOn();
  });
});
