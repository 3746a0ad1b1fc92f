import { spawnSync } from "node:child_process";
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from "node:fs";
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  constants,
  type IncomingHttpHeaders,
} from "node:http2";
import { get } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ResponseHead, type ResponsePlan } from "@tz/http1";
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { type App, createServer } from "../app.js";
import { stream, text } from "../handlers/reply.js";
import { isEpollSupported } from "../loop/epoll.js";
import { until } from "../loop/socket-client.fixture.js";
import type { ServerOptions } from "../options.js";
import { CA, SERVER } from "../tls/certificates.fixture.js";
import type { Http2Options } from "./http2-options.js";

const big = Buffer.alloc(3_000_000);
for (let i = 0; i < big.byteLength; i++) big[i] = (i * 2_654_435_761) >>> 24;

const variants = isEpollSupported().supported
  ? ([
      ["epoll", "openssl", "auto"],
      ["epoll", "openssl", "node"],
      ["epoll", "node", "auto"],
      ["node", "node", "auto"],
    ] as const)
  : ([["node", "node", "auto"]] as const);

interface Answer {
  readonly headers: IncomingHttpHeaders & { readonly ":status"?: number };
  readonly body: Buffer;
  /** Interim answers. */
  readonly interim: readonly IncomingHttpHeaders[];
}

