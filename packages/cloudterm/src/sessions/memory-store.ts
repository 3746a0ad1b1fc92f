import { ExpiryBuckets } from "./expiry-buckets.js";
import { expiryOf, type SessionRecord, type SessionStore, type StoredSession } from "./session-store.js";
import { readSnapshot, SnapshotWriter } from "./snapshot.js";

export interface MemoryStoreOptions {
  /** The file that sessions outlive the process in. Default: none. */
  readonly snapshotPath?: string | undefined;
  /** How long a change that is no removal may wait to be written. Default 1,000. */
  readonly snapshotDelayMs?: number;
  readonly now?: () => number;
}

const SLOT_MS = 10_000;

/** Sessions in memory; with `snapshotPath` also on disk, so that a restart does not log everybody out. */
export class MemorySessionStore implements SessionStore {
  readonly #records = new Map<string, SessionRecord>();
  readonly #byUser = new Map<string, Set<string>>();
  readonly #ends: ExpiryBuckets;
  readonly #listeners: ((ids: readonly string[]) => void)[] = [];
  readonly #snapshot: SnapshotWriter | undefined;
  readonly #sweeper: NodeJS.Timeout;

  /**
   * @throws Error of the system when the snapshot is there and cannot be read. One that is damaged is put aside as
   *   `FILE.damaged`, and everybody has to log in again.
   */
  constructor({ snapshotPath, snapshotDelayMs = 1000, now = Date.now }: MemoryStoreOptions = {}) {
    const nowMs = now();
    this.#ends = new ExpiryBuckets(SLOT_MS, nowMs);
    if (snapshotPath !== undefined) {
      for (const { key, record } of readSnapshot(snapshotPath)) {
        if (expiryOf(record) > nowMs) this.#insert(key, record);
      }
      this.#snapshot = new SnapshotWriter(snapshotPath, snapshotDelayMs, () => this.#entries());
    }
    this.#sweeper = setInterval(() => this.sweep(now()), SLOT_MS).unref();
  }

  get size(): number {
    return this.#records.size;
  }

  *#entries(): Iterable<StoredSession> {
    for (const [key, record] of this.#records) yield { key, record };
  }

  #insert(key: string, record: SessionRecord): void {
    this.#records.set(key, record);
    const keys = this.#byUser.get(record.user);
    if (keys === undefined) this.#byUser.set(record.user, new Set([key]));
    else keys.add(key);
    this.#ends.add(key, expiryOf(record));
  }

  #delete(key: string): SessionRecord | undefined {
    const record = this.#records.get(key);
    if (record === undefined) return undefined;
    this.#records.delete(key);
    const keys = this.#byUser.get(record.user)!;
    keys.delete(key);
    if (keys.size === 0) this.#byUser.delete(record.user);
    return record;
  }

  /** Forgets what has expired. Called by itself; tests call it with their own time. */
  sweep(nowMs: number): void {
    const ids: string[] = [];
    this.#ends.sweep(
      nowMs,
      (key) => {
        const record = this.#records.get(key);
        return record && expiryOf(record);
      },
      (key) => ids.push(this.#delete(key)!.id),
    );
    if (ids.length > 0) this.#tell(ids);
  }

  #tell(ids: readonly string[]): void {
    for (const listener of this.#listeners) listener(ids);
  }

  async add(key: string, record: SessionRecord): Promise<void> {
    this.#insert(key, record);
    this.#snapshot?.later();
  }

  async get(key: string, nowMs: number): Promise<SessionRecord | undefined> {
    const record = this.#records.get(key);
    return record !== undefined && expiryOf(record) > nowMs ? record : undefined;
  }

  async touch(key: string, record: SessionRecord): Promise<void> {
    if (!this.#records.has(key)) return;
    this.#records.set(key, record);
    this.#snapshot?.later();
  }

  async replace(before: StoredSession, { key, record }: StoredSession, nowMs: number): Promise<boolean> {
    if ((await this.get(before.key, nowMs)) === undefined) return false;
    const gone = this.#delete(before.key);
    // Somebody else was faster.
    if (gone === undefined) return false;
    this.#insert(key, record);
    this.#tell([gone.id]);
    await this.#snapshot?.flush();
    return true;
  }

  remove(sessions: readonly StoredSession[]): Promise<number> {
    return this.#removeKeys(sessions.map(({ key }) => key));
  }

  removeOfUser(user: string): Promise<number> {
    return this.#removeKeys([...(this.#byUser.get(user) ?? [])]);
  }

  async #removeKeys(keys: readonly string[]): Promise<number> {
    const ids: string[] = [];
    for (const key of keys) {
      const record = this.#delete(key);
      if (record !== undefined) ids.push(record.id);
    }
    if (ids.length === 0) return 0;
    this.#tell(ids);
    // A session that was revoked must not come back when the process dies now.
    await this.#snapshot?.flush();
    return ids.length;
  }

  async ofUser(user: string, nowMs: number): Promise<StoredSession[]> {
    const found: StoredSession[] = [];
    for (const key of this.#byUser.get(user) ?? []) {
      const record = this.#records.get(key)!;
      if (expiryOf(record) > nowMs) found.push({ key, record });
    }
    return found.sort((a, b) => b.record.createdMs - a.record.createdMs);
  }

  async all(nowMs: number, limit: number): Promise<StoredSession[]> {
    const found: StoredSession[] = [];
    for (const [key, record] of this.#records) {
      if (found.length >= limit) break;
      if (expiryOf(record) > nowMs) found.push({ key, record });
    }
    return found;
  }

  onRemoved(listener: (ids: readonly string[]) => void): void {
    this.#listeners.push(listener);
  }

  /** Nothing is missed in one process. */
  onGap(): void {}

  async close(): Promise<void> {
    clearInterval(this.#sweeper);
    await this.#snapshot?.flush();
  }
}
