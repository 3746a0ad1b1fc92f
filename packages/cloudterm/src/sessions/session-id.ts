import { createHash, createHmac, randomBytes } from "node:crypto";

const ID_BYTES = 32;
const ID_PATTERN = /^[A-Za-z0-9_-]{43}$/;

/** 256 random bits, base64url: what the cookie carries and nothing stores. */
export function newSecret(): string {
  return randomBytes(ID_BYTES).toString("base64url");
}

export function isSecret(value: unknown): value is string {
  return typeof value === "string" && ID_PATTERN.test(value);
}

/**
 * The key under which a secret is stored. The input has 256 bits of entropy, so a plain hash cannot be searched for
 * (unlike a password's), and looking it up needs no comparison in constant time.
 */
export function keyOf(secret: string): string {
  return createHash("sha256").update(secret).digest("base64url");
}

/** A second value that follows from the secret without revealing it: the CSRF token of a session. */
export function derivedFrom(secret: string, purpose: string): string {
  return createHmac("sha256", secret).update(purpose).digest("base64url");
}
