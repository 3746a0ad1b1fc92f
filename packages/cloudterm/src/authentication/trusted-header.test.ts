import { expect, test } from "vitest";
import { TrustedHeader } from "./trusted-header.js";

const header = new TrustedHeader({
  header: "Remote-User",
  peers: ["loopback", "10.1.0.0/16", "2001:db8::7"],
});

function from(remoteAddress: string, value: string | undefined, name = "remote-user") {
  return { remoteAddress, field: (asked: string) => (asked === name ? value : undefined) };
}

test.each(["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1", "10.1.2.3", "2001:db8::7"])(
  "a listed peer says who is there: %s",
  (peer) => {
    expect(header.userOf(from(peer, " Ada "))).toBe("ada");
    expect(header.userOf(from(peer, undefined))).toBeUndefined();
    expect(header.userOf(from(peer, ""))).toBeUndefined();
  },
);

test.each(["10.2.0.1", "192.0.2.1", "2001:db8::8", "::ffff:10.2.0.1", "", "localhost"])(
  "of others the field is nothing: %s",
  (peer) => {
    expect(header.userOf(from(peer, "ada"))).toBeUndefined();
    // Not even malformed.
    expect(header.userOf(from(peer, "ada, root"))).toBeUndefined();
  },
);

test("a field that comes twice, or names no user, logs nobody in; other spellings of its name are other fields", () => {
  for (const value of ["eve, ada", "ada,", "a b", "-oProxyCommand=x", "ada\u0000", "x".repeat(500)])
    expect(() => header.userOf(from("::1", value))).toThrow(
      expect.objectContaining({ code: "TZ_CLOUDTERM_LOGIN" }),
    );
  expect(header.userOf(from("::1", "ada", "remote_user"))).toBeUndefined();
});

test("options that cannot be are refused", () => {
  for (const bad of [
    { header: "", peers: ["loopback"] },
    { header: "Remote User", peers: ["loopback"] },
    { header: "Remote-User", peers: [] },
    { header: "Remote-User", peers: ["everybody"] },
    { header: "Remote-User", peers: ["10.0.0.0/33"] },
  ])
    expect(() => new TrustedHeader(bad)).toThrow(expect.objectContaining({ code: "TZ_CLOUDTERM_OPTION" }));
});
