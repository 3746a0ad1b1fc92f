import { createReadStream, mkdtempSync, type ReadStream, rmSync, writeFileSync } from "node:fs";
import { request as httpRequest } from "node:http";
import { type ClientHttp2Session, connect as connectHttp2, constants } from "node:http2";
import { connect as connectSocket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type App, createServer } from "../app.js";
import { stream } from "../handlers/reply.js";
import { isEpollSupported } from "../loop/epoll.js";
import { CA, SERVER } from "../tls/certificates.fixture.js";
import { abandonChunks, dropPlan } from "./unsent-plan.js";

let folder: string;
let file: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "tz-unsent-"));
  file = join(folder, "large");
  writeFileSync(file, Buffer.alloc(1_000_000));
});
afterAll(() => rmSync(folder, { recursive: true }));

const isClosed = (source: ReadStream) => expect.poll(() => source.closed).toBe(true);

describe("what nobody reads is ended", () => {
  test("a file that was not begun, and one that is not there", async () => {
    const source = createReadStream(file);
    abandonChunks(source);
    await isClosed(source);
    const missing = createReadStream(join(folder, "missing"));
    abandonChunks(missing);
    await isClosed(missing);
  });

  test("a generator, begun or not; one whose end fails", async () => {
    const ended: string[] = [];
    async function* counted(name: string): AsyncGenerator<Uint8Array> {
      try {
        yield Buffer.from(name);
        yield Buffer.from(name);
      } finally {
        ended.push(name);
        await (name === "fails" ? Promise.reject(new Error("no end")) : undefined);
      }
    }
    abandonChunks(counted("not begun"));
    for (const name of ["begun", "fails"]) {
      const chunks = counted(name);
      await chunks.next();
      abandonChunks(chunks);
    }
    await expect.poll(() => ended).toEqual(["begun", "fails"]);
  });

  test("a web stream; and the plan gives its reference back once", async () => {
    let cancelled = 0;
    const chunks = new ReadableStream<Uint8Array>({ cancel: () => void cancelled++ });
    let released = 0;
    dropPlan({ ...stream(chunks), release: () => void released++ });
    await expect.poll(() => cancelled).toBe(1);
    expect(released).toBe(1);
  });
});

const loops = isEpollSupported().supported ? (["epoll", "node"] as const) : (["node"] as const);

describe.each(loops)("a handler's file, loop %s", (loop) => {
  const sources: ReadStream[] = [];
  /** Who waits for the handler's answer. */
  let answer: (() => void) | undefined;
  const serve = async (options: object): Promise<{ app: App; port: number }> => {
    sources.length = 0;
    answer = undefined;
    const open = () => {
      const source = createReadStream(file);
      sources.push(source);
      return stream(source);
    };
    const app = createServer({ loop, tickMs: 10 })
      .get("/now", open)
      .get("/later", () => new Promise((resolve) => (answer = () => resolve(open()))));
    const { port } = await app.listen({ port: 0, ...options });
    return { app, port };
  };

  test("is closed after HEAD, and when the client left before the answer", async () => {
    const { app, port } = await serve({});
    await new Promise<void>((resolve) => {
      httpRequest({ host: "127.0.0.1", port, path: "/now", method: "HEAD" }, (response) =>
        response.resume().on("end", resolve),
      ).end();
    });
    await isClosed(sources[0]!);
    const socket = connectSocket(port, "127.0.0.1");
    socket.write("GET /later HTTP/1.1\r\nHost: a\r\n\r\n");
    await expect.poll(() => answer).toBeDefined();
    socket.resetAndDestroy();
    await expect.poll(() => app.stats().connections).toBe(0);
    answer!();
    await expect.poll(() => sources.length).toBe(2);
    await isClosed(sources[1]!);
    await app.close({ timeoutMs: 200 });
  });

  test("is closed after HEAD over HTTP/2, and when the stream was reset before the answer", async () => {
    const { app, port } = await serve({ tls: SERVER, http2: true });
    const session: ClientHttp2Session = connectHttp2(`https://localhost:${port}`, {
      ca: CA,
      lookup: (_name, _options, done) => done(null, [{ address: "127.0.0.1", family: 4 }]),
    });
    const head = session.request({ ":path": "/now", ":method": "HEAD" });
    await new Promise((resolve) => head.resume().on("close", resolve).end());
    await isClosed(sources[0]!);
    const later = session.request({ ":path": "/later" });
    await expect.poll(() => answer).toBeDefined();
    later.on("error", () => {}).close(constants.NGHTTP2_CANCEL);
    // The server has seen the reset when it answers what was asked behind it.
    await new Promise((resolve) => session.ping(resolve));
    answer!();
    await expect.poll(() => sources.length).toBe(2);
    await isClosed(sources[1]!);
    session.destroy();
    await app.close({ timeoutMs: 200 });
  });
});
