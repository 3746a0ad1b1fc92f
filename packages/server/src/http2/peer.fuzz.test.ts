/** `node:http2` as the other end: what its encoder makes of any fields is read, and what is answered it reads. */
import { type ClientHttp2Session, connect, type OutgoingHttpHeaders } from "node:http2";
import { ResponseHead } from "@tz/http1";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type App, createServer } from "../app.js";
import { isEpollSupported } from "../loop/epoll.js";
import { CA, SERVER } from "../tls/certificates.fixture.js";

const token = fc
  .string({ minLength: 1, maxLength: 20 })
  .map((text) => `x-${text.toLowerCase().replace(/[^a-z0-9]/g, "-")}`);
const value = fc
  .array(fc.integer({ min: 0x20, max: 0x7e }), { maxLength: 60 })
  .map((codes) => String.fromCharCode(...codes).trim());
const fieldSet = fc.dictionary(token, value, { maxKeys: 12 });

describe.skipIf(!isEpollSupported().supported)("HTTP/2 on the fast loop, with node:http2", () => {
  let app: App;
  let session: ClientHttp2Session;
  let authority: string;

  beforeAll(async () => {
    app = createServer({ loop: "epoll" });
    app.get("/", (request) => {
      const fields = request.fields();
      const bytes = Buffer.from(JSON.stringify(fields), "latin1");
      const head = Object.entries(fields).flatMap(([name, each]) =>
        name.startsWith("x-") ? [name, each] : [],
      );
      head.push("Content-Length", String(bytes.byteLength));
      return { head: new ResponseHead(200, head), body: { kind: "bytes", bytes } };
    });
    const { port } = await app.listen({ port: 0, tls: SERVER, http2: true });
    session = connect(`https://localhost:${port}`, {
      ca: CA,
      lookup: (_name, _options, done) => done(null, [{ address: "127.0.0.1", family: 4 }]),
    });
    session.on("error", () => {});
    authority = `localhost:${port}`;
  });
  afterAll(async () => {
    session.destroy();
    await app.close({ timeoutMs: 100 });
  });

  const ask = (fields: OutgoingHttpHeaders) =>
    new Promise<{ headers: Record<string, unknown>; body: Record<string, string> }>((resolve, reject) => {
      const stream = session.request({ ":path": "/", ...fields });
      const chunks: Buffer[] = [];
      let headers = {};
      stream.on("response", (answered) => {
        headers = answered;
      });
      stream.on("data", (chunk: Buffer) => chunks.push(chunk)).on("error", reject);
      stream.on("end", () =>
        resolve({ headers, body: JSON.parse(Buffer.concat(chunks).toString("latin1")) }),
      );
    });

  test("any fields, there and back, over one connection", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fieldSet, { minLength: 1, maxLength: 5 }), async (sets) => {
        const answers = await Promise.all(sets.map((fields) => ask(fields)));
        for (const [i, { headers, body }] of answers.entries()) {
          const { host, ...rest } = body;
          expect(host).toBe(authority);
          expect(rest).toEqual({ ...sets[i] });
          const back = Object.entries(headers).filter(([name]) => name.startsWith("x-"));
          expect(Object.fromEntries(back)).toEqual({ ...sets[i] });
        }
      }),
      { numRuns: 60 },
    );
  });
});
