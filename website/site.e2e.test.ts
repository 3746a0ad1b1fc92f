import { execFile } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { createServer } from "@tz/server";
import { staticMount } from "@tz/static";
import { type Browser, chromium, type Page, type Request } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const executablePath = ["/usr/bin/chromium", "/usr/bin/chromium-browser"].find((path) => existsSync(path));
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const folder = mkdtempSync(join(tmpdir(), "tz-site-"));
const shots = process.env["TZ_SCREENSHOTS"];
let browser: Browser | undefined;
let address = "";
const app = createServer();

beforeAll(async () => {
  // The API reference is built by a step of its own. A process of its own: VitePress resolves otherwise under vitest.
  // Below a path of its host, as GitHub serves it; `npm run docs:build` makes it for `/`.
  const { NODE_ENV: _, VITEST: __, ...others } = process.env;
  const env = { ...others, TZ_DOCS_BASE: "/tz/" };
  const build = join(import.meta.dirname, "build.mjs");
  await promisify(execFile)(process.execPath, [build, "--no-api", "--out", join(folder, "site")], { env });
  app.mount(staticMount("/tz", join(folder, "site"), { cleanUrls: true, errorPages: { 404: "404.html" } }));
  const { port } = await app.listen({ port: 0 });
  address = `http://127.0.0.1:${port}/tz`;
  if (!executablePath) return;
  const args = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
  ];
  browser = await chromium.launch({ executablePath, timeout: 120_000, args });
}, 900_000);

afterAll(async () => {
  await browser?.close();
  await app.close({ timeoutMs: 0 });
  rmSync(folder, { recursive: true, force: true });
});

const pages = [
  "/",
  "/start/files",
  "/guide/static",
  "/migrate/nginx",
  "/reference/options",
  "/operate/troubleshooting",
];
const looks = {
  "phone, dark": { viewport: { width: 360, height: 740 }, colorScheme: "dark" },
  "desktop, light": { viewport: { width: 1280, height: 800 }, colorScheme: "light" },
} as const;

test("every page is there, and one that is not is 404", async () => {
  for (const page of pages) expect((await fetch(address + page)).status, page).toBe(200);
  expect((await fetch(`${address}/no/such/page`)).status).toBe(404);
});

test("the option page has the tables of all packages", async () => {
  const html = await (await fetch(`${address}/reference/options`)).text();
  for (const option of ["maxHeadBytes", "revalidateMs", "--clean-urls"]) {
    expect(html).toContain(option);
  }
});

const seen = executablePath ? describe : describe.skip;
seen.each(Object.entries(looks))("in Chromium (needs the program chromium), %s", (name, look) => {
  test.each(pages)("%s is accessible, fits, and asks nobody else", async (path) => {
    const context = await browser!.newContext({ ...look, bypassCSP: true });
    const page = await context.newPage();
    const found = await visited(page, path);
    if (shots) {
      mkdirSync(shots, { recursive: true });
      await page.screenshot({
        path: join(shots, `site-${name.replace(", ", "-")}${path.replaceAll("/", "_")}.png`),
      });
    }
    await context.close();
    expect(found).toEqual([]);
  });
});

seen("in Chromium (needs the program chromium), every other page", () => {
  test("is accessible, fits a phone, and asks nobody else", async () => {
    const others = readdirSync(join(folder, "site"), { recursive: true, encoding: "utf8" })
      .filter((file) => file.endsWith(".html"))
      .map((file) => `/${file.replace(/(^|\/)index\.html$/, "$1").replace(/\.html$/, "")}`)
      .filter((path) => !pages.includes(path));
    expect(others.length).toBeGreaterThan(50);
    const context = await browser!.newContext({ ...looks["phone, dark"], bypassCSP: true });
    const wrong: Record<string, string[]> = {};
    const inTurn = async (): Promise<void> => {
      const page = await context.newPage();
      for (let path = others.pop(); path !== undefined; path = others.pop()) {
        const found = await visited(page, path);
        if (found.length > 0) wrong[path] = found;
      }
    };
    await Promise.all([inTurn(), inTurn()]);
    await context.close();
    expect(wrong).toEqual({});
  }, 900_000);
});

/** What is wrong with a page: serious findings of axe, requests to others, errors of scripts, too wide. */
async function visited(page: Page, path: string): Promise<string[]> {
  page.setDefaultTimeout(120_000);
  const noticed: string[] = [];
  const onRequest = (request: Request): void => {
    const url = request.url();
    if (!url.startsWith(address) && !url.startsWith("data:")) noticed.push(`asks ${url}`);
  };
  const onError = (error: Error): void => void noticed.push(error.message);
  page.on("request", onRequest).on("pageerror", onError);
  await page.goto(address + path, { waitUntil: "load" });
  await page.evaluate(axe);
  const found = (await page.evaluate(
    "axe.run(document, { resultTypes: ['violations'] }).then(({ violations }) => violations" +
      ".filter(({ impact }) => impact === 'serious' || impact === 'critical')" +
      ".map(({ id, nodes }) => id + ': ' + nodes.map((node) => node.html.slice(0, 200)).slice(0, 3).join(' | ')))",
  )) as string[];
  const overflow = (await page.evaluate("document.documentElement.scrollWidth - innerWidth")) as number;
  page.off("request", onRequest).off("pageerror", onError);
  return [...found, ...noticed, ...(overflow > 0 ? [`${overflow} pixels too wide`] : [])];
}

(executablePath ? test : test.skip)("the search finds an option (needs the program chromium)", async () => {
  const page = await browser!.newPage();
  page.setDefaultTimeout(120_000);
  await page.goto(`${address}/`, { waitUntil: "networkidle" });
  await page.keyboard.press("Control+k");
  await page.locator("#localsearch-input").fill("maxHeadBytes");
  const first = page.locator("#localsearch-list .result").first();
  await first.waitFor();
  expect(await first.textContent()).toBeTruthy();
  await first.click();
  await page.waitForURL(/reference|packages|operate/);
  await page.close();
});
