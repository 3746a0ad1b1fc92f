import { mkdirSync, mkdtempSync, utimesSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { Cli, startCli } from "./cli.fixture.js";
import { type RawAnswer, rawExchange } from "./raw-exchange.fixture.js";

const folder = mkdtempSync(join(tmpdir(), "tz-answers-"));
const modified = new Date("2023-11-14T22:13:20Z");
const put = (name: string, content: string) => {
  writeFileSync(join(folder, name), content);
  utimesSync(join(folder, name), modified, modified);
};
mkdirSync(join(folder, "dir"));
mkdirSync(join(folder, "bare"));
put("hello.txt", "hello world\n");
put("index.html", "<!doctype html><p>home\n");
put("dir/index.html", "<!doctype html><p>dir\n");
put(".env", "SECRET\n");

const get = (target: string, ...fields: string[]) =>
  ["GET ", target, " HTTP/1.1\r\nHost: a\r\n", ...fields.map((field) => `${field}\r\n`), "\r\n"].join("");

interface Case {
  readonly name: string;
  readonly request: string;
  readonly status: number;
  readonly fields?: Readonly<Record<string, string | RegExp>>;
  readonly body?: string;
}

const lastModified = "Tue, 14 Nov 2023 22:13:20 GMT";
const earlier = "Tue, 14 Nov 2023 22:13:19 GMT";

const cases: readonly Case[] = [
  {
    name: "200 with all its fields",
    request: get("/hello.txt"),
    status: 200,
    fields: {
      "content-type": "text/plain; charset=utf-8",
      "content-length": "12",
      "last-modified": lastModified,
      etag: /^(W\/)?"[^"]+"$/,
      "accept-ranges": "bytes",
      date: /^\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT$/,
    },
    body: "hello world\n",
  },
  {
    name: "200 HEAD: the head of GET, no body",
    request: get("/hello.txt").replace("GET", "HEAD"),
    status: 200,
    fields: { "content-length": "12", "content-type": "text/plain; charset=utf-8" },
    body: "",
  },
  { name: "200 index of a folder", request: get("/dir/"), status: 200, body: "<!doctype html><p>dir\n" },
  {
    name: "200 HTTP/1.0",
    request: "GET /hello.txt HTTP/1.0\r\n\r\n",
    status: 200,
    fields: { connection: "close" },
  },
  {
    name: "204 OPTIONS",
    request: get("/hello.txt").replace("GET", "OPTIONS"),
    status: 204,
    fields: { allow: "GET, HEAD, OPTIONS" },
  },
  {
    name: "206 first bytes",
    request: get("/hello.txt", "Range: bytes=0-4"),
    status: 206,
    fields: { "content-range": "bytes 0-4/12", "content-length": "5" },
    body: "hello",
  },
  { name: "206 suffix", request: get("/hello.txt", "Range: bytes=-6"), status: 206, body: "world\n" },
  {
    name: "206 two ranges",
    request: get("/hello.txt", "Range: bytes=0-1,6-7"),
    status: 206,
    fields: { "content-type": /^multipart\/byteranges; ?boundary=/ },
  },
  {
    name: "308 to a folder's slash, query kept",
    request: get("/dir?x=1"),
    status: 308,
    fields: { location: /\/dir\/\?x=1$/ },
  },
  {
    name: "304 If-Modified-Since",
    request: get("/hello.txt", `If-Modified-Since: ${lastModified}`),
    status: 304,
    fields: { etag: /"/ },
    body: "",
  },
  { name: "304 If-None-Match: *", request: get("/hello.txt", "If-None-Match: *"), status: 304, body: "" },
  { name: "400 no Host", request: "GET / HTTP/1.1\r\n\r\n", status: 400, fields: { connection: "close" } },
  { name: "400 not HTTP", request: "\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", status: 400 },
  { name: "400 a path that is not well formed", request: get("/%zz"), status: 400 },
  { name: "403 a folder without index", request: get("/bare/"), status: 403 },
  { name: "404 nothing there", request: get("/missing.txt"), status: 404 },
  {
    name: "405 POST",
    request: get("/hello.txt").replace("GET", "POST"),
    status: 405,
    fields: { allow: /GET, HEAD/ },
  },
  {
    name: "412 If-Match another tag",
    request: get("/hello.txt", 'If-Match: "nope"'),
    status: 412,
  },
  {
    name: "412 If-Unmodified-Since",
    request: get("/hello.txt", `If-Unmodified-Since: ${earlier}`),
    status: 412,
  },
  {
    name: "405 before a body that would take a day",
    request: "POST /hello.txt HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999\r\n\r\n",
    status: 405,
    fields: { connection: "close" },
  },
  { name: "414 a target of 9,000 bytes", request: get(`/${"a".repeat(9000)}`), status: 414 },
  {
    name: "416 past the end",
    request: get("/hello.txt", "Range: bytes=12-"),
    status: 416,
    fields: { "content-range": "bytes */12" },
  },
  { name: "431 a field of 40 KB", request: get("/", `X: ${"a".repeat(40_000)}`), status: 431 },
  {
    name: "431 200 fields",
    request: get("/", ...Array.from({ length: 200 }, (_, i) => `X-${i}: 1`)),
    status: 431,
  },
  {
    name: "501 a transfer coding that nobody knows",
    request: "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: brew, chunked\r\n\r\n0\r\n\r\n",
    status: 501,
  },
  { name: "505 HTTP/2.0 in words", request: "GET / HTTP/2.0\r\nHost: a\r\n\r\n", status: 505 },
];

/** Nothing of the machine may show, whatever was asked. */
function expectDiscreet({ body }: RawAnswer): void {
  expect(body.toString("latin1")).not.toContain(folder);
  expect(body.toString("latin1")).not.toContain("SECRET");
}

describe.each([
  ["epoll", "1"],
  ["node", "1"],
  ["epoll", "2"],
  ["node", "2"],
] as const)("loop %s, workers: %s", (loop, workers) => {
  let cli: Cli;
  let port: number;

  beforeAll(async () => {
    cli = new Cli([folder, "--port", "0", "--loop", loop, "--workers", workers, "--quiet"], undefined);
    ({ port } = await cli.ready());
    return async () => {
      await cli.stop();
    };
  });

  test.each(cases)("$name", async ({ request, status, fields = {}, body }) => {
    const answer = await rawExchange(port, request);
    expectDiscreet(answer);
    expect(answer.status).toBe(status);
    for (const [name, value] of Object.entries(fields)) {
      if (typeof value === "string") expect(answer.fields[name], name).toBe(value);
      else expect(answer.fields[name], name).toMatch(value);
    }
    if (body !== undefined) expect(answer.body.toString()).toBe(body);
    if (answer.status >= 400) expect(answer.fields["content-type"]).toMatch(/^text\/|json/);
  });

  test("304 for the tag of the last answer, 200 for another", async () => {
    const { etag } = (await rawExchange(port, get("/hello.txt"))).fields;
    expect((await rawExchange(port, get("/hello.txt", `If-None-Match: ${etag}`))).status).toBe(304);
    expect((await rawExchange(port, get("/hello.txt", 'If-None-Match: "x"'))).status).toBe(200);
  });

  test.each([
    "/../outside",
    "/%2e%2e/outside",
    "/..%2foutside",
    "/.env",
    "/%2eenv",
    "/dir/../.env",
    "/hello.txt%00.png",
  ])("%s is not served", async (target) => {
    const answer = await rawExchange(port, get(target));
    expectDiscreet(answer);
    expect([400, 403, 404]).toContain(answer.status);
  });

  test("one connection carries many requests, also pipelined", async () => {
    const requests = get("/hello.txt") + get("/dir/") + get("/missing.txt", "Connection: close");
    const text = await new Promise<string>((resolve) => {
      const parts: Buffer[] = [];
      const socket = connect(port, "127.0.0.1", () => socket.write(requests));
      socket
        .on("data", (chunk) => parts.push(chunk))
        .on("close", () => resolve(Buffer.concat(parts).toString("latin1")));
    });
    expect(text.match(/^HTTP\/1\.1 \d{3}/gm)).toEqual(["HTTP/1.1 200", "HTTP/1.1 200", "HTTP/1.1 404"]);
  });
});

test("a changed file is seen", async () => {
  const { port } = await startCli([folder, "--port", "0"]).ready();
  put("changing.txt", "one\n");
  expect((await rawExchange(port, get("/changing.txt"))).body.toString()).toBe("one\n");
  writeFileSync(join(folder, "changing.txt"), "two and longer\n");
  await expect
    .poll(async () => (await rawExchange(port, get("/changing.txt"))).body.toString(), { timeout: 120_000 })
    .toBe("two and longer\n");
});
