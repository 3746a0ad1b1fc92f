import { createServer, request } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, test } from "vitest";
import { nodeRequestView, type RequestView, webRequestView } from "./request-view.js";
import { checkCsrfToken, SameSite } from "./same-site.js";
import { securityFields } from "./security-fields.js";
import { cookieField, cookieName, expiredCookie, readCookie } from "./session-cookie.js";

const site = new SameSite({ hosts: ["term.example", "Other.example:8443"] });

function view(host: string, origin: string | undefined, change: Partial<RequestView> = {}): RequestView {
  const field = (name: string) => (name === "origin" ? origin : undefined);
  return { method: "GET", upgrade: true, scheme: "https", host, field, ...change };
}

test.each([
  "https://evil.example",
  "null",
  "https://term.example:444",
  "http://term.example",
  "https://term.example.evil.example",
  "https://evilterm.example",
  "https://term.example@evil.example",
  "https://term.example/",
  "",
  undefined,
])("an upgrade and an unsafe request from %s are refused", (origin) => {
  expect(() => site.check(view("term.example", origin))).toThrow(
    expect.objectContaining({ code: "TZ_CLOUDTERM_ORIGIN", status: 403 }),
  );
  for (const method of ["POST", "PUT", "PATCH", "DELETE", "FOO"]) {
    expect(() => site.check(view("term.example", origin, { method, upgrade: false }))).toThrow(
      expect.objectContaining({ code: "TZ_CLOUDTERM_ORIGIN" }),
    );
  }
  site.check(view("term.example", origin, { upgrade: false }));
});

test("the gateway's own pages may", () => {
  site.check(view("term.example", "https://term.example"));
  site.check(view("TERM.example:443", "https://term.example"));
  site.check(view("other.example:8443", "https://other.example:8443"));
  site.check(view("127.0.0.1:7681", "http://127.0.0.1:7681", { scheme: "http" }));
  site.check(view("[::1]:7681", "http://[::1]:7681", { scheme: "http" }));
  site.check(view("localhost:7681", "http://localhost:7681", { scheme: "http" }));
});

test.each([
  "evil.example",
  "evil.example:7681",
  "term.example:8443",
  "other.example",
  "term.example.",
  "localhost.evil.example",
  "127.0.0.1.evil.example",
  "[::1].evil.example",
  "",
  "term.example@evil.example",
])("a name that was pointed here gets nothing: %s", (host) => {
  const request = view(host, `https://${host}`);
  expect(() => site.check(request)).toThrow(
    expect.objectContaining({ code: "TZ_CLOUDTERM_HOST", status: 403 }),
  );
  expect(() => site.check({ ...request, upgrade: false })).toThrow(
    expect.objectContaining({ code: "TZ_CLOUDTERM_HOST" }),
  );
});

test("hosts that are no hosts are refused", () => {
  for (const host of ["https://term.example", "*", "a b", "term.example/x", ""]) {
    expect(() => new SameSite({ hosts: [host] })).toThrow(/allowed: a name or address/);
  }
});

test("it works on node:http and on Fetch requests", async () => {
  const server = createServer((incoming, answer) => {
    try {
      site.check(nodeRequestView(incoming));
      answer.end("yes");
    } catch (error) {
      answer.writeHead((error as { status: number }).status).end();
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const status = (origin: string) =>
    new Promise((resolve) => {
      const sent = request({ port, method: "POST", headers: { origin } }, (answer) => {
        answer.resume();
        resolve(answer.statusCode);
      });
      sent.end();
    });
  expect(await status(`http://localhost:${port}`)).toBe(200);
  expect(await status("https://evil.example")).toBe(403);
  await new Promise((resolve) => server.close(resolve));

  const fetched = (origin: string) =>
    webRequestView(new Request("https://term.example/x", { method: "POST", headers: { origin } }));
  site.check(fetched("https://term.example"));
  expect(() => site.check(fetched("https://evil.example"))).toThrow(/Origin/);
});

test("the CSRF token must be the session's", () => {
  checkCsrfToken("abc", "abc");
  for (const bad of [undefined, "", "abd", "abcd"])
    expect(() => checkCsrfToken(bad, "abc")).toThrow(expect.objectContaining({ code: "TZ_CLOUDTERM_CSRF" }));
});

test("cookies are for this host, over TLS, and not for scripts", () => {
  const secure = cookieName("session", "https");
  expect(cookieField(secure, "x")).toBe("__Host-session=x; Path=/; Secure; HttpOnly; SameSite=Strict");
  const plain = cookieName("session", "http");
  expect(cookieField(plain, "x", { sameSite: "Lax" })).toBe("session=x; Path=/; HttpOnly; SameSite=Lax");
  expect(expiredCookie(secure)).toContain("__Host-session=; Path=/; Max-Age=0; Secure");
  expect(readCookie("a=b; __Host-session=y ; __Host-session=z", secure)).toBe("y");
  expect(readCookie("session=y", secure)).toBeUndefined();
  expect(readCookie(undefined, secure)).toBeUndefined();
});

test("pages run no inline script and no script of others, and stand in no frame", () => {
  const fields = securityFields({ hsts: true });
  const policy = fields[fields.indexOf("Content-Security-Policy") + 1]!;
  const scripts = policy.split("; ").find((each) => each.startsWith("script-src"));
  expect(scripts).toBe("script-src 'self' 'wasm-unsafe-eval'");
  expect(policy).toContain("default-src 'none'");
  expect(policy).toContain("frame-ancestors 'none'");
  expect(fields).toContain("X-Frame-Options");
  expect(securityFields({ frameAncestors: "https://portal.example" })).not.toContain("X-Frame-Options");
});
