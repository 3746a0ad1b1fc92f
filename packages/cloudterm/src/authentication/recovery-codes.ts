import { createHash, randomBytes } from "node:crypto";
import { toBase32 } from "./totp.js";

const COUNT = 10;
/** 80 bits a code: a plain hash of it cannot be searched for. */
const BYTES = 10;

/** Codes that each replace the second factor once, and what is stored of them. */
export function newRecoveryCodes(): {
  readonly codes: readonly string[];
  readonly hashes: readonly string[];
} {
  const codes = Array.from({ length: COUNT }, () => {
    return toBase32(randomBytes(BYTES)).toLowerCase().match(/.{4}/g)!.join("-");
  });
  return { codes, hashes: codes.map(recoveryHash) };
}

/** What is stored of a code; spaces, dashes and case do not matter. */
export function recoveryHash(code: string): string {
  return createHash("sha256").update(code.toLowerCase().replace(/[\s-]/g, "")).digest("base64url");
}
