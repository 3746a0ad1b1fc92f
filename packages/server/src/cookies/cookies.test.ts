import fc from "fast-check";
import { expect, test } from "vitest";
import { fakeServer, parseResponses } from "../fake-server.fixture.js";
import { text } from "../handlers/reply.js";
import { CookieSigner } from "./cookie-signer.js";
import { type CookieOptions, parseCookies, setCookie } from "./cookies.js";

test.each<[string | undefined, Record<string, string>]>([
  [undefined, {}],
  ["", {}],
  ["a=1; b=2", { a: "1", b: "2" }],
  ["a=1;b = 2 ;c", { a: "1", b: "2" }],
  ['a="1 2"; b="', { a: "1 2", b: '"' }],
  ["a=first; a=second", { a: "first" }],
  ["a=b=c; =x", { a: "b=c" }],
  ["a=%20", { a: "%20" }],
])("%j is read", (field, cookies) => {
  expect({ ...parseCookies(field) }).toEqual(cookies);
});

test("names are data: no prototype is reached", () => {
  const cookies = parseCookies("__proto__=x; toString=y");
  expect(Object.getPrototypeOf(cookies)).toBeNull();
  expect(Object.keys(cookies)).toEqual(["__proto__", "toString"]);
});

test("attributes are written, with careful defaults", () => {
  expect(setCookie("a", "1")).toBe("a=1; Path=/; Secure; HttpOnly; SameSite=Lax");
  expect(
    setCookie("__Secure-a", "", {
      domain: "example.org",
      path: "/x",
      maxAgeSeconds: 0,
      httpOnly: false,
      sameSite: "None",
      partitioned: true,
    }),
  ).toBe("__Secure-a=; Path=/x; Domain=example.org; Max-Age=0; Secure; SameSite=None; Partitioned");
});

test.each<[string, string, CookieOptions]>([
  ["a b", "1", {}],
  ["a", "1;2", {}],
  ["a", "1\r\nX: y", {}],
  ["a", "ü", {}],
  ["a", "1", { path: "x" }],
  ["a", "1", { path: "/;x" }],
  ["a", "1", { domain: "a;b" }],
  ["a", "1", { maxAgeSeconds: 1.5 }],
  ["a", "1", { sameSite: "none" as never }],
  ["a", "1", { sameSite: "None", secure: false }],
  ["a", "1", { partitioned: true, secure: false }],
  ["__Secure-a", "1", { secure: false }],
  ["__host-a", "1", { secure: false }],
  ["__Host-a", "1", { path: "/x" }],
  ["__Host-a", "1", { domain: "example.org" }],
])("%s=%s with %j is refused", (name, value, options) => {
  expect(() => setCookie(name, value, options)).toThrow(
    expect.objectContaining({ code: "TZ_SERVER_COOKIE" }),
  );
});

const keys = ["k".repeat(32), "o".repeat(32)] as const;

test("a signature holds for its name, value and keys", () => {
  const signer = new CookieSigner(keys);
  const signed = signer.sign("sid", "u.7");
  expect(signer.verify("sid", signed)).toBe("u.7");
  expect(signer.verify("sie", signed)).toBeUndefined();
  expect(signer.verify("sid", `x${signed}`)).toBeUndefined();
  expect(new CookieSigner([keys[1], keys[0]]).verify("sid", signed)).toBe("u.7");
  expect(new CookieSigner([keys[1]]).verify("sid", signed)).toBeUndefined();
  expect(() => new CookieSigner(["short"])).toThrow(/32 bytes/);
  expect(() => new CookieSigner([])).toThrow(/32 bytes/);
  for (const bad of [undefined, "", ".", "u.7", `u.7.${"A".repeat(43)}`, signed.slice(0, -1)]) {
    expect(signer.verify("sid", bad)).toBeUndefined();
  }
});

test("what is signed can be verified after a round trip, what is changed cannot", () => {
  const signer = new CookieSigner(keys);
  const value = fc.string({ unit: fc.constantFrom(..."abcXYZ019._-~!") });
  fc.assert(
    fc.property(value, fc.nat(), (text, at) => {
      const signed = signer.sign("n", text);
      const cookie = setCookie("n", signed).split(";")[0];
      expect(signer.verify("n", parseCookies(cookie).n)).toBe(text);
      const i = at % signed.length;
      // The last character of base64url has bits that count for nothing.
      if (i === signed.length - 1) return;
      const changed = signed.slice(0, i) + (signed[i] === "a" ? "b" : "a") + signed.slice(i + 1);
      expect(signer.verify("n", changed)).toBeUndefined();
    }),
  );
});

test("a handler reads cookies of the request and sets some", async () => {
  const server = await fakeServer((request) =>
    text(`${request.cookies.a} ${request.cookies.b}`, { fields: ["Set-Cookie", setCookie("c", "3")] }),
  );
  const client = server.connect();
  client.clientSend("GET / HTTP/1.1\r\nHost: a\r\nCookie: a=1\r\nCookie: b=2\r\n\r\n");
  expect(parseResponses(client.received)[0]).toMatchObject({
    body: "1 2",
    fields: { "set-cookie": "c=3; Path=/; Secure; HttpOnly; SameSite=Lax" },
  });
});
