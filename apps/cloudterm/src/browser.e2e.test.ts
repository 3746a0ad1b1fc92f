import { totpCode, totpStep } from "@tz/cloudterm";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { lacksChromium, launchChromium, screenText, sees } from "./browser.fixture.js";
import { GatewayProcess, PASSWORD } from "./gateway-process.fixture.js";
import { Network } from "./network.fixture.js";

let browser: Browser;
let gateway: GatewayProcess;
let network: Network;
/** Where screenshots go, when somebody wants to look at them. */
const shots = process.env.TZ_SCREENSHOTS;
const problems: string[] = [];

beforeAll(async () => {
  if (lacksChromium !== "") return;
  browser = await launchChromium();
  gateway = await GatewayProcess.start();
  network = await Network.to(gateway.url);
}, 240_000);
afterAll(async () => {
  await browser?.close();
  await network?.cut();
  await gateway?.stop();
});

async function newPage(): Promise<Page> {
  const context = await browser.newContext({ viewport: { width: 1200, height: 720 } });
  const page = await context.newPage();
  page.setDefaultTimeout(120_000);
  page.on("pageerror", (error) => problems.push(String(error)));
  page.on("console", (message) => {
    // A refused login is one, too; what breaks the content security policy is what is looked for.
    if (message.type() === "error" && /Content.Security.Policy|Uncaught/i.test(message.text()))
      problems.push(message.text());
  });
  return page;
}

async function shot(page: Page, name: string): Promise<void> {
  if (shots !== undefined) await page.screenshot({ path: `${shots}/${name}.png` });
}

test.skipIf(lacksChromium !== "")(
  `in a browser with a real shell: set up, type, full screen, resize, reload, lose the network, share, log out${lacksChromium}`,
  async () => {
    const page = await newPage();
    await page.goto(`${network.url}#setup=${await gateway.setup()}`);
    await page.getByLabel("Password (10 characters or more)").fill(PASSWORD);
    await page.getByLabel("Once more").fill(PASSWORD);
    await shot(page, "1-setup");
    await page.getByRole("button", { name: "Set password" }).click();
    await sees(page, /^\$/m);
    expect(page.url()).not.toContain("setup");

    const type = async (text: string) => {
      await page.keyboard.type(text);
      await page.keyboard.press("Enter");
    };
    await type("for i in 1 2 3; do echo li''ne $i; done; echo héllo 🦊 日本");
    await sees(page, "line 3");
    await sees(page, "héllo 🦊 日本");
    await shot(page, "2-shell");

    // A full-screen program on the alternate screen, at the size of the window.
    await type("stty size; vi -u NONE /tmp/tz-cloudterm-e2e.txt || less /etc/passwd");
    await sees(page, /~\s|root:/);
    await shot(page, "3-full-screen");
    await page.keyboard.type(":q!");
    await page.keyboard.press("Enter");
    await type("q");
    await type("clear; echo ba''ck");
    await sees(page, "back");
    await page.setViewportSize({ width: 800, height: 500 });
    await vi.waitUntil(
      async () => {
        await type("echo si''ze $(stty size)");
        const sizes = [...(await screenText(page)).matchAll(/size (\d+) (\d+)/g)].map((match) =>
          Number(match[2]),
        );
        return sizes.length > 0 && sizes.at(-1)! < 105;
      },
      { timeout: 120_000, interval: 300 },
    );

    // Reload: the same terminal, with what was on it.
    await type("echo be''fore reload; X=kept");
    await sees(page, "before reload");
    await page.reload();
    await sees(page, "before reload");
    await type("echo va''lue $X");
    await sees(page, "value kept");

    // The network goes: nothing is lost and nothing comes twice.
    await type("for i in $(seq 40); do echo ti''ck $i; sleep 0.1; done");
    await sees(page, "tick 3");
    await network.cut();
    await page.locator(".banner").waitFor();
    await shot(page, "4-reconnect");
    await network.restore();
    await sees(page, "tick 40");
    const ticks = [...(await screenText(page)).matchAll(/^tick (\d+)$/gm)].map((match) => Number(match[1]));
    expect(ticks).toEqual(Array.from({ length: 40 }, (_, i) => i + 1));

    // A split and a second tab.
    await page.setViewportSize({ width: 1200, height: 720 });
    await page.getByRole("button", { name: /^Split side by side/ }).click();
    await vi.waitUntil(async () => (await page.locator(".panes:not([hidden]) .pane").count()) === 2, {
      timeout: 120_000,
    });
    await sees(page, /^\$/m, 1);
    await type("echo se''cond");
    await sees(page, "second", 1);
    await shot(page, "5-split");
    await page.reload();
    await vi.waitUntil(async () => (await page.locator(".panes:not([hidden]) .pane").count()) === 2, {
      timeout: 120_000,
    });
    await sees(page, "second", 1);

    // Somebody else looks on.
    await page.locator(".panes:not([hidden]) .pane").first().click();
    await page.getByRole("button", { name: "Share this terminal" }).click();
    await page.getByRole("button", { name: "Make a link" }).click();
    const link = await vi.waitUntil(() => page.getByLabel("Link", { exact: true }).inputValue(), {
      timeout: 120_000,
    });
    await shot(page, "6-share");
    const guest = await newPage();
    await guest.goto(link);
    await sees(guest, "tick 40");
    await guest.keyboard.type("echo in''truder\n");
    await page.getByRole("button", { name: "Close", exact: true }).click();
    await page.locator(".panes:not([hidden]) .pane").first().click();
    await type("echo ow''ner");
    await sees(guest, "owner");
    expect(await screenText(guest)).not.toContain("intruder");
    await shot(guest, "7-guest");

    // A second factor, then log out everywhere: this page and its sockets.
    await page.getByRole("button", { name: /^Account of/ }).click();
    await page.getByRole("button", { name: "Set up an authenticator" }).click();
    const secret = await vi.waitUntil(() => page.getByLabel("Secret", { exact: true }).inputValue(), {
      timeout: 120_000,
    });
    await page.getByLabel("Code that it shows").fill(totpCode(secret, totpStep(Date.now())));
    await page.getByLabel("Your password").fill(PASSWORD);
    await page.getByRole("button", { name: "Turn on" }).click();
    const codes = await vi.waitUntil(
      async () => {
        const texts = await page.locator(".codes code").allTextContents();
        return texts.length === 10 && texts;
      },
      { timeout: 120_000 },
    );
    await shot(page, "8-recovery-codes");
    await page.getByRole("button", { name: "Close", exact: true }).last().click();
    await page.getByRole("button", { name: "Log out everywhere" }).click();
    await page.getByLabel("User").waitFor();
    await shot(page, "9-login");
    await page.getByLabel("User").fill("Admin");
    await page.getByLabel("Password").fill("wrong password");
    await page.getByRole("button", { name: "Log in" }).click();
    await page.getByText("is wrong").waitFor();
    await page.getByLabel("Password").fill(PASSWORD);
    await page.getByRole("button", { name: "Log in" }).click();
    await page.getByLabel("Code").fill(codes[0]!);
    await page.getByRole("button", { name: "Continue" }).click();
    await sees(page, "second", 1);

    await page.getByRole("button", { name: "Administration" }).click();
    await page.getByText("login.failed").first().waitFor();
    await shot(page, "10-admin");
    expect(problems).toEqual([]);
  },
  400_000,
);
