import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { describe, expect, onTestFinished, test } from "vitest";
import { startCli } from "./cli.fixture.js";
import { readConfig } from "./config.js";

interface Answer {
  readonly status: number;
  readonly headers: NodeJS.Dict<string | string[]>;
  readonly body: string;
}

/** `fetch` lets nobody choose the Host. */
function ask(url: string, path: string, headers: NodeJS.Dict<string> = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    request(new URL(path, url), { headers, agent: false }, (response) => {
      let body = "";
      response.on("data", (chunk) => (body += chunk));
      response.on("end", () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body }),
      );
    })
      .on("error", reject)
      .end();
  });
}

const PATHS = ["/metrics", "/health", "/ready", "/_tz/", "/_tz/dashboard.js", "/_tz/events"];

const SLOW = { timeout: 240_000 };

test("nothing is told unless it is asked for", async () => {
  const { url } = await startCli(["--port", "0", "--quiet"]).ready();
  for (const path of PATHS) expect((await ask(url, path)).status, path).toBe(404);
});

describe.each(["epoll", "node"])("on the main address, loop %s", (loop) => {
  test("to this machine only: not through a proxy, not under another name", SLOW, async () => {
    const flags = ["--metrics", "--health", "--dashboard"];
    const { url } = await startCli(["--port", "0", "--loop", loop, "--quiet", ...flags]).ready();
    for (const path of PATHS) {
      for (const headers of [{ host: "evil.example" }, { "x-forwarded-for": "203.0.113.9" }]) {
        expect((await ask(url, path, headers)).status, path).toBe(403);
      }
    }
    expect((await ask(url, "/")).status).toBe(200);
    expect((await ask(url, "/metrics")).body).toMatch(
      /^tz_http_requests_total\{route="\/\*",code="2xx"\} 1$/m,
    );
    expect(JSON.parse((await ask(url, "/ready")).body)).toEqual({ status: "ready", checks: {} });
    const page = await ask(url, "/_tz/");
    expect(page.headers["content-security-policy"]).toContain("script-src 'self'");
    expect(page.body).not.toMatch(/<script>|onclick|style="/);
    expect((await ask(url, "/_tz")).headers.location).toBe("/_tz/");
  });
});

test("on an address of its own, of all workers", SLOW, async () => {
  const cli = startCli(["--port", "0", "--workers", "2", "--metrics", "--health", "--admin", "0"]);
  const { url } = await cli.ready();
  for (const path of ["/metrics", "/health"]) expect((await ask(url, path)).status).toBe(404);
  await expect.poll(() => cli.stderr, { timeout: 120_000 }).toContain("Monitoring on http://127.0.0.1:");
  const admin = /Monitoring on (\S+)/.exec(cli.stderr)![1]!;
  for (let i = 0; i < 20; i++) await ask(url, "/");
  const { body } = await ask(admin, "/metrics");
  expect(body).toMatch(/^tz_http_requests_total\{route="\/\*",code="2xx"\} 20$/m);
  expect(body).toMatch(/^tz_worker_ready\{worker="1",pid="\d+"\} 1$/m);
  expect((await ask(admin, "/ready")).status).toBe(200);
});

test("after a signal it goes on for a while, but is not ready", SLOW, async () => {
  const cli = startCli(["--port", "0", "--health", "--quiet", "--drain-delay", "3"]);
  const { url } = await cli.ready();
  cli.child.kill("SIGTERM");
  await expect.poll(async () => (await ask(url, "/ready")).status, { timeout: 120_000 }).toBe(503);
  expect((await ask(url, "/")).status).toBe(200);
  expect(await cli.exit).toEqual({ code: 0, signal: null });
});

test("an access log of all workers in one file; the last lines too", SLOW, async () => {
  const dir = mkdtempSync(join(tmpdir(), "tz-access-"));
  onTestFinished(() => rmSync(dir, { recursive: true }));
  const file = join(dir, "access.log");
  const flags = ["--workers", "2", `--access-log=${file}`, "--access-log-format", "combined"];
  const cli = startCli(["--port", "0", "--quiet", ...flags]);
  const { url } = await cli.ready();
  for (let i = 0; i < 20; i++) await ask(url, `/?n=${i}`, { "user-agent": 'a "b"' });
  await cli.stop();
  const lines = readFileSync(file, "utf8").split("\n").slice(0, -1);
  expect(lines).toHaveLength(20);
  for (const line of lines) {
    expect(line).toMatch(/^127\.0\.0\.1 - - \[[^\]]+\] "GET \/\?n=\d+ HTTP\/1\.1" 200 \d+ "-" "a \\"b\\""$/);
  }
});

test("an access log on stdout, behind the ready line", SLOW, async () => {
  const cli = startCli(["--port", "0", "--quiet", "--access-log"]);
  const { url } = await cli.ready();
  await ask(url, "/nowhere");
  await cli.stop();
  const [, line = "", ...more] = cli.stdout.split("\n");
  expect(JSON.parse(line)).toMatchObject({ method: "GET", target: "/nowhere", status: 404 });
  expect(more).toEqual([""]);
});

test.each([
  [["--access-log-format", "json"], "--access-log-format needs --access-log"],
  [["--access-log", "--access-log-format", "xml"], "Allowed choices are json, combined"],
  [["--admin", "9090"], "--admin needs something to tell"],
  [["--metrics", "--admin", "99999"], "It must be a port"],
  [["--metrics", "--admin", "a b:1"], "It must be a port"],
  [["--drain-delay", "-1"], "It must be a number of seconds from 0 to 3600"],
])("refuses %j", (args, message) => {
  expect(() => readConfig(args, "0")).toThrow(message);
});

test("the dashboard is small", () => {
  const folder = new URL("../web/dashboard/", import.meta.url);
  const files = readdirSync(folder).map((name) => new URL(name, folder));
  expect(files.every((file) => statSync(file).isFile())).toBe(true);
  const packed = files.reduce((sum, file) => sum + gzipSync(readFileSync(file)).byteLength, 0);
  expect(packed).toBeLessThan(10_000);
});
