/** Clients of the fast loop's HTTP/2 that do not take an answer: it is given up, and the others are not. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type App, createServer } from "../app.js";
import { text } from "../handlers/reply.js";
import { isEpollSupported } from "../loop/epoll.js";
import { until } from "../loop/socket-client.fixture.js";
import { SERVER } from "../tls/certificates.fixture.js";
import { data, FrameClient, frame, headers, request, settings, uint32 } from "./frame-client.fixture.js";
import { CODE, FLAG, FRAME, PREFACE, SETTING } from "./frames/frame.js";

const windowUpdate = (id: number, by: number) => frame(FRAME.windowUpdate, 0, id, uint32(by));

describe.skipIf(!isEpollSupported().supported)("clients that wait, HTTP/2 on the fast loop", () => {
  let app: App;
  let client: FrameClient;
  let plans: number;

  beforeEach(async () => {
    plans = 0;
    app = createServer({ loop: "epoll", tickMs: 10, writeTimeoutMs: 300, minSendBytesPerSecond: 0 });
    app.get("/large", () => {
      plans++;
      return {
        ...text("x".repeat(1_000_000)),
        release: () => {
          plans--;
        },
      };
    });
    app.post("/echo", async (asked) => text(await asked.text()));
    const { port } = await app.listen({ port: 0, tls: SERVER, http2: true });
    const none = settings(SETTING.initialWindowSize, 0);
    client = await FrameClient.open(port, Buffer.concat([PREFACE, none]));
  });
  afterEach(async () => {
    client.close();
    await app.close({ timeoutMs: 500 });
    expect(app.stats()).toMatchObject({ connections: 0, tls: { http2Sessions: 0 } });
  });

  test("a download that is put aside is reset; an upload beside it goes on", async () => {
    client.send(headers(1, request("GET", "/large")), headers(3, request("POST", "/echo"), FLAG.endHeaders));
    client.send(data(3, "one "), windowUpdate(3, 100));
    expect(await client.reset(1)).toBe(CODE.cancel);
    expect(plans).toBe(0);
    client.send(data(3, "two", FLAG.endStream));
    expect((await client.answer(3)).body.toString()).toBe("one two");
  });

  test("one that trickles does not keep the others", async () => {
    client.send(windowUpdate(0, 10_000_000));
    const ids = Array.from({ length: 100 }, (_, i) => i * 2 + 1);
    client.send(...ids.map((id) => headers(id, request("GET", "/large"))));
    const others = Promise.all(ids.slice(1).map((id) => client.reset(id)));
    const trickle = setInterval(() => client.send(windowUpdate(1, 300)), 50);
    try {
      expect(new Set(await others)).toEqual(new Set([CODE.cancel]));
    } finally {
      clearInterval(trickle);
    }
    expect(plans).toBeLessThanOrEqual(1);
    expect(await client.alive()).toBe(true);
  });

  test("the connection's window that does not open ends the connection: nothing can go on", async () => {
    client.send(headers(1, request("GET", "/large")), windowUpdate(1, 1_000_000));
    await until(() => client.ended);
    expect(client.frames.some(({ type }) => type === FRAME.resetStream)).toBe(false);
    await until(() => plans === 0);
  });
});
