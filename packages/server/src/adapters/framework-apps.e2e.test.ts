import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer as createNodeServer, type IncomingMessage, request as nodeRequest } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { type App, createServer } from "../app.js";
import { isEpollSupported } from "../loop/epoll.js";
import { connect } from "./connect.js";
import { expressNotes } from "./express-notes.fixture.js";
import { honoNotes } from "./hono-notes.fixture.js";
import { toNodeListener } from "./node-listener.js";

const carriers = [
  ...(isEpollSupported().supported ? (["epoll"] as const) : []),
  "node",
  "node:http",
] as const;
type Carrier = (typeof carriers)[number];

/** A request: method, path, fields, body. */
type Asked = readonly [method: string, path: string, fields?: Record<string, string>, body?: string];
const JSON_TYPE = { "content-type": "application/json" };
const FORM_TYPE = { "content-type": "application/x-www-form-urlencoded" };
const ROOT = { authorization: `Basic ${Buffer.from("root:secret").toString("base64")}` };
const SITE = { origin: "https://app.example" };

/** What the example's own tests ask, in this order: later ones see what earlier ones wrote. */
const HONO_TESTS: readonly (readonly [asked: Asked, status: number, body: RegExp])[] = [
  [["GET", "/api/notes"], 200, /^\[\{"id":1,"text":"first"\}\]$/],
  [["GET", "/api/notes", SITE], 200, /first/],
  [["OPTIONS", "/api/notes", { ...SITE, "access-control-request-method": "POST" }], 204, /^$/],
  [["POST", "/api/notes", JSON_TYPE, '{"text":"süß"}'], 201, /^\{"id":2,"text":"süß"\}$/],
  [["POST", "/api/notes", JSON_TYPE, "{}"], 422, /text is missing/],
  [["POST", "/api/notes", JSON_TYPE, "{"], 400, /Malformed JSON/],
  [["POST", "/api/notes", JSON_TYPE, JSON.stringify({ text: "x".repeat(2000) })], 413, /Payload Too Large/],
  [["GET", "/api/notes/2"], 200, /süß/],
  [["HEAD", "/api/notes/2"], 200, /^$/],
  [["GET", "/api/notes/9"], 404, /no such note/],
  [["GET", "/api/notes/x"], 404, /nothing at/],
  [["DELETE", "/api/notes/2"], 204, /^$/],
  [["DELETE", "/api/notes/2"], 404, /^$/],
  [["GET", "/admin/count"], 401, /Unauthorized/],
  [["GET", "/admin/count", ROOT], 200, /^1$/],
  [["POST", "/login", FORM_TYPE, "name=ada"], 303, /^$/],
  [["GET", "/me"], 200, /^nobody$/],
  [["GET", "/me", { cookie: "session=ada.forged" }], 200, /^nobody$/],
  [["GET", "/events"], 200, /^event: tick\ndata: line 0\ndata: more\nid: 0\n\n/],
  [["GET", "/broken"], 500, /on purpose/],
  [["GET", "/a%20b/%C3%BC?q=1"], 404, /nothing at \/a%20b\/|nothing at \/a b/],
];
const EXPRESS_TESTS: typeof HONO_TESTS = [
  [["GET", "/api/notes"], 200, /^\[\{"id":1,"text":"first"\}\]$/],
  [["POST", "/api/notes", JSON_TYPE, '{"text":"süß"}'], 201, /^\{"id":2,"text":"süß"\}$/],
  [["POST", "/api/notes", JSON_TYPE, "{}"], 422, /text is missing/],
  [["POST", "/api/notes", JSON_TYPE, "{"], 400, /error/],
  [["POST", "/api/notes", JSON_TYPE, JSON.stringify({ text: "x".repeat(2000) })], 413, /too large/],
  [["GET", "/api/notes/2"], 200, /süß/],
  [["HEAD", "/api/notes/2"], 200, /^$/],
  [["GET", "/api/notes/9"], 404, /no such note/],
  [["DELETE", "/api/notes/2"], 204, /^$/],
  [["GET", "/files/a.txt"], 200, /^0123456789$/],
  [["GET", "/files/a.txt", { range: "bytes=2-4" }], 206, /^234$/],
  [["GET", "/files/none.txt"], 404, /nothing at/],
  [["GET", "/files"], 301, /Redirecting/],
  [["GET", "/negotiate", { accept: "application/json" }], 200, /json/],
  [["GET", "/negotiate", { accept: "text/html" }], 200, /<p>/],
  [["GET", "/negotiate", { accept: "image/png" }], 406, /Not Acceptable/],
  [["POST", "/login", FORM_TYPE, "name=ada+l"], 303, /me/],
  [["GET", "/me", { cookie: "session=ada" }], 200, /^session=ada$/],
  [["GET", "/query?a%5Bb%5D=1&c=2&c=3"], 200, /^\{"a":\{"b":"1"\},"c":\["2","3"\]\}$/],
  [["GET", "/jsonp?callback=run"], 200, /run\(\{"a":1\}\)/],
  [["GET", "/download"], 200, /^0123456789$/],
  [["GET", "/ranged", { range: "bytes=-3" }], 206, /^789$/],
  [["GET", "/broken"], 500, /on purpose/],
  [["GET", "/none"], 404, /nothing at \/none/],
  [["OPTIONS", "/api/notes/1"], 200, /GET/],
];

