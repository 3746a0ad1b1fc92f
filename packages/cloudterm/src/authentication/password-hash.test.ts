import { expect, test } from "vitest";
import {
  checkScheme,
  emptyHash,
  type HashScheme,
  hashPassword,
  schemeOf,
  verifyPassword,
} from "./password-hash.js";

const SMALL: HashScheme = { kind: "argon2id", memoryKiB: 64, passes: 1, parallelism: 1 };
const BCRYPT: HashScheme = { kind: "bcrypt", cost: 4 };
const password = Buffer.from("correct horse battery");

test.each([SMALL, BCRYPT])("$kind: what was hashed is verified, nothing else", async (scheme) => {
  const hash = await hashPassword(password, scheme);
  expect(schemeOf(hash)).toEqual(scheme);
  expect(await verifyPassword(password, hash)).toBe(true);
  for (const wrong of ["", "correct horse batterx", "correct horse battery ", "\0", "x".repeat(5000)]) {
    expect(await verifyPassword(Buffer.from(wrong), hash)).toBe(false);
  }
});

test("hashes that other programs made are verified", async () => {
  // htpasswd -B (2y), and the reference implementation of Argon2.
  const htpasswd = "$2y$05$c4WoMPo3SXsafkva.HHa6uXQZWr7oboPiC2bT/r7q1BB8I2s0BRqC";
  expect(await verifyPassword(Buffer.from("myPassword"), htpasswd)).toBe(true);
  expect(await verifyPassword(Buffer.from("myPassworD"), htpasswd)).toBe(false);
  const reference = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";
  expect(await verifyPassword(Buffer.from("password"), reference)).toBe(true);
});

test("bcrypt: more than 72 bytes are refused when the password is set, however few characters they are", async () => {
  await expect(hashPassword(Buffer.from("é".repeat(36)), BCRYPT)).resolves.toMatch(/^\$2b\$04\$/);
  await expect(hashPassword(Buffer.from("é".repeat(37)), BCRYPT)).rejects.toMatchObject({
    code: "TZ_CLOUDTERM_PASSWORD",
    message: expect.stringContaining("74 bytes; allowed: 10 to 72"),
  });
  // A hash of the first 72 bytes does not open for more of them.
  const hash = await hashPassword(Buffer.from("x".repeat(72)), BCRYPT);
  expect(await verifyPassword(Buffer.from("x".repeat(73)), hash)).toBe(false);
});

test.each([SMALL, BCRYPT])("$kind: no NUL byte, not too short", async (scheme) => {
  for (const bad of ["hunter2\0hunter2", "short", ""]) {
    await expect(hashPassword(Buffer.from(bad), scheme)).rejects.toMatchObject({
      code: "TZ_CLOUDTERM_PASSWORD",
    });
  }
  const hash = await hashPassword(Buffer.from("hunter2hunter2"), scheme);
  expect(await verifyPassword(Buffer.from("hunter2hunter2\0more"), hash)).toBe(false);
});

test.each([SMALL, BCRYPT])("$kind: the hash of nobody is of its scheme and no password's", async (scheme) => {
  for (let i = 0; i < 20; i++) {
    const hash = emptyHash(scheme);
    expect(schemeOf(hash)).toEqual(scheme);
    if (i < 3) expect(await verifyPassword(password, hash)).toBe(false);
  }
});

test("what is no hash, or would stall the gateway, is none", () => {
  for (const text of [
    "",
    "password",
    "$1$abc$def",
    "$2b$31$abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcde",
    "$argon2i$v=19$m=64,t=1,p=1$c29tZXNhbHRzb21l$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
    "$argon2id$v=19$m=9999999,t=1,p=1$c29tZXNhbHRzb21l$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
    "$argon2id$v=19$m=64,t=9999,p=1$c29tZXNhbHRzb21l$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
  ]) {
    expect(schemeOf(text)).toBeUndefined();
  }
  expect(() => checkScheme({ kind: "bcrypt", cost: 31 })).toThrow(/cost 4 to 18/);
  expect(() => checkScheme({ kind: "argon2id", memoryKiB: 4, passes: 1, parallelism: 1 })).toThrow(
    /memoryKiB/,
  );
});
