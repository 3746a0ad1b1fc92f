import { type ByteCacheOptions, type ByteCacheSettings, byteCacheSettings } from "./byte-cache-options.js";
import { type EvictReason, loadChannel, statisticsChannel } from "./channels.js";
import { type Clock, steadyClock } from "./clock.js";
import { CacheEntry } from "./entry.js";
import { CacheError } from "./errors.js";
import { EvictionNotices } from "./eviction-notices.js";
import { Flight, type Loader, type StoreOptions } from "./flight.js";
import { entryTtl } from "./options.js";
import { choosePolicy } from "./policy/choose.js";
import type { Policy, RemovalReason } from "./policy/policy.js";
import { type CacheSnapshot, checkSnapshot, SNAPSHOT_VERSION, type SnapshotEntry } from "./snapshot.js";
import { CacheStatistics, COUNTER, type StatisticsReport } from "./statistics.js";
import { TagIndex } from "./tag-index.js";
import { checkedBytes } from "./value-size.js";

/** What the cache knows of a key. `stale`: expired, but may still be answered by `getOrLoad`. */
export type KeyState = "fresh" | "stale" | "negative" | "absent";

/** Where an entry stands in its life: `fresh` ─ttl─▶ `revalidate` ─swr─▶ `if-error` ─sie─▶ `dead`. */
type Age = "fresh" | "revalidate" | "if-error" | "dead";

const NO_OPTIONS: StoreOptions = {};
const { hits: HITS, misses: MISSES, negativeHits: NEGATIVE_HITS, staleHits: STALE_HITS } = COUNTER;

/** Which counter goes up when an entry leaves. */
const REASON_COUNTER: Readonly<Record<EvictReason, number>> = {
  bytes: COUNTER.evictedBytes,
  entries: COUNTER.evictedEntries,
  admission: COUNTER.evictedAdmission,
  replaced: COUNTER.replaced,
  expired: COUNTER.expirations,
  deleted: COUNTER.deleted,
  invalidated: COUNTER.invalidated,
  cleared: COUNTER.cleared,
};

const STATISTICS_MESSAGE_MS = 1000;

/**
 * A cache with a budget in bytes: values by key, each with its size, time to live and tags, loaded at most once at a
 * time, answered stale where that is allowed.
 *
 * ```
 *   getOrLoad ─▶ policy (who stays) ─ fresh ──────────────▶ value
 *                  │ stale: value at once ─ and ─┐
 *                  │ absent                      ▼
 *                  └──────▶ flight (one a key) ─ loader ─▶ set ─▶ all who wait
 * ```
 *
 * Values are held by reference and never copied. All methods belong to the thread that made the cache; for one
 * cache in many threads or processes see `SharedCache`. Keys are compared as in a `Map`.
 */
export class ByteCache<K, V> {
  readonly #settings: ByteCacheSettings<K, V>;
  readonly #policy: Policy<K, CacheEntry<V>>;
  readonly #tags = new TagIndex<K>();
  readonly #flights = new Map<K, Flight<K, V>>();
  /** Until when no new load is started, for keys whose last load failed and that have a stale value. */
  readonly #backoffUntilMs = new Map<K, number>();
  readonly #notices: EvictionNotices<K, V>;
  readonly #statistics: CacheStatistics;
  readonly #now: Clock;
  readonly #staleMs: number;
  #tagInvalidations = 0;
  #publishedAtMs = Number.NEGATIVE_INFINITY;
  #closed = false;

  /** @throws CacheError `TZ_CACHE_OPTION`, `TZ_CACHE_STATISTICS` */
  constructor(options: ByteCacheOptions<K, V> = {}) {
    const settings = byteCacheSettings(options);
    this.#settings = settings;
    this.#now = steadyClock(settings.now);
    this.#staleMs = Math.max(settings.staleWhileRevalidateMs, settings.staleIfErrorMs);
    this.#notices = new EvictionNotices(settings.name, settings.onEvict);
    this.#statistics = new CacheStatistics(options.statistics, this.#now);
    const onRemoved = (key: K, entry: CacheEntry<V>, reason: RemovalReason): void =>
      this.#left(key, entry, reason);
    this.#policy = choosePolicy(options.policy, settings, onRemoved, { hashKey: settings.hashKey });
  }

  /** Entries held, stale and negative ones included. */
  get size(): number {
    return this.#policy.size;
  }

  /** Bytes held. Never above `maxBytes`. */
  get bytes(): number {
    return this.#policy.bytes;
  }

  get maxBytes(): number {
    return this.#settings.maxBytes;
  }

