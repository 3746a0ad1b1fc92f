import { existsSync } from "node:fs";
import { type Browser, chromium, type Page } from "playwright-core";
import { vi } from "vitest";

const executablePath = ["/usr/bin/chromium", "/usr/bin/chromium-browser"].find((path) => existsSync(path));

/** Why tests with a browser cannot run; empty when they can. */
export const lacksChromium =
  executablePath === undefined ? " (skipped: chromium is not installed, apt-get install chromium)" : "";

export function launchChromium(): Promise<Browser> {
  return chromium.launch({ executablePath: executablePath!, timeout: 120_000, args: ["--no-sandbox"] });
}

/** The text of the terminal on the screen and above it. */
export function screenText(page: Page, index = 0): Promise<string> {
  // As text: the code runs in the page, which has other types.
  const pane = `document.querySelectorAll(".panes:not([hidden]) .pane")[${index}]`;
  return page.evaluate(`${pane}?.terminalText?.() ?? ""`);
}

export async function sees(page: Page, what: string | RegExp, index = 0): Promise<void> {
  let text = "";
  await vi
    .waitUntil(
      async () => {
        text = await screenText(page, index);
        return typeof what === "string" ? text.includes(what) : what.test(text);
      },
      { timeout: 120_000, interval: 50 },
    )
    .catch(() => {
      throw new Error(`${what} is not on the screen: ${JSON.stringify(text.trimEnd().slice(-500))}`);
    });
}
