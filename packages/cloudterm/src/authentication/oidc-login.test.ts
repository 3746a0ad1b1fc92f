import { expect, test } from "vitest";
import { OidcLogin } from "./oidc-login.js";

test("a provider that cannot be asked is said, and asked again at the next login", async () => {
  const oidc = new OidcLogin({ issuer: "http://127.0.0.1:1", clientId: "term" });
  for (let i = 0; i < 2; i++) {
    await expect(oidc.begin("http://localhost/api/oidc/callback")).rejects.toMatchObject({
      code: "TZ_CLOUDTERM_UPSTREAM",
    });
  }
});

test.each(["http://sso.example", "ftp://sso.example", "sso.example", "http://127.0.0.1.evil.example", ""])(
  "the issuer %j is refused: tokens must not cross a network in the clear",
  (issuer) => {
    expect(() => new OidcLogin({ issuer, clientId: "term" })).toThrow(
      expect.objectContaining({ code: "TZ_CLOUDTERM_OPTION" }),
    );
  },
);

test("a client without a name is refused", () => {
  expect(() => new OidcLogin({ issuer: "https://sso.example", clientId: "" })).toThrow(/clientId/);
});
