import { randomBytes } from "node:crypto";
import { CloudtermError } from "../errors.js";
import { derivedFrom, isSecret, keyOf, newSecret } from "./session-id.js";
import type { SessionRecord, SessionStore, StoredSession } from "./session-store.js";

export interface SessionsOptions {
  readonly idleMs: number;
  readonly maxMs: number;
  readonly now?: () => number;
}

export interface Login {
  readonly user: string;
  readonly address: string;
  readonly agent: string;
  /** When what proves it was begun to be looked at; default: now. Changes of the account that came later end the session. */
  readonly sinceMs?: number | undefined;
}

/** A session as a request proves it: with the secret of its cookie. */
export interface Session extends StoredSession {
  readonly secret: string;
  /** What unsafe requests of this session must carry in `X-CSRF-Token`. */
  readonly csrfToken: string;
}

/** Being heard of is noted at most this often, or ten times per `idleMs`: a busy session costs no writes. */
const TOUCH_INTERVAL_MS = 30_000;
const AGENT_LENGTH_MAX = 200;

/** Sessions of users over any {@link SessionStore}. */
export class Sessions {
  readonly #store: SessionStore;
  readonly #idleMs: number;
  readonly #maxMs: number;
  readonly #now: () => number;

  constructor(store: SessionStore, { idleMs, maxMs, now = Date.now }: SessionsOptions) {
    this.#store = store;
    this.#idleMs = idleMs;
    this.#maxMs = maxMs;
    this.#now = now;
  }

  /** A new session with a secret of its own: what a browser had before its login never names it. */
  async create({ user, address, agent, sinceMs }: Login): Promise<Session> {
    const nowMs = this.#now();
    const record: SessionRecord = {
      id: newId(),
      user,
      createdMs: sinceMs ?? nowMs,
      lastSeenMs: nowMs,
      endMs: nowMs + this.#maxMs,
      idleMs: this.#idleMs,
      address,
      agent: agent.slice(0, AGENT_LENGTH_MAX),
    };
    const secret = newSecret();
    const key = keyOf(secret);
    await this.#store.add(key, record);
    return proven(secret, key, record);
  }

  /** The session that a cookie's value proves. */
  async find(secret: string | undefined): Promise<Session | undefined> {
    if (!isSecret(secret)) return undefined;
    const key = keyOf(secret);
    const nowMs = this.#now();
    const record = await this.#store.get(key, nowMs);
    if (record === undefined) return undefined;
    const interval = Math.min(TOUCH_INTERVAL_MS, record.idleMs / 10);
    if (nowMs - record.lastSeenMs < interval) return proven(secret, key, record);
    const touched = { ...record, lastSeenMs: nowMs };
    await this.#store.touch(key, touched);
    return proven(secret, key, touched);
  }

  /**
   * The same login under a new secret, when what it may do or how it is entered changes. The old one is void, its sockets are
   * closed; the login lasts no longer than before.
   * @throws CloudtermError `TZ_CLOUDTERM_SESSION` when the login is over, or was given another secret meanwhile
   */
  async rotate(session: Session): Promise<Session> {
    const nowMs = this.#now();
    const record = { ...session.record, id: newId(), lastSeenMs: nowMs };
    const secret = newSecret();
    const key = keyOf(secret);
    if (!(await this.#store.replace(session, { key, record }, nowMs)))
      throw new CloudtermError("TZ_CLOUDTERM_SESSION");
    return proven(secret, key, record);
  }

  /** Resolves when the sessions are gone for good; `onRemoved` listeners of all gateways are told. */
  async revoke(sessions: readonly StoredSession[]): Promise<void> {
    await this.#store.remove(sessions);
  }

  /** @returns whether the user had such a session; one that was given a new secret meanwhile has another id */
  async revokeById(user: string, id: string): Promise<boolean> {
    const found = (await this.list(user)).filter(({ record }) => record.id === id);
    return (await this.#store.remove(found)) > 0;
  }

  /** Also of those that are being given another secret. @returns how many there were */
  revokeAll(user: string): Promise<number> {
    return this.#store.removeOfUser(user);
  }

  list(user: string): Promise<StoredSession[]> {
    return this.#store.ofUser(user, this.#now());
  }

  all(limit: number): Promise<StoredSession[]> {
    return this.#store.all(this.#now(), limit);
  }

  onRemoved(listener: (ids: readonly string[]) => void): void {
    this.#store.onRemoved(listener);
  }

  /** Is told when removals may have been missed. */
  onGap(listener: () => void): void {
    this.#store.onGap(listener);
  }
}

function newId(): string {
  return randomBytes(9).toString("base64url");
}

function proven(secret: string, key: string, record: SessionRecord): Session {
  return { secret, key, record, csrfToken: derivedFrom(secret, "csrf") };
}
