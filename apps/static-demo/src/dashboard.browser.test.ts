import { existsSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { describe, expect, onTestFinished, test } from "vitest";
import { startCli } from "./cli.fixture.js";

const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";
const lacking = existsSync(executablePath)
  ? ""
  : `: ${executablePath} is not installed (apt-get install chromium)`;
/** Kept after the run: they are there to be looked at. */
const screenshots = process.env.TZ_SCREENSHOTS ?? mkdtempSync(join(tmpdir(), "tz-screenshots-"));

describe.skipIf(lacking !== "").each([
  ["epoll", "light", ["--workers", "2"]],
  ["node", "dark", []],
] as const)(`the dashboard on the %s loop, %s${lacking}`, (loop, colorScheme, flags) => {
  test("shows what goes on, and goes on by itself", { timeout: 240_000 }, async () => {
    const { url } = await startCli([
      "--port",
      "0",
      "--loop",
      loop,
      "--quiet",
      "--dashboard",
      ...flags,
    ]).ready();
    const browser = await chromium.launch({ executablePath, timeout: 120_000, args: ["--no-sandbox"] });
    onTestFinished(() => browser.close());
    const page = await browser.newPage({ viewport: { width: 1280, height: 1000 }, colorScheme });
    page.setDefaultTimeout(120_000);
    const errors: string[] = [];
    page.on("pageerror", (error) => errors.push(String(error)));
    page.on("console", (message) => {
      if (message.type() === "error" || message.type() === "warning") errors.push(message.text());
    });
    await page.goto(`${url}_tz/`);
    await page.waitForSelector("html[data-ready]");

    const visit = async (): Promise<void> => {
      for (let i = 0; i < 40; i++) await (await fetch(`${url}static/style.css?${i}`)).arrayBuffer();
      await fetch(`${url}nowhere`);
    };
    const number = async (id: string): Promise<number> =>
      Number((await page.locator(`#${id}`).textContent())?.replaceAll(",", ""));
    await visit();
    await expect.poll(() => number("requests"), { timeout: 120_000 }).toBeGreaterThan(40);
    const before = await number("requests");
    await visit();
    await expect.poll(() => number("requests"), { timeout: 120_000 }).toBeGreaterThan(before + 40);
    await expect
      .poll(() => page.locator("#paths").textContent(), { timeout: 120_000 })
      .toContain("/static/style.css");
    await expect.poll(() => page.locator("#routes").textContent()).toContain("/static/*");
    await expect.poll(() => page.locator("#mounts").textContent(), { timeout: 120_000 }).toContain("/cdn");
    await expect.poll(() => page.locator("#workers tr").count()).toBe(loop === "epoll" ? 2 : 1);
    expect(await page.locator("#memory").textContent()).toContain("v8 old");
    expect(await page.locator("#state").getAttribute("data-state")).toBe("live");
    await expect.poll(() => page.locator("#p99").textContent(), { timeout: 120_000 }).toMatch(/[µm]s$|–/);

    const drawn = await page.evaluate<number>(`(() => {
      const canvas = document.getElementById("chart-rate");
      const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
      return data.filter((value, i) => i % 4 === 3 && value > 0).length;
    })()`);
    expect(drawn).toBeGreaterThan(500);
    const loaded = await page.evaluate<string[]>(
      "performance.getEntriesByType('resource').map((entry) => entry.name)",
    );
    expect(loaded.filter((name) => !name.startsWith(url))).toEqual([]);
    await page.screenshot({
      path: join(screenshots, `dashboard-${loop}-${colorScheme}.png`),
      fullPage: true,
    });
    await page.setViewportSize({ width: 390, height: 844 });
    expect(await page.evaluate("document.documentElement.scrollWidth - innerWidth")).toBeLessThanOrEqual(0);
    await page.screenshot({ path: join(screenshots, `dashboard-${loop}-phone.png`), fullPage: true });
    expect(errors).toEqual([]);
  });
});
