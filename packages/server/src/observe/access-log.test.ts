import { mkdtempSync, readFileSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { createServer } from "../app.js";
import { fakeServer, textPlan } from "../fake-server.fixture.js";
import { stream } from "../handlers/reply.js";
import type { ServerOptions } from "../options.js";
import type { AccessLogOptions } from "./access-log-options.js";
import { logFile } from "./log-file.js";
import { LOG_FORMATS, type LogEntry } from "./log-line.js";

async function logging(accessLog: Partial<AccessLogOptions> = {}, options: ServerOptions = {}) {
  let text = "";
  const write = (lines: string): void => {
    text += lines;
  };
  const server = await fakeServer(undefined, { accessLog: { write, ...accessLog }, ...options });
  server.app.get("/hello", () => textPlan("hello"));
  return {
    ...server,
    ask: async (requests: string, window?: number) => {
      const client = server.connect(window);
      client.clientSend(requests);
      await server.settle();
      return client;
    },
    /** All lines, of a server that has closed. */
    lines: async () => {
      await server.app.close({ timeoutMs: 0 });
      return text.split("\n").slice(0, -1);
    },
  };
}

const GET = "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n";

test("JSON: a line for each request, also for what was none, and for answers that come later", async () => {
  const { app, ask, lines } = await logging();
  app.get("/later", async () => textPlan("later", 201));
  app.get("/stream", () =>
    stream(
      (async function* () {
        yield Buffer.from("piece");
      })(),
    ),
  );
  const fields = "Host: a\r\nUser-Agent: test/1\r\nReferer: http://a/\r\n\r\n";
  await ask(
    `${GET}HEAD /hello?q=1 HTTP/1.1\r\n${fields}GET /later HTTP/1.1\r\nHost: a\r\n\r\nGET /stream HTTP/1.1\r\nHost: a\r\n\r\nnot a request\r\n\r\n`,
  );
  const entries = (await lines()).map((line) => JSON.parse(line));
  expect(entries).toMatchObject([
    { method: "GET", target: "/hello", httpVersion: "1.1", status: 200, bodyBytes: 5 },
    {
      method: "HEAD",
      target: "/hello?q=1",
      status: 200,
      bodyBytes: 0,
      userAgent: "test/1",
      referer: "http://a/",
    },
    { target: "/later", status: 201, bodyBytes: 5 },
    { target: "/stream", status: 200 },
    { status: 400 },
  ]);
  expect(entries[3]).not.toHaveProperty("bodyBytes");
  expect(entries[4]).not.toHaveProperty("method");
  for (const entry of entries) {
    expect(entry.time).toMatch(/^2026-01-01T00:00:0\d/);
    expect(entry.durationMs).toBeGreaterThanOrEqual(0);
    expect(entry).not.toHaveProperty("aborted");
  }
  expect(app.stats()).toMatchObject({ accessLog: { written: 5, dropped: 0 } });
  expect(app.stats()).not.toHaveProperty("total");
});

test("combined: as Apache writes it; the client is who trusted proxies say", async () => {
  const { ask, lines } = await logging({ format: "combined" }, { trustedProxies: ["0.0.0.0/0", "::/0"] });
  await ask("GET /hello HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 203.0.113.9\r\nUser-Agent: x\r\n\r\n");
  await ask("GET /nowhere HTTP/1.0\r\n\r\n");
  const [first, second] = await lines();
  expect(first).toMatch(
    /^203\.0\.113\.9 - - \[01\/Jan\/2026:00:00:0\d \+0000\] "GET \/hello HTTP\/1\.1" 200 5 "-" "x"$/,
  );
  expect(second).toMatch(/"GET \/nowhere HTTP\/1\.0" 404 \d+ "-" "-"$/);
});

test("a client that leaves before its answer is complete is logged as aborted", async () => {
  const { app, ask, settle, lines } = await logging();
  app.get("/large", () => textPlan("x".repeat(100_000)));
  app.get("/never", () => new Promise<never>(() => {}));
  for (const path of ["/large", "/never"]) {
    const client = await ask(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`, 1000);
    client.destroy();
    await settle();
  }
  const entries = (await lines()).map((line) => JSON.parse(line));
  expect(entries).toMatchObject([
    { target: "/large", status: 200, aborted: true },
    { target: "/never", aborted: true },
  ]);
});

test("what clients send can neither end a line nor a value, nor reach a terminal", () => {
  const evil = `a"b\\c\r\n127.0.0.1 - - "GET /forged HTTP/1.1" 200\x00\x1b[2J\x7f\x9b31m\u2028\u2029é`;
  const entry: LogEntry = {
    timeMs: 0,
    startMs: 0,
    address: `1.2.3.4 ${evil}`,
    method: evil,
    target: evil,
    httpVersion: "1.1",
    referer: evil,
    userAgent: evil,
    status: 200,
    bodyBytes: 1,
  };
  const json = LOG_FORMATS.json.line(entry, 1, false);
  const combined = LOG_FORMATS.combined.line(entry, 1, false);
  for (const line of [json, combined]) {
    expect(line.slice(0, -1)).not.toMatch(/[\x00-\x1f\x7f-\x9f\u2028\u2029]/);
    expect(line.endsWith("\n")).toBe(true);
  }
  expect(JSON.parse(json)).toMatchObject({ method: evil, target: evil, referer: evil, userAgent: evil });
  expect(combined).toMatch(/^[ -~]+\n$/);
  const value = '"(?:[^"\\\\]|\\\\.)*"';
  expect(combined).toMatch(new RegExp(`^\\S+ - - \\[[^\\]]+\\] ${value} 200 1 ${value} ${value}\n$`));
});

test("through a server: an escape sequence in a field stays text", async () => {
  const { ask, lines } = await logging({ format: "combined" });
  await ask('GET /hello HTTP/1.1\r\nHost: a\r\nUser-Agent: x" 200\t\x9b2J\xff\r\n\r\n');
  const [line, ...more] = await lines();
  expect(line).toContain('"x\\" 200\\x09\\x9b2J\\xff"');
  expect(more).toEqual([]);
});

test("a writer that does not come along: answers go on, lines are dropped, counted and said", async () => {
  let text = "";
  let release: (() => void) | undefined;
  let stuck = true;
  const write = (lines: string): Promise<void> | undefined => {
    text += lines;
    if (!stuck) return undefined;
    return new Promise((resolve) => {
      release = resolve;
    });
  };
  const { app, ask } = await logging({ write: write as AccessLogOptions["write"] });
  const long = `GET /hello?${"x".repeat(7000)} HTTP/1.1\r\nHost: a\r\n\r\n`;
  for (let i = 0; i < 200; i++) {
    const { received } = await ask(long);
    expect(received.toString("latin1")).toContain("200 OK");
  }
  const { dropped } = app.stats().accessLog!;
  expect(dropped).toBeGreaterThan(10);
  stuck = false;
  release!();
  await app.close({ timeoutMs: 0 });
  const entries = text
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line));
  expect(entries.filter(({ target }) => target !== undefined)).toHaveLength(200 - dropped);
  expect(entries.reduce((sum, { droppedLines = 0 }) => sum + droppedLines, 0)).toBe(dropped);
  expect(app.stats().accessLog).toEqual({ written: 200 - dropped, dropped });
});

test("a writer that fails is reported to the error listeners, and its lines count as dropped", async () => {
  const errors: unknown[] = [];
  const write = (): Promise<void> => Promise.reject(new Error("disk full"));
  const { app, ask } = await logging({ write });
  app.onError((error) => {
    errors.push(error);
  });
  await ask(GET);
  await app.close({ timeoutMs: 0 });
  expect(errors).toEqual([new Error("disk full")]);
  expect(app.stats().accessLog).toEqual({ written: 0, dropped: 1 });
});

test("a sample is a share of the requests", async () => {
  const { ask, lines } = await logging({ sample: 0.25 });
  await ask(GET.repeat(400));
  const { length } = await lines();
  // Of 400 with p = 1/4; outside of this once in 10^9 runs.
  expect(length).toBeGreaterThan(45);
  expect(length).toBeLessThan(160);
});

test.each([
  [{ format: "xml" }, "accessLog.format is xml; allowed: json, combined"],
  [{ sample: 0 }, "accessLog.sample is 0; allowed: a number more than 0 and at most 1"],
  [{ sample: Number.NaN }, "accessLog.sample is NaN"],
  [{ write: "file" }, "accessLog.write is file; allowed: a function that takes lines"],
  [{ fromat: "json" }, "unknown option accessLog.fromat; allowed: format, sample, write"],
])("refuses %j", (accessLog, message) => {
  expect(() => createServer({ accessLog: accessLog as never })).toThrow(message);
});

test("a file is appended to, and made anew when it was moved away", async () => {
  const dir = mkdtempSync(join(tmpdir(), "tz-log-"));
  onTestFinished(() => rmSync(dir, { recursive: true }));
  const path = join(dir, "access.log");
  const write = logFile(path);
  await write("one\n");
  await write("two\n");
  renameSync(path, `${path}.1`);
  await write("three\n");
  await write.close?.();
  expect(readFileSync(`${path}.1`, "utf8")).toBe("one\ntwo\n");
  expect(readFileSync(path, "utf8")).toBe("three\n");
  await expect(Promise.resolve(write("four\n"))).rejects.toThrow("is closed");
  expect(() => logFile(dir)).toThrow(/cannot be opened \(EISDIR\)/);
});
