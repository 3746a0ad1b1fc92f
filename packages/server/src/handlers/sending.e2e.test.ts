import { request as httpRequest, type IncomingHttpHeaders } from "node:http";
import { brotliDecompressSync, createGunzip, gunzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type App, createServer } from "../app.js";
import { isEpollSupported } from "../loop/epoll.js";
import { until } from "../loop/socket-client.fixture.js";
import { bytes, html, json, sse, stream } from "./reply.js";
import { compression, etags } from "./sending.js";

const loops = isEpollSupported().supported ? (["epoll", "node"] as const) : (["node"] as const);
const TEXT = "All work and no play makes a dull boy. ".repeat(1000);

interface Got {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

describe.each(loops)("entity tags and compression on request, on the %s loop", (loop) => {
  let app: App;
  let port = 0;
  beforeEach(() => {
    app = createServer({ loop, lingerTimeoutMs: 50 });
  });
  afterEach(() => app.close({ timeoutMs: 100 }));

  const listen = async (): Promise<void> => {
    ({ port } = await app.listen({ port: 0 }));
  };
  /** As it is on the wire: `fetch` would take the coding off. */
  const get = (path: string, headers: Record<string, string> = {}, method = "GET"): Promise<Got> =>
    new Promise((resolve, reject) => {
      const outgoing = httpRequest({ port, path, method, headers, agent: false }, (incoming) => {
        const chunks: Buffer[] = [];
        incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
        incoming.on("end", () =>
          resolve({ status: incoming.statusCode!, headers: incoming.headers, body: Buffer.concat(chunks) }),
        );
        incoming.on("error", reject);
      });
      outgoing.on("error", reject).end();
    });

  test("a 304 guides caches as its 200 does: Vary of both, and the tag of the coding", async () => {
    const options = { fields: ["Vary", "Cookie", "Vary", "Accept-Language", "Cache-Control", "no-cache"] };
    app.get("/route", { etag: true, compress: true }, () => html(TEXT, options));
    app.get("/own", { etag: true, compress: true }, () => html(TEXT, { fields: ["ETag", '"mine"'] }));
    app.get("/short", { etag: true, compress: true }, () => html("short"));
    const hooked = createServer({ loop, lingerTimeoutMs: 50 });
    hooked.onSend(etags());
    hooked.onSend(compression());
    hooked.get("/hooks", () => html(TEXT, options));
    await listen();
    const routesPort = port;
    const hooksPort = (await hooked.listen({ port: 0 })).port;
    for (const path of ["/route", "/own", "/short", "/hooks"]) {
      port = path === "/hooks" ? hooksPort : routesPort;
      for (const accepted of ["identity", "gzip", "br"]) {
        const whole = await get(path, { "accept-encoding": accepted });
        const tag = whole.headers.etag!;
        const not = await get(path, { "accept-encoding": accepted, "if-none-match": tag });
        expect([path, accepted, whole.status, not.status]).toEqual([path, accepted, 200, 304]);
        const guides = ({ headers }: Got): unknown[] => [
          headers.etag,
          headers.vary,
          headers["cache-control"],
        ];
        expect(guides(not)).toEqual(guides(whole));
        expect(not.headers["content-encoding"]).toBeUndefined();
        if (path === "/own") expect(tag).toBe(accepted === "identity" ? '"mine"' : 'W/"mine"');
        expect(not.headers.vary).toBe(
          { "/short": undefined, "/own": "Accept-Encoding" }[path] ??
            (path === "/short" ? undefined : "Cookie, Accept-Language, Accept-Encoding"),
        );
      }
    }
    await hooked.close({ timeoutMs: 100 });
  });

  test("a route's etag: 304 to who has it, by the weak comparison, and a new one for new content", async () => {
    let count = 1;
    app.get("/value", { etag: true }, () => json({ count }, { fields: ["Cache-Control", "no-cache"] }));
    app.get("/own", { etag: true }, () => json(1, { fields: ["ETag", '"mine"'] }));
    app.post("/value", { etag: true }, () => json({ count }));
    await listen();
    const first = await get("/value");
    const tag = first.headers.etag!;
    expect(tag).toMatch(/^W\/"[\w-]+"$/);
    for (const condition of [tag, tag.slice(2), `"other", ${tag}`, "*"]) {
      const again = await get("/value", { "if-none-match": condition });
      expect([again.status, again.body.byteLength, again.headers.etag]).toEqual([304, 0, tag]);
      expect(again.headers["cache-control"]).toBe("no-cache");
      expect(again.headers["content-type"]).toBeUndefined();
    }
    const head = await get("/value", {}, "HEAD");
    expect([head.status, head.headers.etag, head.headers["content-length"]]).toEqual([200, tag, "11"]);
    count = 2;
    const changed = await get("/value", { "if-none-match": tag });
    expect([changed.status, changed.body.toString()]).toEqual([200, '{"count":2}']);
    expect(changed.headers.etag).not.toBe(tag);
    expect((await get("/value", { "if-none-match": "*" }, "POST")).headers.etag).toBeUndefined();
    expect((await get("/own", { "if-none-match": 'W/"mine"' })).status).toBe(304);
  });

  test("a route's compress: br or gzip by what the client likes, small and large, GET and HEAD alike", async () => {
    const large = TEXT.repeat(10);
    app.get("/text", { compress: true }, () => TEXT.slice(0, 10_000));
    app.get("/large", { compress: true, etag: true }, async () => html(large));
    app.get("/short", { compress: true }, () => "short");
    app.get("/short2", { compress: true, compressMinBytes: 5 }, () => "short");
    app.get("/image", { compress: true }, () => bytes(Buffer.from(TEXT), { type: "image/png" }));
    app.get("/fixed", { compress: true }, () => json(TEXT, { fields: ["Cache-Control", "no-transform"] }));
    app.get("/coded", { compress: true }, () => json(TEXT, { fields: ["Content-Encoding", "x-own"] }));
    await listen();
    const decode: Record<string, (coded: Buffer) => Buffer> = { br: brotliDecompressSync, gzip: gunzipSync };
    for (const [accept, coding] of [
      ["gzip, deflate, br", "br"],
      ["gzip", "gzip"],
      ["br;q=0.5, gzip;q=0.8", "gzip"],
      ["x-gzip", "gzip"],
      ["*", "br"],
      ["br;q=0, *;q=0.1", "gzip"],
    ] as const) {
      for (const [path, text] of [
        ["/text", TEXT.slice(0, 10_000)],
        ["/large", large],
      ] as const) {
        const got = await get(path, { "accept-encoding": accept });
        expect([accept, got.headers["content-encoding"], got.headers.vary]).toEqual([
          accept,
          coding,
          "Accept-Encoding",
        ]);
        expect(got.headers["content-length"]).toBe(String(got.body.byteLength));
        expect(decode[coding]!(got.body).toString()).toBe(text);
        const head = await get(path, { "accept-encoding": accept }, "HEAD");
        expect(head.headers["content-length"]).toBe(got.headers["content-length"]);
      }
    }
    for (const accept of ["", "identity", "identity, gzip;q=0.5", "deflate", "gzip;q=0"]) {
      const got = await get("/text", { "accept-encoding": accept });
      expect([got.headers["content-encoding"], got.headers.vary]).toEqual([undefined, "Accept-Encoding"]);
      expect(got.body.byteLength).toBe(10_000);
    }
    const all = { "accept-encoding": "br, gzip" };
    for (const path of ["/short", "/image", "/fixed"]) {
      expect((await get(path, all)).headers["content-encoding"]).toBeUndefined();
    }
    expect((await get("/short2", all)).headers["content-encoding"]).toBe("br");
    expect((await get("/coded", all)).headers["content-encoding"]).toBe("x-own");
    // One tag for all codings.
    const tags = await Promise.all(
      ["br", "gzip", ""].map((accept) => get("/large", { "accept-encoding": accept })),
    );
    expect(new Set(tags.map(({ headers }) => headers.etag)).size).toBe(1);
    const again = await get("/large", { ...all, "if-none-match": tags[0]!.headers.etag! });
    expect([again.status, again.headers["content-encoding"]]).toEqual([304, undefined]);
  });

  test("as hooks of the whole server, also of what fetch handlers answer", async () => {
    app.onSend(etags()).onSend(compression({ minBytes: 10 }));
    app.get("/json", () => ({ text: TEXT }));
    app.fetch(
      "/web",
      () => new Response(TEXT, { headers: { "content-type": "text/plain", etag: '"strong"' } }),
    );
    await listen();
    const direct = await get("/json", { "accept-encoding": "gzip" });
    expect(JSON.parse(gunzipSync(direct.body).toString())).toEqual({ text: TEXT });
    expect(direct.headers.etag).toMatch(/^W\//);
    const web = await get("/web", { "accept-encoding": "br" });
    expect([web.headers["content-encoding"], web.headers.etag]).toEqual(["br", 'W/"strong"']);
    expect(brotliDecompressSync(web.body).toString()).toBe(TEXT);
    expect((await get("/web", { "if-none-match": '"strong"' })).status).toBe(304);
    expect(() => compression({ minBytes: -1 })).toThrow(/minBytes is -1/);
    expect(() => app.get("/x", { etag: 1 } as never, () => 1)).toThrow(/etag must be true or false/);
  });

  test("a stream is compressed chunk by chunk: what is written leaves, and the end of the client ends the source", async () => {
    let go: (() => void) | undefined;
    let returned = false;
    app.get("/events", { compress: true }, () => {
      async function* events() {
        try {
          yield { data: "one" };
          await new Promise<void>((resolve) => {
            go = resolve;
          });
          yield { data: "two" };
        } finally {
          returned = true;
        }
      }
      return sse(events());
    });
    await listen();
    let text = "";
    const outgoing = httpRequest({
      port,
      path: "/events",
      headers: { "accept-encoding": "gzip" },
      agent: false,
    });
    outgoing.on("response", (incoming) => {
      incoming.on("error", () => {});
      incoming
        .pipe(createGunzip())
        .on("error", () => {})
        .on("data", (chunk) => {
          text += chunk;
        });
    });
    outgoing.on("error", () => {}).end();
    await until(() => text === "data: one\n\n");
    go!();
    await until(() => text === "data: one\n\ndata: two\n\n");
    await until(() => returned);
    outgoing.destroy();
  });

  test("a stream that waits for its source ends when the client is gone, although nobody reads the signal", async () => {
    const ended: string[] = [];
    const never = (name: string): AsyncIterable<Uint8Array> => ({
      [Symbol.asyncIterator]: () => ({
        next: () => new Promise<never>(() => {}),
        return: async () => {
          ended.push(name);
          return { done: true, value: undefined };
        },
      }),
    });
    app.get("/stream", (request) => {
      request.onEnd(() => ended.push("request"));
      return stream(never("stream"));
    });
    app.get("/events", () =>
      sse(never("events") as unknown as AsyncIterable<{ data: string }>, { heartbeatMs: 0 }),
    );
    app.fetch(
      "/web",
      () =>
        new Response(
          new ReadableStream({ cancel: () => void ended.push("web"), pull: () => new Promise(() => {}) }),
        ),
    );
    app.get("/coded", { compress: true }, () => stream(never("coded"), { type: "text/plain" }));
    await listen();
    for (const path of ["/stream", "/events", "/web", "/coded"]) {
      const before = ended.length;
      const outgoing = httpRequest({ port, path, headers: { "accept-encoding": "gzip" }, agent: false });
      const arrived = new Promise((resolve) => outgoing.once("response", resolve));
      outgoing.on("error", () => {}).end();
      await arrived;
      outgoing.socket!.resetAndDestroy();
      await until(() => ended.length > before && app.stats().connections === 0);
    }
    expect(ended.sort()).toEqual(["coded", "events", "request", "stream", "web"]);
  });

  test("a client that only ended its side gets what still comes, but a stream that brings nothing is not kept", async () => {
    await app.close();
    app = createServer({ loop, tickMs: 10, idleTimeoutMs: 300 });
    let released = 0;
    app.get("/never", (request) => {
      request.onEnd(() => released++);
      return stream(
        (async function* () {
          yield Buffer.from("first");
          await new Promise(() => {});
        })(),
      );
    });
    await listen();
    const outgoing = httpRequest({ port, path: "/never", agent: false });
    outgoing.on("error", () => {}).end();
    const incoming = await new Promise<NodeJS.ReadableStream>((resolve) =>
      outgoing.once("response", resolve),
    );
    incoming.on("error", () => {}).resume();
    outgoing.socket!.end();
    await until(() => released === 1 && app.stats().connections === 0);
  });

  test("events have a heartbeat while none comes, and a client says where it was", async () => {
    const seen: (string | undefined)[] = [];
    app.get("/events", (request) => {
      seen.push(request.lastEventId);
      async function* events() {
        await new Promise((resolve) => setTimeout(resolve, 100));
        yield { id: "ünï", data: "a\nb", event: "kind", retryMs: 50 };
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
      return sse(events(), { heartbeatMs: 20 });
    });
    await listen();
    const { headers, body } = await get("/events", {
      "last-event-id": Buffer.from("ünï").toString("latin1"),
    });
    expect(headers["content-type"]).toBe("text/event-stream");
    expect(seen).toEqual(["ünï"]);
    const parts = body.toString().split("\n\n");
    expect(parts.filter((part) => part !== ":")).toEqual([
      "event: kind\nid: ünï\nretry: 50\ndata: a\ndata: b",
      "",
    ]);
    expect(parts.indexOf(":")).toBe(0);
    expect(parts.lastIndexOf(":")).toBeGreaterThan(
      parts.indexOf("event: kind\nid: ünï\nretry: 50\ndata: a\ndata: b"),
    );
  });
});
