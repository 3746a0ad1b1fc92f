import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, writeFileSync } from "node:fs";
import { get } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isEpollSupported } from "@tz/server";
import { type Browser, chromium } from "playwright-core";
import { beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { startCli } from "./cli.fixture.js";

const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";
const lacking = existsSync(executablePath)
  ? ""
  : `: ${executablePath} is not installed (apt-get install chromium)`;
const loops = isEpollSupported().supported ? (["epoll", "node"] as const) : (["node"] as const);
const hasH2load = spawnSync("h2load", ["--version"]).error === undefined;

const folder = mkdtempSync(join(tmpdir(), "tz-http2-"));
/** More than one window of HTTP/2, and more than one read. */
const LARGE_BYTES = 300_000;
const files: Readonly<Record<string, string>> = {
  "index.html":
    '<!doctype html><title>h2</title><link rel="stylesheet" href="a.css"><script src="large.js"></script><p>hello',
  "a.css": "p { color: rgb(1, 2, 3) }",
  "large.js": `globalThis.large = ${JSON.stringify("x".repeat(LARGE_BYTES))};`,
  "data.json": '{"a":1}',
};
for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);

/** Each file of the page, with the protocol that carried it. */
const PROTOCOLS = `performance.getEntries()
  .filter((entry) => entry.nextHopProtocol !== undefined && !/favicon|none/.test(entry.name))
  .map((entry) => [new URL(entry.name).pathname, entry.nextHopProtocol])
  .sort()`;

describe.each(loops)("--http2 on the %s loop", (loop) => {
  const start = () => startCli([folder, "--port=0", `--loop=${loop}`, "--tls-self-signed", "--http2"]);

  describe.skipIf(lacking !== "")(`with Chromium${lacking}`, () => {
    let browser: Browser;

    beforeAll(async () => {
      browser = await chromium.launch({ executablePath, timeout: 120_000 });
      return () => browser.close();
    });

    test("a page and all that belongs to it come over h2", async () => {
      const { url } = await start().ready();
      const context = await browser.newContext({ ignoreHTTPSErrors: true });
      onTestFinished(() => context.close());
      const page = await context.newPage();
      page.setDefaultTimeout(120_000);
      const response = await page.goto(url);
      expect(response?.status()).toBe(200);
      expect(await page.evaluate("getComputedStyle(document.querySelector('p')).color")).toBe("rgb(1, 2, 3)");
      expect(await page.evaluate("large.length")).toBe(LARGE_BYTES);
      expect(await page.evaluate("fetch('data.json').then((answer) => answer.json())")).toEqual({ a: 1 });
      expect(await page.evaluate("fetch('none').then((answer) => answer.status)")).toBe(404);
      expect(await page.evaluate(PROTOCOLS)).toEqual(
        ["/", "/a.css", "/data.json", "/large.js"].map((path) => [path, "h2"]),
      );
    });
  });

  test("HTTP/1.1 clients get HTTP/1.1 on the same port; h2load gets every answer", async () => {
    const { url, port } = await start().ready();
    const version = new Promise((resolve, reject) => {
      get(`${url}a.css`, { rejectUnauthorized: false, agent: false }, (response) => {
        response.resume().once("end", () => resolve(`${response.httpVersion} ${response.statusCode}`));
      }).on("error", reject);
    });
    expect(await version).toBe("1.1 200");
    if (!hasH2load) return;
    const target = `https://127.0.0.1:${port}/a.css`;
    const { stdout } = spawnSync("h2load", ["-n", "200", "-c", "2", "-m", "5", target], { encoding: "utf8" });
    expect(stdout).toContain("Application protocol: h2");
    expect(stdout).toMatch(/200 succeeded, 0 failed, 0 errored, 0 timeout/);
    expect(stdout).toMatch(/status codes: 200 2xx/);
  });
});

test("--http2 without a certificate: one line, exit code 2", async () => {
  const cli = startCli([folder, "--port=0", "--http2"]);
  expect(await cli.exit).toEqual({ code: 2, signal: null });
  expect(cli.stderr).toBe("tz-static: --http2 needs HTTPS: --cert and --key, or --tls-self-signed\n");
});
