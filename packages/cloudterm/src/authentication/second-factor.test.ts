import { join } from "node:path";
import { expect, test } from "vitest";
import { tempFolder } from "../temp-folder.fixture.js";
import { DeviceMarks } from "./device-marks.js";
import { MemoryTickets } from "./memory-tickets.js";
import { newRecoveryCodes } from "./recovery-codes.js";
import { SecondFactor } from "./second-factor.js";
import { fromBase32, matchTotp, newTotpSecret, toBase32, totpCode, totpStep, totpUri } from "./totp.js";
import { UsersFile } from "./users-file.js";

test("codes are those of RFC 6238", () => {
  const secret = toBase32(Buffer.from("12345678901234567890"));
  for (const [seconds, code] of [
    [59, "287082"],
    [1111111109, "081804"],
    [1111111111, "050471"],
    [1234567890, "005924"],
    [2000000000, "279037"],
    [20000000000, "353130"],
  ] as const) {
    expect(totpCode(secret, totpStep(seconds * 1000))).toBe(code);
  }
});

test("base32 is that of RFC 4648", () => {
  for (const [text, encoded] of [
    ["f", "MY"],
    ["fo", "MZXQ"],
    ["foo", "MZXW6"],
    ["foobar", "MZXW6YTBOI"],
  ] as const) {
    expect(toBase32(Buffer.from(text))).toBe(encoded);
    expect(fromBase32(encoded).toString()).toBe(text);
  }
  expect(() => fromBase32("1")).toThrow(RangeError);
  expect(newTotpSecret()).toMatch(/^[A-Z2-7]{32}$/);
});

test("one step of difference between clocks is allowed, two are not", () => {
  const secret = newTotpSecret();
  const nowMs = 1_700_000_000_000;
  const step = totpStep(nowMs);
  for (const [off, found] of [
    [-2, undefined],
    [-1, step - 1],
    [0, step],
    [1, step + 1],
    [2, undefined],
  ] as const) {
    expect(matchTotp(secret, totpCode(secret, step + off), nowMs)).toBe(found);
  }
  for (const bad of ["", "12345", "1234567", "abcdef", "١٢٣٤٥٦"])
    expect(matchTotp(secret, bad, nowMs)).toBeUndefined();
});

test("a code counts once, a recovery code counts once", async () => {
  const users = new UsersFile(join(tempFolder(), "users.json"));
  let nowMs = 1_700_000_000_000;
  const factor = new SecondFactor({
    users,
    tickets: new MemoryTickets({ now: () => nowMs }),
    now: () => nowMs,
  });
  const secret = newTotpSecret();
  const { codes, hashes } = newRecoveryCodes();
  await users.add({ name: "ada", role: "user", hash: undefined });
  const ada = await users.update("ada", () => ({ totp: { secret }, recovery: hashes }));
  const code = totpCode(secret, totpStep(nowMs));
  expect(await factor.verify(ada, ` ${code.slice(0, 3)} ${code.slice(3)}`)).toBe("totp");
  expect(await factor.verify(ada, code)).toBeUndefined();
  nowMs += 30_000;
  expect(await factor.verify(ada, code)).toBeUndefined();
  expect(await factor.verify(ada, totpCode(secret, totpStep(nowMs)))).toBe("totp");

  expect(codes.length).toBe(10);
  expect(await factor.verify(ada, codes[3]!.toUpperCase())).toBe("recovery");
  expect(await factor.verify(ada, codes[3]!)).toBeUndefined();
  expect(users.get("ada")!.recovery.length).toBe(9);
  // Two at once: the second finds it gone although it saw it.
  const both = await Promise.all([factor.verify(ada, codes[4]!), factor.verify(ada, codes[4]!)]);
  expect(both.filter((each) => each === "recovery").length).toBe(1);
  for (const bad of ["", codes[5]!.slice(0, -1), hashes[5]!, "x".repeat(1000)]) {
    expect(await factor.verify(ada, bad)).toBeUndefined();
  }
});

test("the link for authenticators", () => {
  expect(totpUri("ABC", "ada@x", "a host")).toBe(
    "otpauth://totp/a%20host:ada%40x?secret=ABC&issuer=a%20host&algorithm=SHA1&digits=6&period=30",
  );
});

test("a mark is its user's alone", () => {
  const marks = new DeviceMarks(Buffer.alloc(32, 1));
  const mark = marks.issue("ada");
  expect(marks.read("ada", mark)).toMatch(/^[A-Za-z0-9_-]{16}$/);
  expect(marks.read("bob", mark)).toBeUndefined();
  expect(new DeviceMarks(Buffer.alloc(32, 2)).read("ada", mark)).toBeUndefined();
  for (const bad of [undefined, "", ".", `${mark}A`, mark.replace(".", "")])
    expect(marks.read("ada", bad)).toBeUndefined();
});
