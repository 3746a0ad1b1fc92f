import { existsSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Browser, chromium, type Page } from "playwright-core";
import { beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { Cli } from "./cli.fixture.js";

const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";
const lacking = existsSync(executablePath)
  ? ""
  : `: ${executablePath} is not installed (apt-get install chromium)`;
/** The part of the DOM's `HTMLVideoElement` that is asked here; it lives in the browser, not in this process. */
interface Video {
  readonly seeking: boolean;
  readonly currentTime: number;
  readonly duration: number;
  readonly videoWidth: number;
  readonly error: { readonly message: string } | null;
  getVideoPlaybackQuality(): { readonly totalVideoFrames: number };
}

const positionOf = (video: Video) => (video.seeking ? -1 : video.currentTime);

/** Kept after the run: they are there to be looked at. */
const screenshots = process.env.TZ_SCREENSHOTS ?? mkdtempSync(join(tmpdir(), "tz-screenshots-"));

interface Seen {
  readonly errors: string[];
  readonly answers: { readonly path: string; readonly status: number; readonly range: string | undefined }[];
}

describe.skipIf(lacking !== "").each(["epoll", "node"])(`loop %s${lacking}`, (loop) => {
  let browser: Browser;
  let url: string;

  beforeAll(async () => {
    const cli = new Cli(["--port", "0", "--loop", loop, "--quiet"], undefined);
    ({ url } = await cli.ready());
    browser = await chromium.launch({
      executablePath,
      timeout: 120_000,
      args: ["--autoplay-policy=no-user-gesture-required"],
    });
    return async () => {
      await browser.close();
      await cli.stop();
    };
  }, 240_000);

  async function open(options: Parameters<Browser["newPage"]>[0] = {}): Promise<{ page: Page; seen: Seen }> {
    const page = await browser.newPage(options);
    page.setDefaultTimeout(120_000);
    onTestFinished(() => page.close());
    const seen: Seen = { errors: [], answers: [] };
    page.on("pageerror", (error) => seen.errors.push(String(error)));
    page.on("console", (message) => {
      if (message.type() === "error" || message.type() === "warning") seen.errors.push(message.text());
    });
    page.on("response", async (response) => {
      const range = (await response.request().allHeaders()).range;
      seen.answers.push({ path: new URL(response.url()).pathname, status: response.status(), range });
    });
    await page.goto(url);
    await page.waitForSelector("html[data-ready]");
    return { page, seen };
  }

  test("opens without an error and fills itself in from the server", { timeout: 240_000 }, async () => {
    const { page, seen } = await open({ viewport: { width: 1280, height: 900 } });
    expect(seen.errors).toEqual([]);
    expect(seen.answers.filter(({ status }) => status >= 400)).toEqual([]);
    const statuses = await page.locator('[data-cell="status"]').allTextContents();
    expect(statuses).toEqual(["200 OK", "206 Partial Content", "200 OK", "200 OK"]);
    expect(await page.locator('[data-probe^="/cdn"] [data-cell="cache"]').textContent()).toContain(
      "immutable",
    );
    expect(await page.locator("[data-host]").textContent()).toBe(new URL(url).host);
    // Nothing comes from elsewhere.
    const loaded = await page.evaluate(() =>
      performance.getEntriesByType("resource").map((entry) => entry.name),
    );
    expect(loaded.filter((name) => !name.startsWith(url))).toEqual([]);
    await page.screenshot({ path: join(screenshots, `start-${loop}-light.png`), fullPage: true });
  });

  test("the clip plays and seeks by ranges", { timeout: 240_000 }, async () => {
    const { page, seen } = await open();
    await page.locator("#clip").evaluate((clip: { muted: boolean }) => {
      clip.muted = true;
    });
    for (const second of [9, 3]) {
      await page.getByRole("button", { name: `${second} s`, exact: true }).click();
      await expect
        .poll(() => page.locator("#clip").evaluate(positionOf), { timeout: 120_000 })
        .toSatisfy((position: number) => position > second + 0.2 && position < second + 3);
    }
    const clip = await page.locator("#clip").evaluate((video: Video) => ({
      duration: video.duration,
      width: video.videoWidth,
      error: video.error?.message,
      decoded: video.getVideoPlaybackQuality().totalVideoFrames,
    }));
    expect(clip).toMatchObject({ duration: 12, width: 960, error: undefined });
    expect(clip.decoded).toBeGreaterThan(0);
    await expect
      .poll(() => page.locator("#range-answer").textContent())
      .toMatch(/206 Partial Content[\s\S]*content-range: bytes 2\d{5}-/);
    const media = seen.answers.filter(
      ({ path, range }) => path === "/media/ranges.webm" && range !== undefined,
    );
    expect(media.length).toBeGreaterThan(2);
    expect(new Set(media.map(({ status }) => status))).toEqual(new Set([206]));
    expect(seen.errors).toEqual([]);
  });

  test("every request of the list gets the answer that it names", { timeout: 240_000 }, async () => {
    const { page } = await open({ colorScheme: "dark", viewport: { width: 1280, height: 900 } });
    const buttons = await page.locator("#cases button").all();
    expect(buttons.length).toBeGreaterThan(10);
    for (const button of buttons) {
      const status = await button.locator("b").textContent();
      await button.click();
      await expect
        .poll(() => page.locator("#response .line").textContent(), { timeout: 120_000 })
        .toContain(` ${status} `);
    }
    await page.screenshot({ path: join(screenshots, `start-${loop}-dark.png`), fullPage: true });
  });

  test("fits a phone", { timeout: 240_000 }, async () => {
    const { page } = await open({
      viewport: { width: 390, height: 844 },
      isMobile: true,
      deviceScaleFactor: 2,
    });
    const overflow = await page.evaluate("document.documentElement.scrollWidth - innerWidth");
    expect(overflow).toBeLessThanOrEqual(0);
    await page.screenshot({ path: join(screenshots, `start-${loop}-phone.png`), fullPage: true });
  });

  test("works by keyboard", { timeout: 240_000 }, async () => {
    const { page } = await open();
    await page.keyboard.press("Tab");
    expect(await page.evaluate("document.activeElement?.className")).toBe("skip");
    const reached = new Set<string>();
    for (let i = 0; i < 60; i++) {
      await page.keyboard.press("Tab");
      reached.add(await page.evaluate<string>("document.activeElement?.textContent?.trim() ?? ''"));
    }
    for (const name of ["Copy", "9 s"]) expect([...reached]).toContain(name);
    await page.locator("#cases button", { hasText: "If-None-Match" }).focus();
    await page.keyboard.press("Enter");
    await expect.poll(() => page.locator("#response .line").textContent()).toContain("304");
  });
});
