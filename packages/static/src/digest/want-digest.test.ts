import { expect, test } from "vitest";
import { wantedDigest } from "./want-digest.js";

test.each([
  ["sha-256=1", "sha-256"],
  ["sha-256=3, sha-512=10", "sha-512"],
  ["sha-512=3, sha-256=10", "sha-256"],
  ["sha-256=5, sha-512=5", "sha-256"],
  ["unixsum=10, sha-256=1", "sha-256"],
  ["sha-256=1;x=y", "sha-256"],
  ["sha-256=0", undefined],
  ["sha-256", undefined],
  ["sha-256=11", undefined],
  ["sha-256=x", undefined],
  ["md5=10", undefined],
  ["", undefined],
  [undefined, undefined],
])("%j: %s", (value, algorithm) => {
  expect(wantedDigest(value)).toBe(algorithm);
});