describe.each(variants)("HTTP/2, loop %s, TLS by %s, engine %s", (loop, engine, carrier) => {
  let app: App;
  let port: number;
  let folder: string;
  let released: number;

  const start = async (
    options: ServerOptions = {},
    http2: Http2Options = {},
    routes: (app: App) => void = () => {},
  ): Promise<void> => {
    app = createServer({ loop, tickMs: 10, ...options });
    app.get("/", (request) =>
      text(`${request.client.scheme} ${request.client.host} ${request.remoteAddress}`),
    );
    app.get("/big", () => new Response(big));
    app.get("/stream", () =>
      stream(
        (async function* () {
          yield Buffer.from("one ");
          yield Buffer.from("two");
        })(),
      ),
    );
    app.post("/echo", async (request) => text(await request.text()));
    app.post("/length", async (request) => {
      let length = 0;
      for await (const chunk of request.body ?? []) length += chunk.byteLength;
      return text(String(length));
    });
    app.get("/strings", () =>
      stream(
        (async function* () {
          // As a stream of Node's with an encoding does.
          for (const part of ["one ", "", "zw\u00f6lf"]) yield part as unknown as Uint8Array;
        })(),
      ),
    );
    app.get("/file", () => filePlan(big.byteLength));
    app.get("/part", () => filePlan(1000, 500_000));
    app.get("/short", () => filePlan(big.byteLength + 1000));
    app.get("/changed", () => filePlan(big.byteLength, 0, () => false));
    app.get("/parts", () => {
      const plan = filePlan(1000, 10);
      const segments = plan.body.kind === "segments" ? plan.body.segments : [];
      return {
        ...plan,
        head: new ResponseHead(200, ["Content-Length", "1003"]),
        body: {
          kind: "segments",
          length: 1003,
          segments: [Buffer.from("<"), ...segments, Buffer.from(">\n")],
        },
      };
    });
    app.get("/hints", () => ({
      ...text("x"),
      earlyHints: new ResponseHead(103, ["Link", "</a.css>; rel=preload"]),
    }));
    app.get("/fails", () => {
      throw new Error("no");
    });
    app.get("/cookies", (request) => text(request.field("cookie") ?? "-"));
    routes(app);
    ({ port } = await app.listen({
      port: 0,
      tls: { ...SERVER, engine },
      http2: { engine: carrier, ...http2 },
    }));
  };

  const filePlan = (length: number, offset = 0, isUnchanged: () => boolean = () => true): ResponsePlan => {
    const fd = openSync(join(folder, "big"), "r");
    return {
      head: new ResponseHead(200, ["Content-Length", String(length), "X-Kind", "file"]),
      body: { kind: "segments", length, segments: [{ file: { fd, isUnchanged }, offset, length }] },
      release() {
        closeSync(fd);
        released++;
      },
    };
  };

  beforeEach(() => {
    released = 0;
    folder = mkdtempSync(join(tmpdir(), "tz-http2-"));
    writeFileSync(join(folder, "big"), big);
  });

  afterEach(async () => {
    await app.close({ timeoutMs: 500 });
    rmSync(folder, { recursive: true });
    expect(app.stats()).toMatchObject({ connections: 0, tls: { sslObjects: 0, http2Sessions: 0 } });
  });

  const open = async (settings = {}): Promise<ClientHttp2Session> => {
    const session = connect(`https://localhost:${port}`, {
      ca: CA,
      servername: "localhost",
      settings,
      lookup: (_name, _options, done) => done(null, [{ address: "127.0.0.1", family: 4 }]),
    });
    onTestFinished(() => session.destroy());
    session.on("error", () => {});
    return session;
  };

  const ask = (
    session: ClientHttp2Session,
    path: string,
    more: object = {},
    body?: Buffer,
  ): Promise<Answer> =>
    new Promise((resolve, reject) => {
      const request = session.request({ ":path": path, ...more }, { endStream: body === undefined });
      const chunks: Buffer[] = [];
      const interim: IncomingHttpHeaders[] = [];
      let headers: IncomingHttpHeaders = {};
      request.on("headers", (fields) => interim.push(fields));
      request.on("response", (fields) => {
        headers = fields;
      });
      request.on("data", (chunk: Buffer) => chunks.push(chunk)).on("error", reject);
      request.on("end", () => resolve({ headers, interim, body: Buffer.concat(chunks) }));
      if (body !== undefined) request.end(body);
    });

  test("requests are counted and logged, those that the client gives up as aborted", async () => {
    let log = "";
    const write = (lines: string): void => {
      log += lines;
    };
    await start({ stats: true, accessLog: { write } }, {}, (more) =>
      more.get("/never", () => new Promise<never>(() => {})),
    );
    const session = await open();
    await ask(session, "/?a=1", { "user-agent": "h2" });
    await ask(session, "/parts");
    const request = session.request({ ":path": "/never" });
    request.on("error", () => {});
    await until(() => app.stats().total!.inFlight === 1);
    request.close(constants.NGHTTP2_CANCEL);
    await until(() => app.stats().total!.aborted === 1);
    await until(() => log.split("\n").length === 4);
    const entries = log
      .split("\n")
      .slice(0, -1)
      .map((line) => JSON.parse(line));
    expect(entries).toMatchObject([
      { method: "GET", target: "/?a=1", httpVersion: "2.0", status: 200, userAgent: "h2" },
      { target: "/parts", status: 200, bodyBytes: 1003 },
      { target: "/never", aborted: true },
    ]);
    expect(app.stats().total!.byStatus).toEqual({ 200: 2 });
  });

  test("the same answers as over HTTP/1.1, to many requests at once", async () => {
    await start();
    const session = await open();
    const one = await ask(session, "/");
    expect(one.body.toString()).toBe(`https localhost:${port} 127.0.0.1`);
    expect(one.headers).toMatchObject({ ":status": 200, "content-type": "text/plain; charset=utf-8" });
    expect(Date.parse(String(one.headers.date))).toBeGreaterThan(0);
    expect(one.headers).not.toHaveProperty("connection");
    const paths = ["/big", "/stream", "/file", "/part", "/parts", "/nothing", "/fails", "/"];
    const answers = await Promise.all(paths.map((path) => ask(session, path)));
    expect(answers.map(({ headers }) => headers[":status"])).toEqual([
      200, 200, 200, 200, 200, 404, 500, 200,
    ]);
    expect(answers[0]!.body.equals(big)).toBe(true);
    expect(answers[1]!.body.toString()).toBe("one two");
    expect(answers[2]!.body.equals(big)).toBe(true);
    expect(answers[2]!.headers).toMatchObject({ "x-kind": "file", "content-length": "3000000" });
    expect(answers[3]!.body.equals(big.subarray(500_000, 501_000))).toBe(true);
    expect(
      answers[4]!.body.equals(Buffer.concat([Buffer.from("<"), big.subarray(10, 1010), Buffer.from(">\n")])),
    ).toBe(true);
    await until(() => released === 3);
    expect(app.stats().tls).toMatchObject({ http2Sessions: 1, handshakes: 1 });
  });

  test("a stream of strings is sent as UTF-8, over HTTP/1.1 too", async () => {
    await start();
    expect((await ask(await open(), "/strings")).body.toString()).toBe("one zw\u00f6lf");
    const body = await new Promise<string>((resolve, reject) => {
      get({ host: "localhost", port, path: "/strings", ca: CA, agent: false }, (response) => {
        let all = "";
        response.setEncoding("utf8").on("data", (part) => {
          all += part;
        });
        response.on("end", () => resolve(all)).on("error", reject);
      }).on("error", reject);
    });
    expect(body).toBe("one zw\u00f6lf");
  });

  test("only HEAD has no body: a method of four letters that begins like it has one", async () => {
    await start({}, {}, (more) => more.handle(({ method }) => text(`body of ${method}`)));
    const session = await open();
    expect((await ask(session, "/any", { ":method": "HELP" })).body.toString()).toBe("body of HELP");
    expect((await ask(session, "/any", { ":method": "HEAD" })).body.toString()).toBe("");
  });

  test("a head's own Date is the only one, and TE stays here", async () => {
    const own = ["Date", "Mon, 01 Jan 2024 00:00:00 GMT", "TE", "trailers"];
    const used = new ResponseHead(200, [...own, "Content-Length", "1"]);
    await start({}, {}, (more) => {
      more.get("/dated", () => text("x", { fields: own }));
      more.get("/dated-again", () => ({ head: used, body: { kind: "bytes", bytes: Buffer.from("x") } }));
    });
    const session = await open();
    for (const path of ["/dated", "/", "/dated-again", "/dated-again", "/", "/dated-again", "/dated", "/"]) {
      const { headers } = await ask(session, path);
      expect(headers[":status"]).toBe(200);
      if (path === "/") expect(headers.date).not.toBe(own[1]);
      else expect(headers.date).toBe(own[1]);
      expect(headers.te).toBe(undefined);
    }
  });

  test("103 before the answer; HEAD has no body; cookies in crumbs are one field", async () => {
    await start();
    const session = await open();
    const hints = await ask(session, "/hints");
    expect(hints.interim).toMatchObject([{ ":status": 103, link: "</a.css>; rel=preload" }]);
    const head = await ask(session, "/file", { ":method": "HEAD" });
    expect(head).toMatchObject({
      headers: { ":status": 200, "content-length": "3000000" },
      body: Buffer.alloc(0),
    });
    await until(() => released === 1);
    const cookies = await ask(session, "/cookies", { cookie: ["a=1", "b=2"] });
    expect(cookies.body.toString()).toBe("a=1; b=2");
  });

  test("request bodies: with and without a length, at the reader's pace, too large, left unread", async () => {
    await start({ maxBodyBytes: 4_000_000 });
    const session = await open();
    const post = (path: string, body: Buffer, more = {}) =>
      ask(session, path, { ":method": "POST", ...more }, body);
    expect((await post("/echo", Buffer.from("hello"))).body.toString()).toBe("hello");
    expect((await post("/echo", Buffer.from("abc"), { "content-length": "3" })).body.toString()).toBe("abc");
    expect((await post("/length", big)).body.toString()).toBe("3000000");
    expect(
      (await post("/echo", Buffer.alloc(5_000_000), { "content-length": "5000000" })).headers[":status"],
    ).toBe(413);
    const unread = await post("/nothing", big).catch((error: Error) => error);
    // The answer came whole, or the upload was cut by NO_ERROR before it was read: RFC 9113 §8.1 allows both.
    if (!(unread instanceof Error)) expect(unread.headers[":status"]).toBe(404);
    const waiting = await post("/echo", Buffer.from("later"), { expect: "100-continue" });
    expect(waiting.body.toString()).toBe("later");
    expect((await ask(session, "/")).headers[":status"]).toBe(200);
  });

  test("what is no request is answered 400, a tunnel 501", async () => {
    await start();
    const session = await open();
    const status = async (headers: object) => (await ask(session, "/", headers)).headers[":status"];
    // Some of it nghttp2 refuses itself, by a reset; the parser says no to the rest.
    const refused = [
      { ":path": "nowhere" },
      { ":authority": "localhost", host: "other.test" },
      { ":authority": "a b" },
      { ":path": "/a b" },
      { ":method": "get" },
    ];
    for (const headers of refused) {
      const answer = await status(headers).catch((error: Error) => error.message);
      expect([400, 501, "Stream closed with error code NGHTTP2_PROTOCOL_ERROR"]).toContain(answer);
    }
    expect(await status({ ":method": "OPTIONS", ":path": "*" })).not.toBe(400);
    const tunnel = session.request({ ":method": "CONNECT", ":authority": "other.test:443" });
    const headers = await new Promise<IncomingHttpHeaders>((resolve) => tunnel.on("response", resolve));
    expect(headers[":status"]).toBe(501);
  });

  test("a file that changed or is too short is cut, not completed", async () => {
    await start();
    const session = await open();
    for (const path of ["/changed", "/short"]) {
      await expect(ask(session, path), path).rejects.toThrow(/NGHTTP2_(INTERNAL|PROTOCOL)_ERROR/);
    }
    expect((await ask(session, "/")).headers[":status"]).toBe(200);
    await until(() => released === 2);
  });

  test("a head that is used again for another answer says what that answer has", async () => {
    const head = new ResponseHead(200, []);
    let fields: readonly string[] = [];
    Object.defineProperty(head, "fields", { get: () => fields });
    await start({}, {}, (made) =>
      made.get("/again/:length(int)", ({ params }) => {
        fields = ["Content-Length", String(params.length), "X-Length", String(params.length)];
        return { head, body: { kind: "bytes", bytes: Buffer.alloc(params.length) } };
      }),
    );
    const session = await open();
    for (const length of [10, 2000, 30, 30]) {
      const { headers, body } = await ask(session, `/again/${length}`);
      expect([headers["content-length"], headers["x-length"], body.byteLength]).toEqual([
        String(length),
        String(length),
        length,
      ]);
    }
  });

  test("clients that reset in the middle of a file cost no descriptor", async () => {
    await start({}, { resetBurst: 1000 });
    const warnings: Error[] = [];
    const note = (warning: Error) => void warnings.push(warning);
    process.on("warning", note);
    onTestFinished(() => void process.off("warning", note));
    const session = await open();
    let closed = 0;
    for (let i = 0; i < 60; i++) {
      const request = session.request({ ":path": "/file" });
      request.on("error", () => {}).on("close", () => closed++);
      request.once("data", () => request.close(constants.NGHTTP2_CANCEL));
      await until(() => closed > i - 20);
    }
    await until(() => closed === 60 && released === 60);
    expect((await ask(session, "/file")).body.equals(big)).toBe(true);
    expect(warnings).toEqual([]);
  });

  test("HTTP/1.1 on the same port, for those who do not offer h2", async () => {
    await start();
    const answer = await new Promise<string>((resolve, reject) => {
      get({ port, ca: CA, servername: "localhost", agent: false }, (response) => {
        expect(response.httpVersion).toBe("1.1");
        let body = "";
        response.on("data", (chunk) => (body += chunk)).on("end", () => resolve(body));
      }).on("error", reject);
    });
    expect(answer).toMatch(/^https localhost/);
    // Its connection is the loop's own: OpenSSL is called on it, node:tls never sees it.
    expect(app.stats().tls).toMatchObject({ handshakes: 1, http2Sessions: 0 });
  });

  describe("floods end the connection", () => {
    /** Sends until the server has had enough. What a client of Node's makes of its end is its own affair. */
    const flood = async (session: ClientHttp2Session, send: () => void): Promise<void> => {
      await ask(session, "/");
      expect(app.stats().tls.http2Sessions).toBe(1);
      await until(() => {
        for (let i = 0; i < 9 && !session.destroyed; i++) send();
        return app.stats().tls.http2Sessions === 0;
      });
    };

    test("streams that are opened and reset (CVE-2023-44487), and handlers stay bounded", async () => {
      let working = 0;
      let most = 0;
      await start({}, { maxStreams: 20, resetBurst: 200, resetsPerSecond: 1 }, (made) =>
        made.get("/slow", async (request) => {
          working++;
          most = Math.max(most, working);
          await new Promise((resolve) => request.signal.addEventListener("abort", resolve));
          // The client is gone; the work that it caused is not.
          await new Promise((resolve) => setTimeout(resolve, 50));
          working--;
          return text("late");
        }),
      );
      const session = await open();
      await flood(session, () => {
        const request: ClientHttp2Stream = session.request({ ":path": "/slow" });
        request.on("error", () => {});
        request.close(constants.NGHTTP2_CANCEL);
      });
      expect(most).toBeGreaterThan(0);
      expect(most).toBeLessThanOrEqual(20);
      await until(() => working === 0);
    });

    test("PING (CVE-2019-9512)", async () => {
      await start({}, { controlFrameBurst: 100, controlFramesPerSecond: 1 });
      const session = await open();
      const codes: number[] = [];
      session.on("goaway", (code) => codes.push(code));
      const closed = new Promise((resolve) => session.on("close", resolve));
      await flood(session, () => session.ping(() => {}));
      await closed;
      expect(codes).toEqual([constants.NGHTTP2_ENHANCE_YOUR_CALM]);
    });

    test("SETTINGS (CVE-2019-9515)", async () => {
      await start({}, { controlFrameBurst: 100, controlFramesPerSecond: 1 });
      const session = await open();
      let size = 16_384;
      await flood(session, () => session.settings({ maxFrameSize: size++ }));
    });

    test("more streams than allowed are refused, more fields than allowed too", async () => {
      let answer: () => void = () => {};
      const wait = new Promise<void>((resolve) => {
        answer = resolve;
      });
      await start({ maxFields: 20 }, { maxStreams: 2 }, (made) =>
        made.get("/wait", async () => {
          await wait;
          return text("x");
        }),
      );
      const session = await open();
      await ask(session, "/");
      expect(session.remoteSettings.maxConcurrentStreams).toBe(2);
      const waiting = [1, 2].map(() => ask(session, "/wait"));
      answer();
      await Promise.all(waiting);
      const fields = Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`x-${i}`, "1"]));
      await expect(ask(session, "/", fields)).rejects.toThrow(/ENHANCE_YOUR_CALM/);
    });
  });

  test("a client that takes nothing is cut, an idle one is sent away", async () => {
    await start({ writeTimeoutMs: 300, idleTimeoutMs: 300 });
    const slow = await open({ initialWindowSize: 0 });
    const request = slow.request({ ":path": "/big" });
    request.on("error", () => {});
    await new Promise((resolve) => request.on("close", resolve));
    const idle = await open();
    await ask(idle, "/");
    await new Promise((resolve) => idle.on("close", resolve));
  });

  test("a body that stops is 408", async () => {
    await start({ bodyTimeoutMs: 300 });
    const session = await open();
    const request = session.request({ ":path": "/echo", ":method": "POST" });
    request.write("a");
    const status = await new Promise((resolve) =>
      request.on("response", (headers) => resolve(headers[":status"])),
    );
    expect(status).toBe(408);
    request.on("error", () => {}).resume();
  });

  test("close() lets requests finish and takes no more", async () => {
    let answer: () => void = () => {};
    const wait = new Promise<void>((resolve) => {
      answer = resolve;
    });
    await start({}, {}, (made) =>
      made.get("/wait", async () => {
        await wait;
        return text("done");
      }),
    );
    const session = await open();
    const waiting = ask(session, "/wait");
    await ask(session, "/");
    const gone = new Promise((resolve) => session.on("goaway", resolve));
    const closed = app.close({ timeoutMs: 20_000 });
    await gone;
    answer();
    expect((await waiting).body.toString()).toBe("done");
    await closed;
  });

  test("connections of one address are counted", async () => {
    await start({ maxConnectionsPerAddress: 1 });
    const first = await open();
    await ask(first, "/");
    const second = await ask(await open(), "/").catch(() => undefined);
    expect(second?.headers[":status"]).toBeUndefined();
    const closed = new Promise((resolve) => first.on("close", resolve));
    first.close();
    await closed;
    await until(() => app.stats().tls.http2Sessions === 0);
    expect((await ask(await open(), "/")).headers[":status"]).toBe(200);
  });

  const h2load = spawnSync("h2load", ["--version"]).error === undefined;
  test.skipIf(!h2load)(`h2load${h2load ? "" : " (skipped: not installed)"}`, async () => {
    await start();
    const { spawn } = await import("node:child_process");
    const child = spawn("h2load", ["-n", "400", "-c", "4", "-m", "10", `https://127.0.0.1:${port}/file`]);
    let out = "";
    child.stdout.on("data", (chunk) => (out += chunk));
    await new Promise((resolve) => child.on("close", resolve));
    expect(out).toContain("Application protocol: h2");
    expect(out).toMatch(/400 succeeded, 0 failed, 0 errored, 0 timeout/);
    await until(() => released === 400);
  });
});

test("http2 without tls, and an unknown option, are refused", async () => {
  const app = createServer();
  await expect(app.listen({ port: 0, http2: true })).rejects.toThrow(/http2 without tls/);
  const wrong = { maxStream: 1 } as never;
  await expect(app.listen({ port: 0, tls: SERVER, http2: wrong })).rejects.toThrow(
    /unknown option http2\.maxStream; allowed: maxStreams/,
  );
  await expect(app.listen({ port: 0, tls: SERVER, http2: { maxStreams: 0 } })).rejects.toThrow(
    /http2\.maxStreams is 0/,
  );
  await app.close();
});