  /** The value, when it is fresh. Counts as a use. */
  get(key: K): V | undefined {
    const entry = this.#policy.get(key);
    if (entry === undefined) {
      this.#count(MISSES);
      return undefined;
    }
    if (entry.expiresAtMs !== 0 && this.#expired(key, entry)) {
      this.#count(MISSES);
      return undefined;
    }
    this.#count(entry.value === undefined ? NEGATIVE_HITS : HITS);
    return entry.value;
  }

  /** The value, when it is fresh. Neither a use nor counted. */
  peek(key: K): V | undefined {
    const entry = this.#policy.peek(key);
    return entry !== undefined && this.#ageOf(entry) === "fresh" ? entry.value : undefined;
  }

  /** What is known of a key. Neither a use nor counted. */
  stateOf(key: K): KeyState {
    const entry = this.#policy.peek(key);
    if (entry === undefined) return "absent";
    const age = this.#ageOf(entry);
    if (age === "dead") return "absent";
    if (age !== "fresh") return "stale";
    return entry.value === undefined ? "negative" : "fresh";
  }

  /**
   * Stores a value under a key, in place of what was there. A load of the key that is under way will not overwrite it.
   *
   * @returns whether it is stored: a value larger than the budget is not, nor one that the policy refuses at once.
   *   What was there before under the key is gone in any case.
   * @throws CacheError `TZ_CACHE_SIZE`, `TZ_CACHE_TTL`, `TZ_CACHE_VALUE`, `TZ_CACHE_CLOSED`
   */
  set(key: K, value: V, options: StoreOptions = NO_OPTIONS): boolean {
    if (value === undefined)
      throw new CacheError("TZ_CACHE_VALUE", "undefined is not a value: use setNegative or delete");
    this.#refuseClosed();
    const entry = this.#entryFor(key, value, options);
    if (this.#flights.size > 0) this.#flights.delete(key);
    const stored = this.#store(key, entry);
    this.#tell();
    return stored;
  }

  /**
   * Remembers that there is nothing under a key: `getOrLoad` answers `undefined` without a load.
   *
   * @param options `ttlMs` defaults to the cache's `negativeTtlMs`, `bytes` to one
   * @throws CacheError as {@link ByteCache.set}
   */
  setNegative(key: K, options: StoreOptions = NO_OPTIONS): boolean {
    this.#refuseClosed();
    const entry = this.#negativeEntry(options);
    this.#flights.delete(key);
    const stored = this.#store(key, entry);
    this.#tell();
    return stored;
  }

  /**
   * The value under a key, loaded when it is not there. However many callers ask, one load runs for a key at a time.
   *
   * - fresh: at once. Negative: `undefined` at once.
   * - expired for less than `staleWhileRevalidateMs`: the old value at once, and a load in the background.
   * - expired for less than `staleIfErrorMs`: loads; the old value if that fails. After a failure the old value is
   *   answered without a load for `refreshBackoffMs`.
   * - else loads. The loader's error goes to all callers, as it is, and nothing is stored.
   *
   * A value that is set, deleted or invalidated while it is being loaded is not stored; callers that came before
   * still get what was loaded, callers that come after start a new load.
   *
   * @param options how to store what is loaded; the loader may change them through its context
   * @returns rejects with the loader's error, or CacheError `TZ_CACHE_LOAD_TIMEOUT`, `TZ_CACHE_LOAD_REENTERED`
   *   (a loader asks for its own key), `TZ_CACHE_CLOSED`, or those of {@link ByteCache.set} for what the loader gave
   */
  getOrLoad(key: K, loader: Loader<K, V>, options: StoreOptions = NO_OPTIONS): Promise<V | undefined> {
    if (this.#closed) return Promise.reject(closedError());
    const entry = this.#policy.get(key);
    if (entry !== undefined) {
      const age = this.#ageOf(entry);
      if (age === "fresh") {
        this.#count(entry.value === undefined ? NEGATIVE_HITS : HITS);
        return Promise.resolve(entry.value);
      }
      const paused = age !== "dead" && this.#isPaused(key);
      if (age === "revalidate" || paused) {
        this.#count(STALE_HITS);
        if (!paused && !this.#flights.has(key)) this.#launch(key, loader, options, entry.value, true);
        return Promise.resolve(entry.value);
      }
      if (age === "dead") {
        this.#remove(key, entry, "expired");
        this.#tell();
      }
    }
    this.#count(MISSES);
    const flight = this.#flights.get(key);
    if (flight === undefined) {
      const stale = entry !== undefined && this.#policy.peek(key) === entry ? entry.value : undefined;
      return this.#launch(key, loader, options, stale, false).promise;
    }
    return this.#join(flight, loader, options);
  }

  /** Takes a key out. A load of it that is under way will not bring it back. */
  delete(key: K): boolean {
    this.#flights.delete(key);
    const entry = this.#policy.peek(key);
    if (entry !== undefined) this.#remove(key, entry, "deleted");
    this.#tell();
    return entry !== undefined;
  }

  /** Takes out every entry that carries a tag. @returns how many */
  invalidateTag(tag: string): number {
    const count = ++this.#tagInvalidations;
    for (const flight of this.#flights.values()) {
      // A loader may still add tags, so the flight goes on and is judged by the tags that it ends with.
      flight.taints ??= new Map();
      if (!flight.taints.has(tag)) flight.taints.set(tag, count);
    }
    return this.#invalidate(this.#tags.keysOf(tag));
  }

  /**
   * Takes out every entry whose key is a string that starts with `prefix`. Looks at every key: measured cost in the
   * README. For frequent use give the entries a tag.
   *
   * @returns how many
   */
  invalidatePrefix(prefix: string): number {
    const matches = (key: K): boolean => typeof key === "string" && key.startsWith(prefix);
    for (const key of [...this.#flights.keys()]) if (matches(key)) this.#flights.delete(key);
    const keys: K[] = [];
    for (const [key] of this.#policy.entries()) if (matches(key)) keys.push(key);
    return this.#invalidate(keys);
  }

  /** Takes out what is past its time and past all stale use. Else that goes when it is asked for or when room is needed. @returns how many */
  purgeExpired(): number {
    const dead: [K, CacheEntry<V>][] = [];
    for (const pair of this.#policy.entries()) if (this.#ageOf(pair[1]) === "dead") dead.push(pair);
    for (const [key, entry] of dead) this.#remove(key, entry, "expired");
    this.#tell();
    return dead.length;
  }

  /** Takes everything out. Loads under way are not stored. */
  clear(): void {
    this.#flights.clear();
    this.#backoffUntilMs.clear();
    for (const [key, entry] of this.#policy.entries()) this.#left(key, entry, "cleared");
    this.#policy.clear();
    this.#tags.clear();
    this.#tell();
  }

  /** Fresh values by key, the one worth least first. The cache must not be changed meanwhile. */
  *entries(): IterableIterator<[K, V]> {
    for (const [key, entry] of this.#policy.entries())
      if (entry.value !== undefined && this.#ageOf(entry) === "fresh") yield [key, entry.value];
  }

  /** Everything that is not dead, as plain data, with the values by reference. */
  snapshot(): CacheSnapshot<K, V> {
    const nowMs = this.#now();
    const entries: SnapshotEntry<K, V>[] = [];
    for (const [key, { value, bytes, expiresAtMs, tags }] of this.#policy.entries()) {
      if (expiresAtMs !== 0 && expiresAtMs <= nowMs) continue;
      entries.push([key, value, bytes, expiresAtMs === 0 ? 0 : expiresAtMs - nowMs, [...(tags ?? [])]]);
    }
    return { version: SNAPSHOT_VERSION, takenAtMs: this.#settings.wallNow(), entries };
  }

  /**
   * Puts a snapshot's entries into this cache, over what is there. What expired since it was taken is left out, and so
   * is what does not fit. A calendar clock that went back counts as no time passed.
   *
   * @returns how many entries were stored
   * @throws CacheError `TZ_CACHE_SNAPSHOT`; nothing is changed then
   */
  restore(snapshot: CacheSnapshot<K, V>): number {
    checkSnapshot(snapshot);
    this.#refuseClosed();
    const nowMs = this.#now();
    const passedMs = Math.max(0, this.#settings.wallNow() - snapshot.takenAtMs);
    let stored = 0;
    for (const [key, value, bytes, leftMs, tags] of snapshot.entries) {
      if (leftMs !== 0 && leftMs <= passedMs) continue;
      const expiresAtMs = leftMs === 0 ? 0 : Math.ceil(nowMs + leftMs - passedMs);
      this.#flights.delete(key);
      if (
        this.#store(key, new CacheEntry(value, bytes, expiresAtMs, tags.length > 0 ? [...tags] : undefined))
      )
        stored++;
    }
    this.#tell();
    return stored;
  }

  /** Counts since the start, and hit ratios. */
  statistics(): StatisticsReport {
    this.#flush();
    return this.#statistics.report();
  }

  /** Publishes {@link ByteCache.statistics} on the channel now; else it happens while the cache is used. */
  publishStatistics(): void {
    if (!statisticsChannel.hasSubscribers) return;
    statisticsChannel.publish({ cache: this.#settings.name, statistics: this.statistics() });
  }

  /** Empties the cache for good: loads under way reject, `set` and `getOrLoad` fail with `TZ_CACHE_CLOSED`. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    const flights = [...this.#flights.values()];
    this.clear();
    for (const flight of flights) flight.abort(closedError());
    this.#flush();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  // ── loads ──────────────────────────────────────────────────────────────────────────────────────────────────

  /** Waits for a flight that another caller started. */
  #join(flight: Flight<K, V>, loader: Loader<K, V>, options: StoreOptions): Promise<V | undefined> {
    if (flight.isAwaitedByCaller()) {
      const message = "a loader waits for its own key: it would never settle";
      return Promise.reject(new CacheError("TZ_CACHE_LOAD_REENTERED", message));
    }
    if (flight.taints === undefined) return flight.promise;
    // A tag was invalidated before this caller came; if the value turns out to carry it, the caller must not get it.
    const joinedAt = this.#tagInvalidations;
    return flight.promise.then((value) =>
      flight.isTainted(joinedAt) ? this.getOrLoad(flight.key, loader, options) : value,
    );
  }

  #launch(
    key: K,
    loader: Loader<K, V>,
    options: StoreOptions,
    stale: V | undefined,
    background: boolean,
  ): Flight<K, V> {
    const flight = new Flight<K, V>(key, { ...options });
    this.#flights.set(key, flight);
    this.#statistics.add(COUNTER.loads);
    const startedAtMs = this.#now();
    const { loadTimeoutMs: timeoutMs, traceLoads: traced } = this.#settings;
    flight.run(
      loader,
      { stale, timeoutMs, background, traced },
      (value) => {
        try {
          this.#loaded(flight, value);
        } finally {
          this.#publishLoad(flight, startedAtMs);
        }
        return value;
      },
      (error) => {
        const fallback = this.#failed(flight, error);
        this.#publishLoad(flight, startedAtMs, error);
        if (fallback === undefined) throw error;
        return fallback;
      },
    );
    return flight;
  }

  #loaded(flight: Flight<K, V>, value: V | undefined): void {
    const { key, store } = flight;
    const current = this.#flights.get(key) === flight;
    if (current) this.#flights.delete(key);
    if (!current || flight.isTainted(this.#tagInvalidations)) {
      flight.outcome = "dropped";
      this.#statistics.add(COUNTER.loadsDropped);
      return;
    }
    this.#backoffUntilMs.delete(key);
    if (value !== undefined) this.#store(key, this.#entryFor(key, value, store));
    else if (this.#settings.negativeTtlMs > 0) this.#store(key, this.#negativeEntry({ tags: store.tags }));
    else {
      const entry = this.#policy.peek(key);
      if (entry !== undefined) this.#remove(key, entry, "deleted");
    }
    this.#tell();
  }

  /** The stale value that stands in for a failed load, if there is one that may. */
  #failed(flight: Flight<K, V>, error: unknown): V | undefined {
    const { key } = flight;
    this.#statistics.add(COUNTER.loadFailures);
    if (error instanceof CacheError && error.code === "TZ_CACHE_LOAD_TIMEOUT")
      this.#statistics.add(COUNTER.loadTimeouts);
    if (this.#flights.get(key) !== flight) return undefined;
    this.#flights.delete(key);
    const entry = this.#policy.peek(key);
    if (entry === undefined || entry.value === undefined) return undefined;
    const expiredMs = this.#now() - entry.expiresAtMs;
    if (this.#ageOf(entry) === "dead") return undefined;
    if (this.#settings.refreshBackoffMs > 0)
      this.#backoffUntilMs.set(key, this.#now() + this.#settings.refreshBackoffMs);
    if (expiredMs >= this.#settings.staleIfErrorMs) return undefined;
    this.#statistics.add(COUNTER.staleOnError);
    return entry.value;
  }

  #isPaused(key: K): boolean {
    if (this.#backoffUntilMs.size === 0) return false;
    const untilMs = this.#backoffUntilMs.get(key);
    return untilMs !== undefined && this.#now() < untilMs;
  }

  #publishLoad(flight: Flight<K, V>, startedAtMs: number, error?: unknown): void {
    if (!loadChannel.hasSubscribers) return;
    const { key, outcome } = flight;
    const durationMs = this.#now() - startedAtMs;
    loadChannel.publish({
      cache: this.#settings.name,
      key,
      outcome,
      durationMs,
      ...(error === undefined ? {} : { error }),
    });
  }

  // ── entries ────────────────────────────────────────────────────────────────────────────────────────────────

  #entryFor(key: K, value: V, options: StoreOptions): CacheEntry<V> {
    const bytes = checkedBytes(options.bytes ?? this.#settings.sizeOf(value, key));
    const { ttlMs, tags } = options;
    const lifeMs = ttlMs === undefined ? this.#settings.ttlMs : entryTtl("ttlMs", ttlMs);
    return new CacheEntry(value, bytes, this.#expiry(lifeMs), tags === undefined ? undefined : [...tags]);
  }

  #negativeEntry(options: StoreOptions): CacheEntry<V> {
    const { ttlMs, tags } = options;
    const lifeMs = ttlMs === undefined ? this.#settings.negativeTtlMs : entryTtl("ttlMs", ttlMs);
    const bytes = checkedBytes(options.bytes ?? 1);
    return new CacheEntry<V>(
      undefined,
      bytes,
      this.#expiry(lifeMs),
      tags === undefined ? undefined : [...tags],
    );
  }

  #expiry(lifeMs: number): number {
    return lifeMs === 0 ? 0 : Math.ceil(this.#now() + lifeMs);
  }

  #store(key: K, entry: CacheEntry<V>): boolean {
    this.#statistics.add(COUNTER.sets);
    if (this.#backoffUntilMs.size > 0) this.#backoffUntilMs.delete(key);
    if (entry.bytes > this.#settings.maxBytes) {
      this.#statistics.add(COUNTER.rejected);
      const before = this.#policy.peek(key);
      if (before !== undefined) this.#remove(key, before, "replaced");
      return false;
    }
    // First the policy, which takes the old entry's tags away, then the new entry's tags.
    const stored = this.#policy.set(key, entry);
    if (stored) this.#tags.add(key, entry.tags);
    else this.#statistics.add(COUNTER.rejected);
    return stored;
  }

  #remove(key: K, entry: CacheEntry<V>, reason: EvictReason): void {
    this.#policy.delete(key);
    this.#left(key, entry, reason);
  }

  /** An entry is out of the policy, or about to be. */
  #left(key: K, entry: CacheEntry<V>, reason: EvictReason): void {
    this.#statistics.add(REASON_COUNTER[reason]);
    this.#tags.remove(key, entry.tags);
    if (reason !== "replaced" && this.#backoffUntilMs.size > 0) this.#backoffUntilMs.delete(key);
    this.#notices.hold(key, entry.value, entry.bytes, reason);
  }

  #invalidate(keys: readonly K[]): number {
    for (const key of keys) {
      this.#flights.delete(key);
      this.#remove(key, this.#policy.peek(key)!, "invalidated");
    }
    this.#tell();
    return keys.length;
  }

  /** Whether an entry's time is up; takes it out when it is of no more use at all. */
  #expired(key: K, entry: CacheEntry<V>): boolean {
    const age = this.#ageOf(entry);
    if (age === "fresh") return false;
    if (age === "dead") {
      this.#remove(key, entry, "expired");
      this.#tell();
    }
    return true;
  }

  #ageOf(entry: CacheEntry<V>): Age {
    if (entry.expiresAtMs === 0) return "fresh";
    const expiredMs = this.#now() - entry.expiresAtMs;
    if (expiredMs < 0) return "fresh";
    if (entry.value === undefined || expiredMs >= this.#staleMs) return "dead";
    return expiredMs < this.#settings.staleWhileRevalidateMs ? "revalidate" : "if-error";
  }

  // ── telling and counting ───────────────────────────────────────────────────────────────────────────────────

  #tell(): void {
    if (this.#notices.pending) this.#notices.tell();
  }

  #count(counter: number): void {
    if (this.#statistics.request(counter)) this.#flush();
  }

  #flush(): void {
    this.#statistics.flush(this.#policy.bytes, this.#policy.size);
    if (!statisticsChannel.hasSubscribers) return;
    const nowMs = this.#now();
    if (nowMs - this.#publishedAtMs < STATISTICS_MESSAGE_MS) return;
    this.#publishedAtMs = nowMs;
    statisticsChannel.publish({ cache: this.#settings.name, statistics: this.#statistics.report() });
  }

  #refuseClosed(): void {
    if (this.#closed) throw closedError();
  }
}

function closedError(): CacheError {
  return new CacheError("TZ_CACHE_CLOSED", "the cache was closed");
}
