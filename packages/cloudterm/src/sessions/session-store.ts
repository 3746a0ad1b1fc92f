/** What is known of a session. Plain data: it is stored as JSON. */
export interface SessionRecord {
  /** Names the session in lists; it opens nothing. */
  readonly id: string;
  readonly user: string;
  readonly createdMs: number;
  readonly lastSeenMs: number;
  /** The session ends then, whatever it does. */
  readonly endMs: number;
  /** The session ends this long after `lastSeenMs`. */
  readonly idleMs: number;
  /** Where the login came from. */
  readonly address: string;
  readonly agent: string;
}

export interface StoredSession {
  readonly key: string;
  readonly record: SessionRecord;
}

/** When the session ends if nothing more is heard of it. */
export function expiryOf(record: SessionRecord): number {
  return Math.min(record.endMs, record.lastSeenMs + record.idleMs);
}

/**
 * Where sessions are kept: by key (a hash of the cookie's value), and by user. `sessions/session-store.conformance.ts`
 * says what an implementation must do.
 */
export interface SessionStore {
  /** A new session. */
  add(key: string, record: SessionRecord): Promise<void>;
  /** The session if it has not expired. */
  get(key: string, nowMs: number): Promise<SessionRecord | undefined>;
  /** Notes that the session was heard of. A session that was removed meanwhile does not come back. */
  touch(key: string, record: SessionRecord): Promise<void>;
  /**
   * Puts a session in the place of another of the same user, in one step: what was removed meanwhile does not come back.
   * Whoever listens is told that the other was removed.
   * @returns whether the other was there
   */
  replace(before: StoredSession, after: StoredSession, nowMs: number): Promise<boolean>;
  /**
   * Removes sessions; resolves when that is permanent. Everybody who listens is told, on all machines.
   * @returns how many were there
   */
  remove(keys: readonly StoredSession[]): Promise<number>;
  /** The same with all of a user, in one step: one that is replaced at the same time is removed before or after. */
  removeOfUser(user: string): Promise<number>;
  /** The sessions of a user that have not expired, the newest first. */
  ofUser(user: string, nowMs: number): Promise<StoredSession[]>;
  /** All sessions that have not expired, at most `limit`. */
  all(nowMs: number, limit: number): Promise<StoredSession[]>;
  /** Is told the `id`s of sessions that were removed, here or elsewhere. */
  onRemoved(listener: (ids: readonly string[]) => void): void;
  /** Is told when removals may have been missed: sessions in use are to be looked up again. */
  onGap(listener: () => void): void;
  close(): Promise<void>;
}
