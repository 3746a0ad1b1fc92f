import { CloudtermError, shown } from "../errors.js";

export type UserRole = "admin" | "user";

/** A second factor by time (RFC 6238). */
export interface TotpSecret {
  /** The shared secret, base32 (RFC 4648). */
  readonly secret: string;
}

/** A public key of an authenticator (WebAuthn). */
export interface Passkey {
  /** Credential id, base64url. */
  readonly id: string;
  /** COSE public key, base64url. */
  readonly publicKey: string;
  readonly counter: number;
  readonly transports: readonly string[];
  readonly name: string;
  readonly createdMs: number;
}

/** One line of the users file. */
export interface User {
  /** In lower case; see {@link userName}. */
  readonly name: string;
  readonly role: UserRole;
  /** `undefined`: no login by password (single sign-on, passkeys). */
  readonly hash: string | undefined;
  readonly totp: TotpSecret | undefined;
  /** SHA-256 of the recovery codes that are left. */
  readonly recovery: readonly string[];
  readonly passkeys: readonly Passkey[];
  readonly createdMs: number;
  /** Logins from before are void: set when the password is changed. */
  readonly sessionsFromMs: number;
}

const NAME = /^[a-z0-9_](?:[a-z0-9._@-]{0,62}[a-z0-9_])?$/;

/**
 * The one spelling of a user name: in lower case, composed, without spaces around it. All spellings share one
 * account and one rate limit.
 * @returns `undefined` when it is no user name
 */
export function userName(given: string): string | undefined {
  if (given.length > 256) return undefined;
  const name = given.normalize("NFKC").trim().toLowerCase();
  return NAME.test(name) ? name : undefined;
}

/** @throws CloudtermError `TZ_CLOUDTERM_USER_NAME` */
export function checkUserName(given: string): string {
  const name = userName(given);
  if (name !== undefined) return name;
  throw new CloudtermError(
    "TZ_CLOUDTERM_USER_NAME",
    `user name ${shown(given)}; allowed: 1 to 64 of a-z 0-9 . _ @ -, with a letter, digit or _ at both ends`,
  );
}
