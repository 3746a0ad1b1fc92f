import { readFileSync, statSync } from "node:fs";
import { replaceFile } from "../atomic-file.js";
import { CloudtermError, shown } from "../errors.js";
import { withFileLock } from "../file-lock.js";
import { type HashScheme, schemeOf } from "./password-hash.js";
import { checkUserName, type Passkey, type User, userName } from "./user.js";

const FORMAT = "tz-users-1";

/** Who is asked about users. */
export interface UserLookup {
  /** The user of that name in any spelling. */
  get(given: string): User | undefined;
}

/**
 * The users, in a file that may be changed by another process (`cloudterm user passwd`) while a gateway runs: it is
 * looked at before each use, changed under a lock, and replaced atomically. Its mode is 0600.
 */
export class UsersFile implements UserLookup {
  readonly path: string;
  #users = new Map<string, User>();
  #seen = "";

  /** @throws CloudtermError `TZ_CLOUDTERM_USERS_FILE` when it is there and cannot be read. A file that is not there has no users. */
  constructor(path: string) {
    this.path = path;
    this.#refresh();
  }

  get size(): number {
    this.#refresh();
    return this.#users.size;
  }

  /** The user of that name in any spelling. */
  get(given: string): User | undefined {
    this.#refresh();
    return find(this.#users, given);
  }

  /** The users as they are now, for whoever has many questions at a time: the file is looked at once. */
  view(): UserLookup {
    this.#refresh();
    // Replaced when it changes, never changed itself.
    const users = this.#users;
    return { get: (given) => find(users, given) };
  }

  list(): User[] {
    this.#refresh();
    return [...this.#users.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** How the passwords of this file are hashed, one entry a user. */
  schemes(): HashScheme[] {
    return this.list().flatMap(({ hash }) => (hash === undefined ? [] : [schemeOf(hash)!]));
  }

  /** @throws CloudtermError `TZ_CLOUDTERM_USER_EXISTS`, `TZ_CLOUDTERM_USER_NAME` */
  async add(user: Pick<User, "name" | "role" | "hash">): Promise<User> {
    const name = checkUserName(user.name);
    return this.#change((users) => {
      if (users.has(name)) {
        throw new CloudtermError("TZ_CLOUDTERM_USER_EXISTS", `there is a user ${shown(name)} already`);
      }
      const { role, hash } = user;
      const added: User = {
        name,
        role,
        hash,
        totp: undefined,
        recovery: [],
        passkeys: [],
        createdMs: Date.now(),
        sessionsFromMs: 0,
      };
      users.set(name, added);
      return added;
    });
  }

  /**
   * Changes a user by what it is when the change is made; other processes wait.
   * @param change what is new; `undefined` leaves the user as it is
   * @throws CloudtermError `TZ_CLOUDTERM_USER_UNKNOWN`, and what `change` throws
   */
  async update(
    given: string,
    change: (user: User) => Partial<Omit<User, "name">> | undefined,
  ): Promise<User> {
    const name = checkUserName(given);
    return this.#change((users) => {
      const user = users.get(name);
      if (user === undefined) throw unknownUser(name);
      const changed = { ...user, ...change(user) };
      users.set(name, changed);
      return changed;
    });
  }

  /** @throws CloudtermError `TZ_CLOUDTERM_USER_UNKNOWN` */
  async remove(given: string): Promise<User> {
    const name = checkUserName(given);
    return this.#change((users) => {
      const user = users.get(name);
      if (user === undefined) throw unknownUser(name);
      users.delete(name);
      return user;
    });
  }

  #change<Result>(change: (users: Map<string, User>) => Result): Promise<Result> {
    return withFileLock(`${this.path}.lock`, async () => {
      this.#refresh();
      const users = new Map(this.#users);
      const result = change(users);
      const content = { format: FORMAT, users: [...users.values()] };
      await replaceFile(this.path, `${JSON.stringify(content, undefined, 2)}\n`);
      this.#refresh();
      return result;
    });
  }

  /** One `stat` when nothing has changed. */
  #refresh(): void {
    const stat = statSync(this.path, { bigint: true, throwIfNoEntry: false });
    const seen = stat === undefined ? "none" : `${stat.ino} ${stat.mtimeNs} ${stat.size}`;
    if (seen === this.#seen) return;
    this.#users = stat === undefined ? new Map() : readUsers(this.path);
    this.#seen = seen;
  }
}

function find(users: ReadonlyMap<string, User>, given: string): User | undefined {
  const name = userName(given);
  return name === undefined ? undefined : users.get(name);
}

function unknownUser(name: string): CloudtermError {
  return new CloudtermError("TZ_CLOUDTERM_USER_UNKNOWN", `there is no user ${shown(name)}`);
}

function readUsers(path: string): Map<string, User> {
  try {
    const { format, users } = JSON.parse(readFileSync(path, "utf8")) as { format: unknown; users: unknown };
    if (format !== FORMAT || !Array.isArray(users)) throw new Error(`its format is not ${FORMAT}`);
    const map = new Map<string, User>();
    for (const each of users) {
      const user = checkedUser(each as Record<string, unknown>);
      if (map.has(user.name)) throw new Error(`user ${shown(user.name)} comes twice`);
      map.set(user.name, user);
    }
    return map;
  } catch (error) {
    throw new CloudtermError("TZ_CLOUDTERM_USERS_FILE", `users file ${path}: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

function checkedUser(given: Record<string, unknown>): User {
  const { name, role, hash, totp, recovery = [], passkeys = [], createdMs = 0, sessionsFromMs = 0 } = given;
  if (typeof name !== "string" || userName(name) !== name)
    throw new Error(`${shown(name)} is no user name in lower case`);
  const refuse = (what: string): never => {
    throw new Error(`user ${shown(name)}: ${what}`);
  };
  if (role !== "admin" && role !== "user") refuse(`role is ${shown(role)}; allowed: "admin", "user"`);
  if (hash !== undefined && (typeof hash !== "string" || schemeOf(hash) === undefined))
    refuse("hash is neither argon2id nor bcrypt within bounds");
  const secret = (totp as { secret?: unknown } | undefined)?.secret;
  if (totp !== undefined && (typeof secret !== "string" || !/^[A-Z2-7]{16,}$/.test(secret)))
    refuse("totp.secret is no base32");
  if (!Array.isArray(recovery) || recovery.some((code) => typeof code !== "string"))
    refuse("recovery is no list of hashes");
  if (!Array.isArray(passkeys) || !passkeys.every(isPasskey)) refuse("passkeys is no list of passkeys");
  return {
    name,
    role: role as User["role"],
    hash: hash as string | undefined,
    totp: totp === undefined ? undefined : { secret: secret as string },
    recovery: recovery as string[],
    passkeys: passkeys as Passkey[],
    createdMs: Number(createdMs),
    sessionsFromMs: Number(sessionsFromMs),
  };
}

function isPasskey(value: unknown): value is Passkey {
  const { id, publicKey, counter, transports, name } = (value ?? {}) as Record<string, unknown>;
  const texts = [id, publicKey, name].every((text) => typeof text === "string");
  return texts && Number.isSafeInteger(counter) && Array.isArray(transports);
}
