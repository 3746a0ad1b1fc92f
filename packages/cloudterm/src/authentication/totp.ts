import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const STEP_MS = 30_000;
const DIGITS = 6;
/** Clocks may differ by one step either way (RFC 6238 §5.2). */
const SKEW_STEPS = 1;

/** Base32 without padding (RFC 4648 §6). */
export function toBase32(bytes: Uint8Array): string {
  let text = "";
  let bits = 0;
  let value = 0;
  for (const byte of bytes) {
    value = (value << 8) | byte;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      text += ALPHABET[(value >>> bits) & 31]!;
    }
    value &= 255;
  }
  return bits > 0 ? text + ALPHABET[(value << (5 - bits)) & 31]! : text;
}

export function fromBase32(text: string): Buffer {
  const bytes: number[] = [];
  let bits = 0;
  let value = 0;
  for (const letter of text) {
    const five = ALPHABET.indexOf(letter);
    if (five < 0) throw new RangeError(`${JSON.stringify(letter)} is no letter of base32`);
    value = (value << 5) | five;
    bits += 5;
    if (bits >= 8) {
      bits -= 8;
      bytes.push((value >>> bits) & 255);
      value &= (1 << bits) - 1;
    }
  }
  return Buffer.from(bytes);
}

/** 160 random bits, as RFC 4226 §4 recommends. */
export function newTotpSecret(): string {
  return toBase32(randomBytes(20));
}

/** The code of one 30 s step (RFC 6238 with HMAC-SHA-1 and 6 digits, which all authenticators know). */
export function totpCode(secret: string, step: number): string {
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(step));
  const mac = createHmac("sha1", fromBase32(secret)).update(counter).digest();
  const offset = mac[mac.length - 1]! & 15;
  const number = (mac.readUInt32BE(offset) & 0x7fff_ffff) % 10 ** DIGITS;
  return String(number).padStart(DIGITS, "0");
}

export function totpStep(nowMs: number): number {
  return Math.floor(nowMs / STEP_MS);
}

/**
 * The step whose code it is. The caller takes each step once: a code that was seen over a shoulder is void.
 * @returns `undefined` when it is the code of none that counts now
 */
export function matchTotp(secret: string, given: string, nowMs: number): number | undefined {
  const code = given.replace(/\s/g, "");
  if (!/^\d{6}$/.test(code)) return undefined;
  const now = totpStep(nowMs);
  let found: number | undefined;
  for (let step = now - SKEW_STEPS; step <= now + SKEW_STEPS; step++) {
    // All are compared, so that the time does not tell which it was.
    if (timingSafeEqual(Buffer.from(code), Buffer.from(totpCode(secret, step)))) found = step;
  }
  return found;
}

/** How long a step must be remembered as taken. */
export const TOTP_TAKEN_MS = (2 * SKEW_STEPS + 2) * STEP_MS;

/** What an authenticator reads from a QR code or link. */
export function totpUri(secret: string, user: string, issuer: string): string {
  const label = `${encodeURIComponent(issuer)}:${encodeURIComponent(user)}`;
  const query = new URLSearchParams({
    secret,
    issuer,
    algorithm: "SHA1",
    digits: String(DIGITS),
    period: "30",
  });
  return `otpauth://totp/${label}?${query.toString().replaceAll("+", "%20")}`;
}
