/**
 * However the bytes of a conversation are cut on their way, it goes the same way; and whatever bytes come, the server
 * goes on for the others.
 */
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type App, createServer } from "../app.js";
import { text } from "../handlers/reply.js";
import { isEpollSupported } from "../loop/epoll.js";
import { SERVER } from "../tls/certificates.fixture.js";
import {
  block,
  data,
  FrameClient,
  frame,
  headers,
  request,
  settings,
  uint32,
} from "./frame-client.fixture.js";
import { FLAG, FRAME, PREFACE } from "./frames/frame.js";

const END = FLAG.endStream;

describe.skipIf(!isEpollSupported().supported)("HTTP/2 on the fast loop, in pieces", () => {
  let app: App;
  let port: number;

  beforeAll(async () => {
    app = createServer({ loop: "epoll", tickMs: 10 });
    app.get("/", () => text("hello"));
    app.get("/large", () => text("x".repeat(40_000)));
    app.post("/echo", async (asked) => text(await asked.text()));
    ({ port } = await app.listen({ port: 0, tls: SERVER, http2: { resetBurst: 10_000 } }));
  });
  afterAll(() => app.close({ timeoutMs: 100 }));

  /** One conversation: what is said, and by whom it is answered. */
  const fields = request("GET", "/", "x-a", "1", "user-agent", "a client");
  const spoken = Buffer.concat([
    PREFACE,
    settings(1, 0, 0x99, 7),
    headers(1, fields),
    headers(3, request("POST", "/echo", "content-length", "12"), FLAG.endHeaders),
    data(3, "one "),
    frame(FRAME.priority, 0, 3, Buffer.alloc(5)),
    data(3, Buffer.concat([Buffer.from([3]), Buffer.from("two "), Buffer.alloc(3)]), FLAG.padded),
    headers(5, fields.subarray(0, 5), END),
    frame(FRAME.continuation, 0, 5, fields.subarray(5, 9)),
    frame(FRAME.continuation, FLAG.endHeaders, 5, fields.subarray(9)),
    frame(FRAME.windowUpdate, 0, 0, uint32(70_000)),
    data(3, "four", 0),
    frame(0x44, 3, 9, Buffer.from("nobody knows")),
    headers(3, block("x-sum", "12")),
    headers(7, request("GET", "/large")),
    headers(9, request("GET", "/nowhere")),
  ]);

  test("cut anywhere, the answers are the same", async () => {
    const cuts = fc.array(fc.integer({ min: 1, max: spoken.byteLength - 1 }), { maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(cuts, fc.boolean(), async (places, byByte) => {
        const client = await FrameClient.open(port, null);
        const ends = byByte
          ? Array.from({ length: 60 }, (_, i) => i + 1)
          : [...new Set(places)].sort((a, b) => a - b);
        let start = 0;
        for (const end of [...ends, spoken.byteLength]) {
          client.send(spoken.subarray(start, end));
          start = end;
          // A record of its own for each piece.
          await new Promise((resolve) => setImmediate(resolve));
        }
        const bodies = await Promise.all([1, 3, 5, 7, 9].map((id) => client.answer(id)));
        expect(bodies.map(({ status, body }) => [status, body.byteLength])).toEqual([
          [200, 5],
          [200, 12],
          [200, 5],
          [200, 40_000],
          [404, 14],
        ]);
        expect(bodies[1]!.body.toString()).toBe("one two four");
        client.close();
      }),
      { numRuns: 30 },
    );
  });

  test("bytes that are changed cost their own connection at the most", async () => {
    const change = fc.record({
      at: fc.integer({ min: PREFACE.byteLength, max: spoken.byteLength - 1 }),
      to: fc.integer({ min: 0, max: 255 }),
    });
    const errors: unknown[] = [];
    app.onError((error) => void errors.push(error));
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 6 }), async (changes) => {
        const client = await FrameClient.open(port, null);
        const bytes = Buffer.from(spoken);
        for (const { at, to } of changes) bytes[at] = to;
        client.send(bytes);
        client.socket.end();
        await new Promise((resolve) => client.socket.once("close", resolve));
      }),
      { numRuns: 150 },
    );
    const client = await FrameClient.open(port);
    client.send(headers(1, request("GET", "/")));
    expect((await client.answer(1)).body.toString()).toBe("hello");
    client.close();
    // What was said to handlers may have been cut; nothing of the engine's own failed.
    expect(errors.filter((error) => !(error instanceof Error && "code" in error))).toEqual([]);
  });
});
