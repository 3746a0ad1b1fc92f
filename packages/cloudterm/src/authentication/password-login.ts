import { createHmac, randomBytes } from "node:crypto";
import type { HashQueue } from "./hash-queue.js";
import {
  DEFAULT_SCHEME,
  emptyHash,
  type HashScheme,
  hashPassword,
  isSameScheme,
  schemeOf,
  verifyPassword,
} from "./password-hash.js";
import type { User } from "./user.js";
import type { UsersFile } from "./users-file.js";

export interface PasswordLoginOptions {
  readonly users: UsersFile;
  readonly queue: HashQueue;
  /** How passwords shall be hashed; one that is hashed otherwise is hashed again when its owner logs in. */
  readonly scheme?: HashScheme;
}

/** Verifies passwords of a users file. */
export class PasswordLogin {
  readonly #users: UsersFile;
  readonly #queue: HashQueue;
  readonly #scheme: HashScheme;
  readonly #key = randomBytes(32);

  constructor({ users, queue, scheme = DEFAULT_SCHEME }: PasswordLoginOptions) {
    this.#users = users;
    this.#queue = queue;
    this.#scheme = scheme;
  }

  /**
   * The user whose password it is. A name without a user costs what the name of one costs: a hash of the scheme of one
   * of the users, always of the same for the same name, is verified in its place.
   * @param password is overwritten with zeros
   * @param known the browser has logged into this account before: it need not wait behind those that have not
   * @throws CloudtermError `TZ_CLOUDTERM_BUSY`, `TZ_CLOUDTERM_USERS_FILE`
   */
  async verify(name: string, password: Uint8Array, known = false): Promise<User | undefined> {
    try {
      const user = this.#users.get(name);
      const hash = user?.hash ?? emptyHash(this.#schemeFor(name));
      return await this.#queue.run(async () => {
        const right = await verifyPassword(password, hash);
        if (user?.hash === undefined || !right) return undefined;
        await this.#renew(user, password);
        return user;
      }, known);
    } finally {
      password.fill(0);
    }
  }

  #schemeFor(name: string): HashScheme {
    const schemes = this.#users.schemes();
    const chance = createHmac("sha256", this.#key).update(name).digest().readUInt32BE(0);
    return schemes[chance % Math.max(1, schemes.length)] ?? this.#scheme;
  }

  async #renew(user: User, password: Uint8Array): Promise<void> {
    if (isSameScheme(schemeOf(user.hash!)!, this.#scheme)) return;
    let hash: string;
    try {
      hash = await hashPassword(password, this.#scheme);
    } catch {
      // A password that the new scheme does not take stays as it is until it is changed.
      return;
    }
    // Only in place of the hash that was verified: somebody may have set another password meanwhile.
    await this.#users.update(user.name, (now) => (now.hash === user.hash ? { hash } : undefined));
  }
}
