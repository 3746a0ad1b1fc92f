import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { lacksSshd, SshServer } from "../../../packages/cloudterm/src/terminals/sshd.fixture.js";
import { lacksChromium, launchChromium, sees } from "./browser.fixture.js";
import { type GatewayProcess, PASSWORD, startWithAdmin, type Visitor } from "./gateway-process.fixture.js";

const lacks = lacksSshd || lacksChromium;

describe.skipIf(lacks !== "")(`SSH hosts and files${lacks}`, () => {
  const folder = mkdtempSync(join(tmpdir(), "tz-ssh-and-files-"));
  const local = mkdtempSync(join(tmpdir(), "tz-files-"));
  let server: SshServer;
  let gateway: GatewayProcess;
  let admin: Visitor;
  let browser: Browser;

  beforeAll(async () => {
    server = await SshServer.start();
    const hosts = join(folder, "hosts.json");
    const { port, user, fingerprint } = server;
    const entry = { host: "127.0.0.1", port, user, hostKeys: [fingerprint] };
    const wrong = [`SHA256:${"A".repeat(43)}`];
    writeFileSync(
      hosts,
      JSON.stringify([
        { ...entry, name: "alpha" },
        { ...entry, name: "imposter", hostKeys: wrong },
      ]),
    );
    ({ gateway, admin } = await startWithAdmin([
      ...["--ssh-hosts", hosts, "--ssh-key", server.keyPath("client")],
      ...["--files-dir", local, "--max-file-bytes", "100000"],
    ]));
    browser = await launchChromium();
  }, 240_000);
  afterAll(async () => {
    await browser?.close();
    await gateway?.stop();
    await server?.stop();
    for (const path of [folder, local]) rmSync(path, { recursive: true, force: true });
  });

  test("a host is a name of the list; one with another key is not talked to; options of ssh are no names", async () => {
    const { body } = await admin.send("GET", "api/session");
    expect([body.backends, body.hosts]).toEqual([
      ["local", "ssh"],
      ["alpha", "imposter"],
    ]);
    const open = (choice: unknown) => admin.send("POST", "api/terminals", { backend: "ssh", choice });
    expect((await open("alpha")).status).toBe(201);
    const { status, body: refused } = await open("imposter");
    expect([status, refused.error]).toEqual([502, "TZ_CLOUDTERM_BACKEND"]);
    expect(refused.message).toMatch(/its host key SHA256:\S+ is not one that is pinned/);
    for (const choice of ["-oProxyCommand=touch /tmp/owned", "root@alpha", "127.0.0.1", ["alpha"], 1, null])
      expect((await open(choice)).status).toBeGreaterThanOrEqual(400);
    expect((await admin.send("POST", "api/terminals", { backend: "docker" })).status).toBe(404);
  });

  test("files beside a local terminal: limits, containment, CSRF, never shown as a page", async () => {
    const id = await admin.openTerminal();
    const path = (name: string, more = "") =>
      `api/terminals/${id}/file?path=${encodeURIComponent(name)}${more}`;
    const page = { page: "<script>alert(1)</script>" };
    expect((await admin.send("PUT", path("ü.html"), page)).status).toBe(201);
    const { headers, body } = await admin.send("GET", path("ü.html"));
    expect(body.text).toBe(JSON.stringify(page));
    expect(headers.get("content-type")).toBe("application/octet-stream");
    expect(headers.get("content-disposition")).toBe("attachment; filename*=UTF-8''%C3%BC.html");
    expect(headers.get("x-content-type-options")).toBe("nosniff");
    expect((await admin.send("PUT", path("ü.html"), page)).status).toBe(409);
    expect((await admin.send("PUT", path("ü.html", "&overwrite=true"), {})).status).toBe(201);
    expect((await admin.send("PUT", path("x"), {}, { "x-csrf-token": "" })).status).toBe(403);
    expect((await admin.send("PUT", path("x"), {}, { origin: "https://evil.example" })).status).toBe(403);
    expect((await admin.send("PUT", path("big"), "x".repeat(100_001))).status).toBe(413);
    for (const outside of ["../x", "../../../etc/passwd", "/etc/passwd", "\0"]) {
      expect((await admin.send("GET", path(outside))).status).toBeGreaterThanOrEqual(400);
      expect((await admin.send("PUT", path(`${outside}/x`), {})).status).toBeGreaterThanOrEqual(400);
    }
    await admin.send("DELETE", `api/terminals/${id}`);
  });

  test("in a browser: a shell on a host, a file is sent to it and fetched from it", async () => {
    const context = await browser.newContext({ acceptDownloads: true });
    const page = await context.newPage();
    page.setDefaultTimeout(120_000);
    await page.goto(gateway.url);
    await page.getByLabel("User").fill("admin");
    await page.getByLabel("Password").fill(PASSWORD);
    await page.getByRole("button", { name: "Log in" }).click();
    await page.getByRole("button", { name: "New terminal on another machine" }).click();
    await page.getByRole("button", { name: "alpha" }).click();
    await vi.waitUntil(async () => (await page.locator(".tab").count()) === 2, { timeout: 120_000 });
    await sees(page, /[$#] ?$/m);
    await page.keyboard.type(`exec sh\ncd ${folder}; echo $SSH_CLIENT | cut -d' ' -f1\n`);
    await sees(page, /^127\.0\.0\.1$/m);
    await page.getByRole("button", { name: "Files beside this terminal" }).click();
    await page.getByLabel("Directory").fill(folder);
    await page.getByRole("button", { name: "Go" }).click();
    await page.getByText("hosts.json").waitFor();
    const sent = { name: "sent.txt", mimeType: "text/plain", buffer: Buffer.from("from the browser") };
    await page.getByLabel("Send files").setInputFiles(sent);
    await page.getByText("sent.txt was sent.").waitFor();
    expect(readFileSync(join(folder, "sent.txt"), "utf8")).toBe("from the browser");
    const [download] = await Promise.all([
      page.waitForEvent("download"),
      page.locator("li", { hasText: "sent.txt" }).getByRole("link", { name: "Fetch" }).click(),
    ]);
    expect(readFileSync((await download.path())!, "utf8")).toBe("from the browser");
    await page.getByLabel("Send files").setInputFiles({ ...sent, buffer: Buffer.from("again") });
    await page.getByRole("button", { name: "Replace it" }).click();
    await vi.waitUntil(() => readFileSync(join(folder, "sent.txt"), "utf8") === "again", {
      timeout: 120_000,
    });
    if (process.env.TZ_SCREENSHOTS)
      await page.screenshot({ path: `${process.env.TZ_SCREENSHOTS}/files.png` });
  });
});
