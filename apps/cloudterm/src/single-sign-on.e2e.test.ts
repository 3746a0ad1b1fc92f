import { once } from "node:events";
import { createServer, request as httpRequest, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import Provider from "oidc-provider";
import type { Browser, CDPSession, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { lacksChromium, launchChromium, sees } from "./browser.fixture.js";
import { addUser, GatewayProcess, newData, PASSWORD, Visitor } from "./gateway-process.fixture.js";

/** With a proxy on loopback, and users of the file only. */
let gateway: GatewayProcess;
/** With a proxy that is elsewhere, and whoever the provider names. */
let open: GatewayProcess;
let server: Server;
let issuer: string;
/** What the provider is made to get wrong. */
let breakNonce = false;

beforeAll(async () => {
  server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const start = async (args: readonly string[]): Promise<GatewayProcess> => {
    const data = newData();
    await addUser(join(data, "users.json"), "ada");
    const oidc = ["--oidc-issuer", issuer, "--oidc-client-id", "term", "--logins-per-address", "1000"];
    const header = ["--auth-header", "Remote-User"];
    return GatewayProcess.start([...oidc, ...header, ...args], data, {
      TZ_CLOUDTERM_OIDC_CLIENT_SECRET: "geheim",
    });
  };
  [gateway, open] = await Promise.all([
    start(["--auth-header-peers", "loopback"]),
    start(["--auth-header-peers", "192.0.2.1", "--create-users"]),
  ]);
  serveProvider([gateway, open].map(({ url }) => new URL("api/oidc/callback", url).href));
}, 240_000);
afterAll(async () => {
  await Promise.all([gateway?.stop(), open?.stop()]);
  server.close();
});

/** Its login page asks nothing: the user is whom the `login_hint` of the test's browser names. */
function serveProvider(redirectUris: string[]): void {
  const provider = new Provider(issuer, {
    clients: [{ client_id: "term", client_secret: "geheim", redirect_uris: redirectUris }],
    pkce: { required: () => true },
    claims: { profile: ["preferred_username"] },
    conformIdTokenClaims: false,
    cookies: { keys: ["test"] },
    ttl: { AccessToken: 60, Grant: 60, IdToken: 60, Interaction: 60, Session: 60 },
    features: { devInteractions: { enabled: false } },
    interactions: { url: (_context, { uid }) => `/as/${uid}` },
    async findAccount(_context, id) {
      return { accountId: id, claims: async () => ({ sub: id, preferred_username: id }) };
    },
    async loadExistingGrant(context) {
      const grant = new context.oidc.provider.Grant({
        clientId: context.oidc.client!.clientId,
        accountId: context.oidc.session!.accountId!,
      });
      grant.addOIDCScope("openid profile");
      await grant.save();
      return grant;
    },
  });
  const answer = provider.callback();
  server.removeAllListeners("request");
  server.on("request", (request, response) => {
    if (breakNonce && request.url!.startsWith("/auth?"))
      request.url = request.url!.replace(/nonce=[^&]+/, "nonce=another-one-that-is-long");
    if (!request.url!.startsWith("/as/")) {
      answer(request, response);
      return;
    }
    const accountId = /as=([a-z]+)/.exec(request.headers.cookie ?? "")?.[1] ?? "ada";
    void provider.interactionFinished(request, response, { login: { accountId } });
  });
}

/** Cookies by host and port; follows redirects until one leads back to the gateway's callback. */
class Wanderer {
  readonly #gateway: GatewayProcess;
  readonly #jars = new Map<string, Map<string, string>>();

  constructor(user = "ada", at = gateway) {
    this.#gateway = at;
    this.#jar(issuer).set("as", user);
  }

  #jar(url: string): Map<string, string> {
    const { host } = new URL(url);
    if (!this.#jars.has(host)) this.#jars.set(host, new Map());
    return this.#jars.get(host)!;
  }

  async get(url: string): Promise<{ status: number; location: string | undefined; cookies: string[] }> {
    const jar = this.#jar(url);
    const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join("; ");
    const response = await fetch(url, { redirect: "manual", headers: { cookie } });
    await response.arrayBuffer();
    const cookies = response.headers.getSetCookie();
    for (const field of cookies) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(field)!;
      if (value === "") jar.delete(name!);
      else jar.set(name!, value!);
    }
    const location = response.headers.get("location");
    return {
      status: response.status,
      location: location ? new URL(location, url).href : undefined,
      cookies,
    };
  }

  async toCallback(): Promise<string> {
    let at = new URL("api/oidc/login", this.#gateway.url).href;
    for (let i = 0; i < 12; i++) {
      const { location, status } = await this.get(at);
      if (location === undefined) throw new Error(`${at} answered ${status}`);
      at = location;
      if (at.startsWith(new URL("api/oidc/callback", this.#gateway.url).href)) return at;
    }
    throw new Error("too many redirects");
  }

  async sessionUser(): Promise<unknown> {
    const { hostname, port } = new URL(this.#gateway.url);
    const jar = this.#jar(this.#gateway.url);
    const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join("; ");
    return new Promise((resolve, reject) => {
      const sent = httpRequest({ hostname, port, path: "/api/session", headers: { cookie } }, (answer) => {
        let text = "";
        answer.on("data", (chunk) => (text += chunk));
        answer.on("end", () => resolve((JSON.parse(text) as { user?: unknown }).user));
      });
      sent.on("error", reject);
      sent.end();
    });
  }
}

describe("a proxy that logs people in", () => {
  const headers = { "remote-user": "Ada" };

  test("who it names is logged in; somebody else's session is not theirs", async () => {
    const ada = new Visitor(gateway.url);
    const { status, body } = await ada.send("GET", "api/session", undefined, headers);
    expect([status, body.user]).toEqual([200, "ada"]);
    expect((await ada.send("GET", "api/terminals", undefined, headers)).status).toBe(200);
    expect((await ada.send("GET", "api/terminals", undefined, { "remote-user": "eve" })).status).toBe(401);
    for (const value of ["eve", "ada, eve", "eve,ada", "-x", "a b"]) {
      const stranger = new Visitor(gateway.url);
      const refused = await stranger.send("GET", "api/session", undefined, { "remote-user": value });
      expect([value, refused.status, refused.headers.getSetCookie()]).toEqual([value, 401, []]);
    }
    const other = new Visitor(gateway.url);
    expect((await other.send("GET", "api/session", undefined, { remote_user: "ada" })).status).toBe(401);
  });

  test("of a peer that is not listed the field is nothing, whatever it forwards", async () => {
    const stranger = new Visitor(open.url);
    const forwarded = { ...headers, "x-forwarded-for": "192.0.2.1", forwarded: "for=192.0.2.1" };
    expect((await stranger.send("GET", "api/session", undefined, forwarded)).status).toBe(401);
    expect((await stranger.send("GET", "api/terminals", undefined, forwarded)).status).toBe(401);
  });
});

describe("OpenID Connect, with a real provider", () => {
  test("out and back: code, PKCE, state and nonce; an answer is good once and in its own browser", async () => {
    const ada = new Wanderer();
    const out = await ada.get(new URL("api/oidc/login", gateway.url).href);
    const sent = new URL(out.location!).searchParams;
    expect(sent.get("response_type")).toBe("code");
    expect(sent.get("code_challenge_method")).toBe("S256");
    for (const name of ["state", "nonce", "code_challenge"])
      expect(sent.get(name)!.length).toBeGreaterThan(40);
    expect(out.cookies[0]).toMatch(
      /^cloudterm-oidc=[\w-]{43}; Path=\/; Max-Age=600; HttpOnly; SameSite=Lax$/,
    );

    const callback = await ada.toCallback();
    // Another browser's answer: no login there (login CSRF).
    const victim = new Wanderer();
    await victim.get(new URL("api/oidc/login", gateway.url).href);
    expect((await victim.get(callback)).location).toContain("#problem=");
    expect(await victim.sessionUser()).toBeUndefined();
    const stranger = new Wanderer();
    expect((await stranger.get(callback)).location).toContain("#problem=");

    const back = await ada.get(callback);
    expect([back.status, back.location]).toEqual([303, gateway.url]);
    expect(back.cookies.join("\n")).toMatch(/^cloudterm=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict$/m);
    expect(await ada.sessionUser()).toBe("ada");
    expect((await ada.get(callback)).location).toContain("#problem=");
  });

  test("a changed state, an error of the provider, a nonce of another login: nobody is logged in", async () => {
    const changes: ((callback: URL) => void)[] = [
      (url) => url.searchParams.set("state", "x".repeat(43)),
      (url) => url.searchParams.delete("state"),
      (url) => url.searchParams.set("code", "x".repeat(43)),
      (url) => url.searchParams.set("error", "access_denied"),
      (url) => url.searchParams.set("iss", "https://evil.example"),
      (url) => {
        url.search = "";
      },
    ];
    for (const change of changes) {
      const browser = new Wanderer();
      const callback = new URL(await browser.toCallback());
      change(callback);
      expect((await browser.get(callback.href)).location).toContain("#problem=");
      expect(await browser.sessionUser()).toBeUndefined();
    }
    breakNonce = true;
    const browser = new Wanderer();
    const callback = await browser.toCallback();
    breakNonce = false;
    expect((await browser.get(callback)).location).toContain("#problem=");
    expect(await browser.sessionUser()).toBeUndefined();
  });

  test("whom nobody has added is no user, unless users are made", async () => {
    const eve = new Wanderer("eve");
    const refused = await eve.get(await eve.toCallback());
    expect(decodeURIComponent(refused.location!)).toContain("there is no user eve here");
    expect(await eve.sessionUser()).toBeUndefined();
    const welcomed = new Wanderer("eve", open);
    await welcomed.get(await welcomed.toCallback());
    expect(await welcomed.sessionUser()).toBe("eve");
  });
});

describe.skipIf(lacksChromium !== "")(`passkeys${lacksChromium}`, () => {
  let browser: Browser | undefined;
  afterEach(() => browser?.close());

  test("in a browser with an authenticator: add one, log in with it, remove it; a copy of the answer is nothing", async () => {
    browser = await launchChromium();
    // Passkeys belong to a name.
    const url = gateway.url.replace("127.0.0.1", "localhost");
    const page: Page = await (await browser.newContext()).newPage();
    page.setDefaultTimeout(120_000);
    const cdp: CDPSession = await page.context().newCDPSession(page);
    await cdp.send("WebAuthn.enable");
    const { authenticatorId } = await cdp.send("WebAuthn.addVirtualAuthenticator", {
      options: {
        protocol: "ctap2",
        transport: "internal",
        hasResidentKey: true,
        hasUserVerification: true,
        isUserVerified: true,
      },
    });
    await page.goto(url);
    await page.getByLabel("User").fill("ada");
    await page.getByLabel("Password").fill(PASSWORD);
    await page.getByRole("button", { name: "Log in" }).click();
    await sees(page, /^\$/m);

    await page.getByRole("button", { name: /^Account of/ }).click();
    const secretOf = async () =>
      (await page.context().cookies()).find(({ name }) => name === "cloudterm")?.value;
    const before = await secretOf();
    await page.getByLabel("Name of the passkey").fill("my laptop");
    await page.getByLabel("Password for passkeys").fill("not the password");
    await page.getByRole("button", { name: "Add a passkey" }).click();
    await page.getByText("that is not your password").waitFor();
    await page.getByLabel("Password for passkeys").fill(PASSWORD);
    await page.getByRole("button", { name: "Add a passkey" }).click();
    await page.getByText("my laptop").waitFor();
    // The account can be entered in another way now: the session has another secret.
    expect(await secretOf()).not.toBe(before);

    const finishes: string[] = [];
    page.on("request", (request) => {
      if (request.url().endsWith("/login/passkey/finish")) finishes.push(request.postData()!);
    });
    await page.getByRole("button", { name: "Log out", exact: true }).click();
    await page.getByRole("button", { name: "Use a passkey" }).click();
    await sees(page, /^\$/m);
    expect(finishes.length).toBe(1);

    // The same answer again, with its own ticket and with a new one.
    const thief = new Visitor(url);
    const replayed = JSON.parse(finishes[0]!) as { ticket: string; response: { id: string } };
    expect((await thief.send("POST", "api/login/passkey/finish", replayed)).status).toBe(401);
    const { body: begun } = await thief.send("POST", "api/login/passkey", {});
    const again = { ...replayed, ticket: begun.ticket };
    expect((await thief.send("POST", "api/login/passkey/finish", again)).status).toBe(401);
    for (const response of [null, {}, { id: replayed.response.id }, { ...replayed.response, response: {} }]) {
      const { body: next } = await thief.send("POST", "api/login/passkey", {});
      const { status } = await thief.send("POST", "api/login/passkey/finish", {
        ticket: next.ticket,
        response,
      });
      expect([response === null || Object.keys(response).length, [401, 429].includes(status)]).toEqual([
        response === null || Object.keys(response).length,
        true,
      ]);
    }
    // An address has no passkeys.
    expect((await new Visitor(gateway.url).send("POST", "api/login/passkey", {})).status).toBe(400);

    // A finger that the authenticator does not know is no login.
    await page.getByRole("button", { name: /^Account of/ }).click();
    await page.getByRole("button", { name: "Log out", exact: true }).click();
    await cdp.send("WebAuthn.setUserVerified", { authenticatorId, isUserVerified: false });
    await page.getByRole("button", { name: "Use a passkey" }).click();
    await page.getByText("No passkey was used.").waitFor();
    await cdp.send("WebAuthn.setUserVerified", { authenticatorId, isUserVerified: true });
    await page.getByRole("button", { name: "Use a passkey" }).click();
    await sees(page, /^\$/m);

    await page.getByRole("button", { name: /^Account of/ }).click();
    await page.getByLabel("Password for passkeys").fill(PASSWORD);
    await page.getByRole("button", { name: "Remove" }).click();
    await page.getByText("my laptop").waitFor({ state: "detached" });
    await page.getByRole("button", { name: "Log out", exact: true }).click();
    await page.getByRole("link", { name: "Single sign-on" }).waitFor();
    if (process.env.TZ_SCREENSHOTS)
      await page.screenshot({ path: `${process.env.TZ_SCREENSHOTS}/login.png` });
    await page.getByRole("button", { name: "Use a passkey" }).click();
    await page.getByText("is wrong").waitFor();
  });
});
