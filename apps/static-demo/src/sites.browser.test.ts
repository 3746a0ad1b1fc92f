import { existsSync, mkdirSync, mkdtempSync, readdirSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { type Browser, chromium, type Page } from "playwright-core";
import { beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { startCli } from "./cli.fixture.js";
import { precompress } from "./precompress/precompress.js";

const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";
const lacking = existsSync(executablePath)
  ? ""
  : `: ${executablePath} is not installed (apt-get install chromium)`;

/** Kept after the run: they are there to be looked at. */
const screenshots = process.env.TZ_SCREENSHOTS ?? mkdtempSync(join(tmpdir(), "tz-screenshots-"));

const folder = mkdtempSync(join(tmpdir(), "tz-sites-"));
const put = (name: string, content: string): void => {
  const file = join(folder, name);
  mkdirSync(join(file, ".."), { recursive: true });
  writeFileSync(file, content);
};

/** The Vite that the tests themselves run on. */
async function viteOfVitest(): Promise<{ build(options: object): Promise<unknown> }> {
  const vitest = createRequire(createRequire(import.meta.url).resolve("vitest/package.json"));
  const folder = dirname(vitest.resolve("vite/package.json"));
  return import(pathToFileURL(join(folder, "dist/node/index.js")).href);
}

const MAIN = `import "./style.css";
const routes = { "/": "Home", "/projects/tz": "A project" };
const show = () => {
  document.querySelector("h1").textContent = routes[location.pathname] ?? "Nothing here";
};
document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-route]");
  if (link === null) return;
  event.preventDefault();
  history.pushState(null, "", link.getAttribute("href"));
  show();
});
document.querySelector("#later").addEventListener("click", async () => {
  const { words } = await import("./later.js");
  document.querySelector("output").textContent = words.length + " words";
});
show();
document.documentElement.dataset.ready = "";
`;

describe.skipIf(lacking !== "")(`Chromium${lacking}`, () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await chromium.launch({
      executablePath,
      timeout: 120_000,
      args: [
        "--no-sandbox",
        "--disable-background-networking",
        "--disable-component-update",
        "--no-first-run",
      ],
    });
    return () => browser.close();
  }, 240_000);

  async function open(
    options: Parameters<Browser["newPage"]>[0] = {},
  ): Promise<{ page: Page; errors: string[] }> {
    const page = await browser.newPage(options);
    page.setDefaultTimeout(120_000);
    onTestFinished(() => page.close());
    const errors: string[] = [];
    page.on("pageerror", (error) => errors.push(String(error)));
    page.on("dialog", (dialog) => {
      errors.push(`dialog: ${dialog.message()}`);
      return dialog.dismiss();
    });
    page.on("console", (message) => {
      if (message.type() === "error" || message.type() === "warning") errors.push(message.text());
    });
    return { page, errors };
  }

  test("a Vite build with precompressed assets: loads, routes, reloads on a deep link", {
    timeout: 240_000,
  }, async () => {
    put(
      "app/index.html",
      `<!doctype html><html lang="en"><meta charset="utf-8"><title>App</title><link rel="icon" href="data:,">
<h1></h1><nav><a data-route href="/">Home</a> <a data-route href="/projects/tz">Project</a></nav>
<button id="later">Later</button><output></output><script type="module" src="/src/main.js"></script></html>`,
    );
    put("app/src/main.js", MAIN);
    put(
      "app/src/style.css",
      `body { font: 16px system-ui; background: #eef; }\n${"/*! kept */\n".repeat(200)}`,
    );
    put(
      "app/src/later.js",
      `export const words = ${JSON.stringify("so it goes ".repeat(500).split(" "))};\n`,
    );
    const { build } = await viteOfVitest();
    await build({ root: join(folder, "app"), configFile: false, logLevel: "silent" });
    const dist = join(folder, "app/dist");
    await precompress(dist);
    expect(readdirSync(join(dist, "assets")).filter((name) => name.endsWith(".br")).length).toBeGreaterThan(
      0,
    );

    const { url } = await startCli([dist, "--port", "0", "--spa", "--precompressed"]).ready();
    const { page, errors } = await open();
    const answers = new Map<string, Record<string, string>>();
    page.on("response", async (response) => {
      answers.set(new URL(response.url()).pathname, await response.allHeaders().catch(() => ({})));
    });
    await page.goto(url);
    await page.waitForSelector("html[data-ready]");
    await page.click("#later");
    await expect.poll(() => page.textContent("output"), { timeout: 120_000 }).toMatch(/^\d+ words$/);
    await expect
      .poll(() => [...answers.keys()].filter((name) => name.startsWith("/assets/")).length, {
        timeout: 120_000,
      })
      .toBeGreaterThanOrEqual(3);
    const assets = [...answers].filter(([name]) => name.startsWith("/assets/"));
    // One hash in seventy has no capital and is not told from a word (see docs/guide/static.md).
    const hashed = assets.filter(([name]) => /-(?=.*[A-Z]).{8}\.\w+$/.test(name));
    expect(hashed.length).toBeGreaterThan(0);
    for (const [name, fields] of hashed) expect(fields["cache-control"], name).toContain("immutable");
    const later = assets.find(([name]) => name.includes("later"))?.[1];
    expect(later).toMatchObject({ "content-encoding": "br", vary: "Accept-Encoding" });

    await page.click('a[href="/projects/tz"]');
    expect(await page.textContent("h1")).toBe("A project");
    const reloaded = await page.reload();
    expect(reloaded?.status()).toBe(200);
    await page.waitForSelector("html[data-ready]");
    expect(await page.textContent("h1")).toBe("A project");
    expect(errors).toEqual([]);
    await page.screenshot({ path: join(screenshots, "vite-deep-link.png") });
    // What a fallback must not swallow.
    const missing = await page.evaluate(() =>
      Promise.all(["/assets/gone-a1B2c3D4.js", "/gone"].map(async (path) => (await fetch(path)).status)),
    );
    expect(missing).toEqual([404, 404]);
  });

  test("a listing: escaped names, sorting, paging by keyboard, dark, on a phone", {
    timeout: 240_000,
  }, async () => {
    for (let i = 1; i <= 12; i++) put(`files/file ${i}.txt`, "x".repeat(i * 1000));
    put('files/<img src="x" onerror="alert(1)">.html', "<p>markup in a name");
    put("files/photos/a.txt", "a");
    put("files/üñï & co.md", "text");
    put("files/.hidden", "SECRET");
    const { url } = await startCli([join(folder, "files"), "--port", "0", "--listing"]).ready();
    const { page, errors } = await open({ viewport: { width: 1000, height: 700 } });
    await page.goto(url);
    const text = (await page.textContent("body")) ?? "";
    expect(text).toContain('<img src="x" onerror="alert(1)">.html');
    expect(text).toContain("üñï & co.md");
    expect(text).not.toContain(".hidden");
    expect(await page.locator("img, script").count()).toBe(0);
    // As people sort: 2 before 10.
    expect(text.indexOf("file 2.txt")).toBeLessThan(text.indexOf("file 10.txt"));
    await page.screenshot({ path: join(screenshots, "listing-light.png") });

    await page.getByRole("link", { name: /size/i }).first().click();
    await page.waitForURL(/sort=size/);
    const sorted = (await page.textContent("body")) ?? "";
    expect(sorted.indexOf("file 1.txt")).not.toBe(sorted.indexOf("file 12.txt"));

    await page.goto(url);
    const focused: string[] = [];
    for (let i = 0; i < 30; i++) {
      await page.keyboard.press("Tab");
      focused.push(await page.evaluate<string>("document.activeElement?.textContent?.trim() ?? ''"));
    }
    expect(focused.join("\n")).toContain("file 12.txt");
    await page.getByRole("link", { name: "photos" }).first().click();
    await page.waitForURL(/photos\/$/);
    expect(await page.textContent("body")).toContain("a.txt");
    expect(errors).toEqual([]);

    const { page: phone, errors: others } = await open({
      ...{ viewport: { width: 390, height: 844 }, isMobile: true, colorScheme: "dark" as const },
    });
    await phone.goto(url);
    expect(await phone.evaluate("document.documentElement.scrollWidth - innerWidth")).toBeLessThanOrEqual(0);
    await phone.screenshot({ path: join(screenshots, "listing-phone-dark.png") });
    expect(others).toEqual([]);
  });
});
