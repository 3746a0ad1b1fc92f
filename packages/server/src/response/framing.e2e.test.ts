/** What handlers say of framing, on every carrier: one Date, one length, no field of the connection that is not ours. */
import { once } from "node:events";
import { createServer as createNodeServer } from "node:http";
import { connect as connectHttp2, type IncomingHttpHeaders } from "node:http2";
import { type AddressInfo, connect as connectTcp } from "node:net";
import { ResponseHead, type ResponsePlan } from "@tz/http1";
import { afterEach, describe, expect, test } from "vitest";
import { connect } from "../adapters/connect.js";
import { toNodeListener } from "../adapters/node-listener.js";
import { type App, createServer } from "../app.js";
import { bytes, stream, text } from "../handlers/reply.js";
import { isEpollSupported } from "../loop/epoll.js";
import type { LoopChoice } from "../options.js";
import { SERVER } from "../tls/certificates.fixture.js";

const loops: LoopChoice[] = isEpollSupported().supported ? ["epoll", "node"] : ["node"];
const THEN = "Sun, 06 Nov 1994 08:49:37 GMT";
const ODD = [
  "Date",
  THEN,
  "Connection",
  "keep-alive",
  "Keep-Alive",
  "timeout=7",
  "Transfer-Encoding",
  "chunked",
];
async function* chunks(): AsyncGenerator<Uint8Array> {
  yield Buffer.from("he");
  yield Buffer.from("llo");
}
const handMade = (fields: string[], body: ResponsePlan["body"]): ResponsePlan => ({
  head: new ResponseHead(200, fields),
  body,
});

/** Every one answers "hello". */
function addRoutes(app: App): void {
  app.get("/fields", () => text("hello", { fields: [...ODD, "Content-Length", "17"] }));
  app.get("/bare", () => handMade(["Date", THEN], { kind: "bytes", bytes: Buffer.from("hello") }));
  app.get("/stream", () => stream(chunks(), { fields: [...ODD, "Content-Length", "5"] }));
  app.get("/response", () => new Response("hello", { headers: { date: THEN, "keep-alive": "timeout=7" } }));
  app.get("/empty", () => handMade(["Date", THEN], { kind: "none" }));
  app.get("/bytes", () => bytes(Buffer.from("hello"), { fields: ["date", THEN, "Date", THEN] }));
  app.use(
    connect((incoming, outgoing, next) => {
      if (incoming.url !== "/connect") {
        next();
        return;
      }
      outgoing.setHeader("Date", THEN);
      outgoing.setHeader("Keep-Alive", "timeout=7");
      outgoing.end("hello");
    }),
  );
  app.get("/close", () => text("hello", { fields: ["Connection", "close", "Date", THEN] }));
}
const PATHS = ["/fields", "/bare", "/stream", "/response", "/empty", "/bytes", "/connect"];

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

/** All that a server says on one connection, until it ends it. */
async function ask(port: number, text: string): Promise<string> {
  const socket = connectTcp(port, "127.0.0.1");
  let said = "";
  socket.setEncoding("latin1").on("data", (chunk: string) => {
    said += chunk;
  });
  socket.on("error", () => {});
  socket.write(text);
  await once(socket, "close");
  return said;
}

const request = (path: string, more = ""): string => `GET ${path} HTTP/1.1\r\nHost: a\r\n${more}\r\n`;

interface Answer {
  readonly fields: [string, string][];
  readonly body: string;
}

/** Reads answers one behind the other: by their framing, as the strictest client would. */
function answersIn(said: string): Answer[] {
  const answers: Answer[] = [];
  let rest = said;
  while (rest.length > 0) {
    const end = rest.indexOf("\r\n\r\n");
    expect(rest).toMatch(/^HTTP\/1\.1 \d{3} /);
    const fields = rest
      .slice(0, end)
      .split("\r\n")
      .slice(1)
      .map((line): [string, string] => [
        line.slice(0, line.indexOf(":")).toLowerCase(),
        line.slice(line.indexOf(":") + 1).trim(),
      ]);
    rest = rest.slice(end + 4);
    const of = (name: string): string[] => fields.filter(([one]) => one === name).map(([, value]) => value);
    const [length] = of("content-length");
    expect(of("content-length").length + of("transfer-encoding").length).toBe(1);
    let body = "";
    if (length === undefined) {
      for (;;) {
        const line = rest.indexOf("\r\n");
        const size = Number.parseInt(rest.slice(0, line), 16);
        body += rest.slice(line + 2, line + 2 + size);
        rest = rest.slice(line + 2 + size + 2);
        if (size === 0) break;
      }
    } else {
      body = rest.slice(0, Number(length));
      rest = rest.slice(Number(length));
    }
    answers.push({ fields, body });
  }
  return answers;
}

describe.each([...loops, "node:http"] as const)("HTTP/1.1 on %s", (carrier) => {
  const serve = async (): Promise<number> => {
    const app = createServer({
      loop: carrier === "node:http" ? "node" : carrier,
      tickMs: 10,
      lingerTimeoutMs: 50,
    });
    addRoutes(app);
    closers.push(() => app.close({ timeoutMs: 100 }));
    if (carrier !== "node:http") return (await app.listen({ port: 0 })).port;
    const server = createNodeServer(toNodeListener(app)).listen(0, "127.0.0.1");
    await once(server, "listening");
    closers.push(() => server.close());
    return (server.address() as AddressInfo).port;
  };

  test("answers behind each other: one Date, the handler's, and one framing", async () => {
    const port = await serve();
    const said = await ask(port, PATHS.map((path) => request(path)).join("") + request("/close"));
    const answers = answersIn(said);
    expect(answers.map(({ body }) => body)).toEqual(
      [...PATHS, "/close"].map((path) => (path === "/empty" ? "" : "hello")),
    );
    for (const [i, { fields }] of answers.entries()) {
      const isLast = i === answers.length - 1;
      const of = (name: string): string[] => fields.filter(([one]) => one === name).map(([, value]) => value);
      expect(of("date")).toEqual([THEN]);
      expect(of("keep-alive").filter((value) => value === "timeout=7")).toEqual([]);
      expect(of("connection").map((value) => value.toLowerCase())).toEqual(
        isLast ? ["close"] : carrier === "node:http" ? ["keep-alive"] : [],
      );
    }
  });
});

test.each(loops)("HTTP/2 on the %s loop says the same", async (loop) => {
  const app = createServer({ loop, tickMs: 10 });
  addRoutes(app);
  closers.push(() => app.close({ timeoutMs: 100 }));
  const { port } = await app.listen({ port: 0, tls: SERVER, http2: true });
  const session = connectHttp2(`https://127.0.0.1:${port}`, { rejectUnauthorized: false });
  closers.push(() => session.destroy());
  for (const path of PATHS) {
    const stream = session.request({ ":path": path });
    const [headers] = (await once(stream, "response")) as [IncomingHttpHeaders];
    let body = "";
    for await (const chunk of stream) body += chunk;
    expect(body).toBe(path === "/empty" ? "" : "hello");
    // Node's client joins what is said twice, or refuses it.
    expect(headers.date).toBe(THEN);
    if (path === "/empty") expect(headers["content-length"]).toBe("0");
    else expect(headers["content-length"] ?? "5").toBe("5");
    expect(headers["keep-alive"] ?? headers.connection ?? headers["transfer-encoding"]).toBeUndefined();
  }
});