const folder = mkdtempSync(join(tmpdir(), "tz-notes-"));
beforeAll(() => writeFileSync(join(folder, "a.txt"), "0123456789"));
afterAll(() => rmSync(folder, { recursive: true }));
const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function serveByNode(listener: Parameters<typeof createNodeServer>[1]): Promise<number> {
  const server = createNodeServer(listener).listen(0, "127.0.0.1");
  await once(server, "listening");
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}
async function serve(carrier: Carrier, routes: (app: App) => void): Promise<number> {
  const app = createServer({ loop: carrier === "node:http" ? "node" : carrier, tickMs: 10 });
  closers.push(() => app.close({ timeoutMs: 200 }));
  routes(app);
  if (carrier === "node:http") return serveByNode(toNodeListener(app));
  return (await app.listen({ port: 0 })).port;
}

interface Answer {
  readonly status: number;
  readonly fields: Record<string, unknown>;
  readonly body: string;
}

/** Fields of the connection and of the moment are left out, and how a body's end is told. */
const NOT_COMPARED = ["date", "connection", "keep-alive", "transfer-encoding", "content-length"];

async function ask(port: number, [method, path, fields = {}, body]: Asked): Promise<Answer> {
  // The same name for all: answers may carry it.
  const headers = { host: "notes.example", ...fields };
  const sent = nodeRequest({ host: "127.0.0.1", port, method, path, headers }).end(body);
  const [answer] = (await once(sent, "response")) as [IncomingMessage];
  const chunks: Buffer[] = [];
  for await (const chunk of answer) chunks.push(chunk as Buffer);
  const compared = Object.entries(answer.headers).filter(([name]) => !NOT_COMPARED.includes(name));
  return {
    status: answer.statusCode!,
    fields: Object.fromEntries(compared.sort(([a], [b]) => (a < b ? -1 : 1))),
    body: Buffer.concat(chunks).toString(),
  };
}

async function run(port: number, tests: typeof HONO_TESTS): Promise<Answer[]> {
  const answers: Answer[] = [];
  for (const [asked, status, body] of tests) {
    const answer = await ask(port, asked);
    expect([asked, answer.status]).toEqual([asked, status]);
    expect(answer.body, asked.join(" ")).toMatch(body);
    answers.push(answer);
  }
  return answers;
}

describe.each(carriers)("on %s", (carrier) => {
  test("a Hono app passes its own tests, and answers as it does alone", async () => {
    const port = await serve(carrier, (app) => app.fetch("/", honoNotes().fetch));
    const alone = honoNotes();
    const answers = await run(port, HONO_TESTS);
    for (const [at, [[method, path, fields = {}, body]]] of HONO_TESTS.entries()) {
      const init = {
        method,
        headers: { host: "notes.example", ...fields },
        ...(body !== undefined && { body }),
      };
      const own = await alone.request(`http://notes.example${path}`, init);
      const { "set-cookie": cookies, ...rest } = answers[at]!.fields;
      expect([path, own.headers.getSetCookie()]).toEqual([path, cookies ?? []]);
      const ownFields = Object.fromEntries(
        [...own.headers].filter(([name]) => name !== "set-cookie" && !NOT_COMPARED.includes(name)),
      );
      expect([path, rest, answers[at]!.body]).toEqual([path, ownFields, await own.text()]);
    }
  });

  test("an Express app passes its own tests, and answers as it does on node:http", async () => {
    const mounted = await serve(carrier, (app) => app.use(connect(expressNotes(folder) as never)));
    const alone = await serveByNode(expressNotes(folder) as never);
    expect(await run(mounted, EXPRESS_TESTS)).toEqual(await run(alone, EXPRESS_TESTS));
  });
});
