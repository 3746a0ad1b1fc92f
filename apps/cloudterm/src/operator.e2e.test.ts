import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { request as httpRequest, type IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import { join } from "node:path";
import { selfSignedCertificate } from "@tz/server";
import type { Browser, Page } from "playwright-core";
import { afterEach, expect, test, vi } from "vitest";
import { lacksChromium, launchChromium, screenText, sees } from "./browser.fixture.js";
import { GatewayProcess, newData, PASSWORD } from "./gateway-process.fixture.js";

let gateway: GatewayProcess | undefined;
let browser: Browser | undefined;
afterEach(async () => {
  await browser?.close();
  await gateway?.stop();
  browser = gateway = undefined;
});

interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  readonly body: Record<string, unknown>;
}

/** One request, over TLS without asking who signed the certificate. */
function ask(
  path: string,
  { method = "GET", headers = {}, body }: { method?: string; headers?: object; body?: unknown } = {},
): Promise<Answer> {
  const url = new URL(path, gateway!.url);
  const send = url.protocol === "https:" ? httpsRequest : httpRequest;
  const options = {
    method,
    agent: false as const,
    rejectUnauthorized: false,
    headers: { ...(body !== undefined && { "content-type": "application/json" }), ...headers },
  };
  return new Promise((resolve, reject) => {
    const sent = send(url, options, (answer) => {
      let text = "";
      answer.on("data", (chunk) => (text += chunk));
      answer.on("end", () => {
        const { statusCode: status = 0, headers } = answer;
        const isJson = headers["content-type"] === "application/json";
        resolve({ status, headers, body: isJson ? JSON.parse(text) : { text } });
      });
    });
    sent.on("error", reject);
    sent.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

/** A gateway with TLS, below a path. */
async function startSecure(): Promise<GatewayProcess> {
  const data = newData();
  const { cert, key } = selfSignedCertificate({ names: ["localhost", "127.0.0.1"] });
  const [certPath, keyPath] = [join(data, "cert.pem"), join(data, "key.pem")];
  writeFileSync(certPath, cert);
  writeFileSync(keyPath, key, { mode: 0o600 });
  return GatewayProcess.start(["--tls-cert", certPath, "--tls-key", keyPath, "--base-path", "/term"], data);
}

test("TLS below a path: nothing is above it, cookies are for this host and TLS only, browsers shall come by TLS", async () => {
  gateway = await startSecure();
  expect(gateway.url).toMatch(/^https:\/\/127\.0\.0\.1:\d+\/term\/$/);
  const { origin } = new URL(gateway.url);
  expect(await gateway.setup()).toMatch(/^[A-Za-z0-9_-]{43}$/);
  expect(gateway.output).toContain(`${gateway.url}#setup=`);
  const body = { ticket: await gateway.setup(), user: "admin", password: PASSWORD };
  const { status, headers } = await ask("api/setup", { method: "POST", headers: { origin }, body });
  expect(status).toBe(200);
  expect(headers["strict-transport-security"]).toBe("max-age=31536000");
  for (const field of headers["set-cookie"]!)
    expect(field).toMatch(
      /^__Host-cloudterm(-device)?=\S+; Path=\/; (Max-Age=\d+; )?Secure; HttpOnly; SameSite=Strict$/,
    );
  expect((await ask("")).body.text).toContain('src="app.js"');
  expect((await ask("health")).body).toEqual({ status: "ok" });
  for (const path of ["/", "/api/session", "/health", "/app.js", "/terminal", "/term/../health"])
    expect([path, (await ask(path)).status]).toEqual([path, 401]);
  // The address without a slash leads to the page, whose files are relative.
  const bare = await ask("/term");
  expect([bare.status, new URL(bare.headers.location!, gateway.url).pathname]).toEqual([308, "/term/"]);
});

test.skipIf(lacksChromium !== "")(
  `in a browser, TLS below a path: a recording is made, played, sought in, saved and deleted; a link is shared${lacksChromium}`,
  async () => {
    gateway = await startSecure();
    browser = await launchChromium();
    const newPage = async (): Promise<Page> => {
      const context = await browser!.newContext({ ignoreHTTPSErrors: true, acceptDownloads: true });
      const page = await context.newPage();
      page.setDefaultTimeout(120_000);
      return page;
    };
    const page = await newPage();
    await page.goto(`${gateway.url}#setup=${await gateway.setup()}`);
    await page.getByLabel("Password (10 characters or more)").fill(PASSWORD);
    await page.getByLabel("Once more").fill(PASSWORD);
    await page.getByRole("button", { name: "Set password" }).click();
    await sees(page, /^\$/m);

    await page.getByRole("button", { name: "New recorded terminal" }).click();
    await vi.waitUntil(async () => (await page.locator(".tab").count()) === 2, { timeout: 120_000 });
    await sees(page, /^\$/m);
    await page.keyboard.type("echo fi''rst\n");
    await sees(page, "first");
    await page.keyboard.type("clear; echo la''st\n");
    await sees(page, /^last$/m);
    await page.reload();
    await sees(page, /^last$/m);

    await page.getByRole("button", { name: "Share this terminal" }).click();
    await page.getByRole("button", { name: "Make a link" }).click();
    const link = await vi.waitUntil(() => page.getByLabel("Link", { exact: true }).inputValue(), {
      timeout: 120_000,
    });
    expect(link).toContain("/term/#share=");
    const guest = await newPage();
    await guest.goto(link);
    await sees(guest, /^last$/m);
    await page.getByRole("button", { name: "Close", exact: true }).click();

    await page.locator(".tab.active .close").click();
    await page.getByRole("button", { name: "End it" }).click();
    await page.getByRole("button", { name: "Recordings" }).click();
    await page.getByRole("button", { name: "Play", exact: true }).waitFor();
    const [download] = await Promise.all([
      page.waitForEvent("download"),
      page.getByRole("link", { name: "Save" }).click(),
    ]);
    expect(download.suggestedFilename()).toMatch(/\.cast$/);
    const lines = readFileSync((await download.path())!, "utf8")
      .trimEnd()
      .split("\n");
    expect(JSON.parse(lines[0]!)).toMatchObject({ version: 3 });
    expect(
      lines
        .slice(1)
        .map((line) => (JSON.parse(line) as string[])[2])
        .join(""),
    ).toContain("first");

    await page.getByRole("button", { name: "Play", exact: true }).click();
    const place = page.getByLabel("Place");
    const played = () =>
      page.evaluate('document.querySelector(".player-screen").terminalText()') as Promise<string>;
    const end = Number(await place.getAttribute("max"));
    expect(end).toBeGreaterThan(0);
    const seek = (seconds: number) => place.fill(String(seconds));
    await seek(end);
    await vi.waitUntil(async () => /^last$/m.test(await played()), { timeout: 120_000 });
    // Back to the start: the screen of that moment, not what came later.
    await seek(0);
    await vi.waitUntil(async () => !/^last$/m.test(await played()), { timeout: 120_000 });
    await page.locator("dialog.player").getByRole("button", { name: "Close" }).click();

    await page.getByRole("button", { name: "Delete", exact: true }).click();
    await page.getByRole("button", { name: "Delete it" }).click();
    await page.getByText("There are none.").waitFor();
    expect(await screenText(page)).not.toContain("last");
  },
);

test("behind a proxy that is trusted: its scheme, name and client count; from others they do not", async () => {
  const data = newData();
  const proxied = {
    host: "127.0.0.1",
    "x-forwarded-proto": "https",
    "x-forwarded-host": "term.example",
    "x-forwarded-for": "198.51.100.7",
    origin: "https://term.example",
  };
  const args = ["--hosts", "term.example", "--base-path", "/term"];
  gateway = await GatewayProcess.start([...args, "--trusted-proxies", "loopback"], data);
  const body = { ticket: await gateway.setup(), user: "admin", password: PASSWORD };
  const { status, headers } = await ask("api/setup", { method: "POST", headers: proxied, body });
  expect(status).toBe(200);
  expect(headers["set-cookie"]![0]).toMatch(/^__Host-cloudterm=.*; Secure/);
  await gateway.stop();
  const audit = readFileSync(join(data, "audit.jsonl"), "utf8");
  expect(audit).toContain('"event":"login","user":"admin","address":"198.51.100.7"');

  // Without trust the same request comes from another origin, and the client is the peer.
  gateway = await GatewayProcess.start(args, data);
  const login = { user: "admin", password: PASSWORD };
  const refused = await ask("api/login", { method: "POST", headers: proxied, body: login });
  expect([refused.status, refused.body.error]).toEqual([403, "TZ_CLOUDTERM_ORIGIN"]);
  const own = { ...proxied, origin: new URL(gateway.url).origin, host: new URL(gateway.url).host };
  const plain = await ask("api/login", { method: "POST", headers: own, body: login });
  expect(plain.status).toBe(200);
  expect(plain.headers["set-cookie"]![0]).toMatch(/^cloudterm=/);
  await gateway.stop();
  expect(readFileSync(join(data, "audit.jsonl"), "utf8")).toContain(
    '"event":"login","user":"admin","address":"127.0.0.1"',
  );
  // By its name over plain HTTP it takes no password.
  gateway = await GatewayProcess.start(args, data);
  const named = { host: "term.example", origin: "http://term.example" };
  const clear = await ask("api/login", { method: "POST", headers: named, body: login });
  expect([clear.status, clear.body.error]).toEqual([403, "TZ_CLOUDTERM_FORBIDDEN"]);
  rmSync(data, { recursive: true, force: true });
});
