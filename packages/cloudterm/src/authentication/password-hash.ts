import { randomBytes } from "node:crypto";
import * as argon2 from "@node-rs/argon2";
import * as bcrypt from "@node-rs/bcrypt";
import { CloudtermError, shown } from "../errors.js";

/** How a password is hashed. Memory in KiB; one lane unless `parallelism` says more. */
export type HashScheme =
  | {
      readonly kind: "argon2id";
      readonly memoryKiB: number;
      readonly passes: number;
      readonly parallelism: number;
    }
  | { readonly kind: "bcrypt"; readonly cost: number };

/** OWASP's first choice for Argon2id: 19 MiB, 2 passes, 1 lane. */
export const DEFAULT_SCHEME: HashScheme = { kind: "argon2id", memoryKiB: 19_456, passes: 2, parallelism: 1 };

const ARGON2ID =
  /^\$argon2id\$v=19\$m=(\d{1,7}),t=(\d{1,4}),p=(\d{1,3})\$([A-Za-z0-9+/]{11,86})\$([A-Za-z0-9+/]{22,86})$/;
const BCRYPT = /^\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}$/;

/** A hash that takes longer than any of these is a mistake in the file, and a way to stall the gateway. */
const MEMORY_KIB_MAX = 1_048_576;
const PASSES_MAX = 100;
const COST_MAX = 18;
const COST_MIN = 4;

const PASSWORD_BYTES_MIN = 10;
const PASSWORD_BYTES_MAX = 1024;
/** bcrypt does not look at what comes behind. */
const BCRYPT_BYTES_MAX = 72;

/**
 * How a stored hash was made: `$argon2id$v=19$…` (PHC string) or `$2a$`, `$2b$`, `$2y$`.
 * @returns `undefined` for every other text
 */
export function schemeOf(hash: string): HashScheme | undefined {
  const argon = ARGON2ID.exec(hash);
  if (argon !== null) {
    const [memoryKiB, passes, parallelism] = [Number(argon[1]), Number(argon[2]), Number(argon[3])];
    return isBearable({ kind: "argon2id", memoryKiB, passes, parallelism });
  }
  const cost = BCRYPT.exec(hash)?.[1];
  return cost === undefined ? undefined : isBearable({ kind: "bcrypt", cost: Number(cost) });
}

function isBearable(scheme: HashScheme): HashScheme | undefined {
  if (scheme.kind === "bcrypt")
    return scheme.cost >= COST_MIN && scheme.cost <= COST_MAX ? scheme : undefined;
  const { memoryKiB, passes, parallelism } = scheme;
  const fits =
    memoryKiB >= 8 * parallelism && memoryKiB <= MEMORY_KIB_MAX && passes >= 1 && passes <= PASSES_MAX;
  return fits && parallelism >= 1 && parallelism <= 64 ? scheme : undefined;
}

/** @throws CloudtermError `TZ_CLOUDTERM_OPTION` */
export function checkScheme(scheme: HashScheme): HashScheme {
  const checked = isBearable(scheme);
  if (checked !== undefined) return checked;
  throw new CloudtermError(
    "TZ_CLOUDTERM_OPTION",
    `option scheme is ${JSON.stringify(scheme)}; allowed: bcrypt of cost ${COST_MIN} to ${COST_MAX}, argon2id with memoryKiB from 8 × parallelism to ${MEMORY_KIB_MAX}, passes 1 to ${PASSES_MAX}, parallelism 1 to 64`,
  );
}

export function isSameScheme(a: HashScheme, b: HashScheme): boolean {
  if (a.kind === "bcrypt") return b.kind === "bcrypt" && a.cost === b.cost;
  return (
    b.kind === "argon2id" &&
    a.memoryKiB === b.memoryKiB &&
    a.passes === b.passes &&
    a.parallelism === b.parallelism
  );
}

/**
 * What may become a password. Length counts in bytes of UTF-8: bcrypt ignores what comes behind its 72nd byte, and
 * several of its implementations stop at a NUL.
 * @throws CloudtermError `TZ_CLOUDTERM_PASSWORD`
 */
export function checkNewPassword(password: Uint8Array, scheme: HashScheme = DEFAULT_SCHEME): void {
  const max = scheme.kind === "bcrypt" ? BCRYPT_BYTES_MAX : PASSWORD_BYTES_MAX;
  const { byteLength } = password;
  if (byteLength < PASSWORD_BYTES_MIN || byteLength > max) {
    throw new CloudtermError(
      "TZ_CLOUDTERM_PASSWORD",
      `the password has ${byteLength} bytes; allowed: ${PASSWORD_BYTES_MIN} to ${max} for ${scheme.kind}`,
    );
  }
  if (password.includes(0)) {
    throw new CloudtermError("TZ_CLOUDTERM_PASSWORD", "the password holds a NUL byte; no password may");
  }
}

/**
 * Hashes a new password, on Node's thread pool.
 * @param password is not changed: the caller wipes it
 * @throws CloudtermError `TZ_CLOUDTERM_PASSWORD`
 */
export async function hashPassword(
  password: Uint8Array,
  scheme: HashScheme = DEFAULT_SCHEME,
): Promise<string> {
  checkNewPassword(password, scheme);
  if (scheme.kind === "bcrypt") {
    return bcrypt.hash(password, { cost: scheme.cost, version: "2b", rejectLongPasswords: true });
  }
  const { memoryKiB, passes, parallelism } = scheme;
  return argon2.hash(password, { memoryCost: memoryKiB, timeCost: passes, parallelism });
}

/** Whether the password is the hash's. A longer one than could have been set does the same work and is none. */
export async function verifyPassword(password: Uint8Array, hash: string): Promise<boolean> {
  const scheme = schemeOf(hash);
  if (scheme === undefined) {
    throw new CloudtermError(
      "TZ_CLOUDTERM_USERS_FILE",
      `${shown(hash.slice(0, 12))}… is no hash that is known`,
    );
  }
  const max = scheme.kind === "bcrypt" ? BCRYPT_BYTES_MAX : PASSWORD_BYTES_MAX;
  const possible = password.byteLength <= max && !password.includes(0);
  const tried = possible ? password : new Uint8Array(16);
  const right = await (scheme.kind === "bcrypt" ? bcrypt.verify(tried, hash) : argon2.verify(hash, tried));
  return right && possible;
}

/** A well-formed hash of no password: verifying it costs what its scheme costs. */
export function emptyHash(scheme: HashScheme): string {
  if (scheme.kind === "bcrypt") {
    // 22 + 31 characters; the last of the salt holds two bits only.
    const letters = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    const random = [...randomBytes(53)].map((byte) => letters[byte % 64]!);
    random[21] = ".Oeu"[randomBytes(1)[0]! % 4]!;
    random[52] = letters[(letters.indexOf(random[52]!) >> 2) << 2]!;
    return `$2b$${String(scheme.cost).padStart(2, "0")}$${random.join("")}`;
  }
  const { memoryKiB, passes, parallelism } = scheme;
  const [salt, tag] = [randomBytes(16), randomBytes(32)].map((raw) =>
    raw.toString("base64").replaceAll("=", ""),
  );
  return `$argon2id$v=19$m=${memoryKiB},t=${passes},p=${parallelism}$${salt}$${tag}`;
}
