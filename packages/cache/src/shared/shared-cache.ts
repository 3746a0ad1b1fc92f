import type { MemorySource } from "@tz/alloc";
import { statisticsChannel } from "../channels.js";
import { CacheError, shown } from "../errors.js";
import { numberOption, refuseUnknown, SHARED_ATTACH_NUMBERS } from "../options.js";
import { createMemory } from "./create-memory.js";
import { EntryQueues } from "./entry-queues.js";
import { ANY_VERSION, EntryReader } from "./entry-reader.js";
import { EntryWriter } from "./entry-writer.js";
import { KeyReader } from "./key-reader.js";
import { HEADER, layoutOf, RECORD_SHIFT, type SharedCacheOptions, type SharedLayout } from "./layout.js";
import { PageHeap } from "./page-heap.js";
import { PinTable } from "./pin-table.js";
import {
  FILLING,
  GIVEN_UP,
  META,
  NONE,
  STATE,
  UNIT,
  VALUE_BYTES,
  VERSION_HIGH,
  VERSION_LOW,
} from "./record.js";
import { SHARED_COUNTER, SHARED_COUNTERS, SharedCounters, type SharedCounts } from "./shared-counters.js";
import { countersOf, openViews, type SharedViews } from "./shared-memory.js";
import { UNIT_BYTES } from "./size-classes.js";
import { type Liveness, procLiveness } from "./thread-identity.js";
import { WorkerRows } from "./worker-rows.js";
import { WriterLock } from "./writer-lock.js";

export interface SharedCacheAttachOptions {
  /** How long an insert waits for another worker's to end, in ms. */
  lockWaitMs?: number | undefined;
  /** Names the cache on the diagnostics channel. Default `"shared"`. */
  name?: string | undefined;
  /** Tells living threads from dead ones. Default: `/proc`. */
  liveness?: Liveness | undefined;
}

export interface InsertOptions {
  /** 32 bits of the caller's, read back with {@link SharedCache.meta}. Default 0. */
  meta?: number | undefined;
  /** What {@link SharedCache.ticket} said before the value was made. Default: what it says now. */
  since?: number | undefined;
}

export interface SharedStatistics extends SharedCounts {
  readonly entries: number;
  /** Memory of all blocks, with what their size classes round up. Never above `maxBytes`. */
  readonly bytes: number;
  readonly maxBytes: number;
  readonly hitRatio: number | undefined;
  /** By worker row: what it counted since the row was first used. */
  readonly workers: readonly SharedCounts[];
}

const OWNER = "SharedCache";
const ATTACH_WAIT_MS = 1000;
/** Dead workers are looked for when there is no room, but not all the time. */
const RECOVERY_PAUSE_MS = 1000;

/**
 * One cache of bytes for all threads or processes that share its memory.
 *
 * ```
 *   header │ workers │ counters │ heads │ epochs │ records │ bits │ pins │ page table │ pages of @tz/alloc …
 *
 *   pin ─▶ heads ─▶ record ─▶ pinned, still LIVE, same version and key? ─▶ offset in the memory ─▶ writev ─▶ unpin
 *          no lock, no allocation, no write but to this worker's own pins
 *
 *   insert ─▶ [lock] record and block [unlock] ─▶ copy ─▶ [lock] publish, the old entry retires [unlock]
 * ```
 *
 * - A block that is pinned is never written to or given away, so a reader sees a whole value or none.
 * - An entry answers for one version of its key. Who asks for another version misses; who inserts another replaces.
 * - Any worker may be killed at any instruction: its pins, its half-made entries and the lock come back, as soon as
 *   somebody needs them or calls {@link SharedCache.recoverDead}.
 *
 * An instance belongs to one thread. `offset` counts from the start of the memory that was given.
 */
export class SharedCache {
  /** No entry. */
  static readonly NONE = NONE;
  /** Matches whatever version is there. */
  static readonly ANY_VERSION = ANY_VERSION;

  /** Which row of the worker table this is. */
  readonly worker: number;
  readonly #name: string;
  readonly #lockWaitMs: number;
  readonly #views: SharedViews;
  readonly #layout: SharedLayout;
  readonly #records: Int32Array;
  readonly #pins: Int32Array;
  readonly #pinTable: PinTable;
  readonly #key: KeyReader;
  readonly #reader: EntryReader;
  readonly #writer: EntryWriter;
  readonly #heap: PageHeap;
  readonly #rows: WorkerRows;
  readonly #lock: WriterLock;
  readonly #counters: SharedCounters;
  readonly #filling = new Set<number>();
  #searchedDeadAtMs = Number.NEGATIVE_INFINITY;
  #closed = false;

  /**
   * Bytes of memory that a cache needs: the budget and its bookkeeping.
   *
   * @throws CacheError `TZ_CACHE_OPTION`
   */
  static byteLength(options: SharedCacheOptions = {}): number {
    return layoutOf(options).byteLength;
  }

  /**
   * Makes an empty cache in fresh memory: zeros, as a new `SharedArrayBuffer` or memfd is. Call it once, before
   * anybody attaches.
   *
   * @throws CacheError `TZ_CACHE_OPTION`, `TZ_CACHE_BUFFER`
   */
  static create(memory: MemorySource, options: SharedCacheOptions = {}): void {
    createMemory(memory, layoutOf(options));
  }

  /**
   * Takes part in the cache in this memory, as a worker of its own.
   *
   * @throws CacheError `TZ_CACHE_OPTION`, `TZ_CACHE_BUFFER`, `TZ_CACHE_WORKERS`, `TZ_CACHE_LOCKED`
   */
  static attach(memory: MemorySource, options: SharedCacheAttachOptions = {}): SharedCache {
    return new SharedCache(openViews(memory), options);
  }

  private constructor(views: SharedViews, options: SharedCacheAttachOptions) {
    refuseUnknown(OWNER, options, [...Object.keys(SHARED_ATTACH_NUMBERS), "name", "liveness"]);
    const { liveness = procLiveness, name = "shared" } = options;
    if (typeof name !== "string")
      throw new CacheError("TZ_CACHE_OPTION", `${OWNER}: option "name" is ${shown(name)}, must be a string`);
    this.#name = name;
    this.#lockWaitMs = numberOption(
      OWNER,
      "lockWaitMs",
      options.lockWaitMs,
      SHARED_ATTACH_NUMBERS.lockWaitMs,
    );
    this.#views = views;
    this.#layout = views.layout;
    this.#records = views.records;
    this.#rows = new WorkerRows(views, liveness);
    this.#lock = new WriterLock(views.header, liveness);
    this.#key = new KeyReader(views.header[HEADER.hashSeed]!);
    this.worker = this.#takeRow();
    this.#pinTable = new PinTable(views, this.worker);
    this.#pins = this.#pinTable.own;
    this.#counters = new SharedCounters(countersOf(views, this.worker));
    const parts = partsOf(views, this.worker, this.#pinTable);
    this.#reader = parts.reader;
    this.#writer = parts.writer;
    this.#heap = parts.heap;
  }

  get maxBytes(): number {
    return this.#layout.maxBytes;
  }

  /** Largest key + value. */
  get maxEntryBytes(): number {
    return this.#layout.maxEntryBytes;
  }

  // ── reading ────────────────────────────────────────────────────────────────────────────────────────────────

  /**
   * Finds the entry of a key and pins it. As long as it is pinned its bytes stay as they are.
   *
   * @param version the version wanted, or `SharedCache.ANY_VERSION`
   * @returns a handle, to be given back with {@link SharedCache.unpin}; `SharedCache.NONE` when there is none
   * @throws CacheError `TZ_CACHE_KEY`, `TZ_CACHE_CLOSED`
   */
  pin(key: string | Uint8Array, version: number): number {
    this.#key.read(key);
    return this.#pin(version);
  }

  /** {@link SharedCache.pin} for a key that is part of other bytes. */
  pinBytes(bytes: Uint8Array, start: number, end: number, version: number): number {
    this.#key.readBytes(bytes, start, end);
    return this.#pin(version);
  }

  /**
   * Gives a pin back.
   *
   * @throws CacheError `TZ_CACHE_HANDLE` when this worker does not pin that entry
   */
  unpin(handle: number): void {
    const count = this.#pins[handle];
    if (count === undefined || count < 1 || this.#closed) this.#refuse(handle);
    Atomics.store(this.#pins, handle, count! - 1);
  }

  /** Where a pinned or reserved value begins, in bytes from the start of the memory: a multiple of 64. */
  offset(handle: number): number {
    return (this.#records[(handle << RECORD_SHIFT) + UNIT]! >>> 0) * UNIT_BYTES;
  }

  byteLength(handle: number): number {
    return this.#records[(handle << RECORD_SHIFT) + VALUE_BYTES]!;
  }

  version(handle: number): number {
    const at = handle << RECORD_SHIFT;
    return this.#records[at + VERSION_HIGH]! * 4294967296 + (this.#records[at + VERSION_LOW]! >>> 0);
  }

  meta(handle: number): number {
    return this.#records[(handle << RECORD_SHIFT) + META]!;
  }

  /** A view of a pinned or reserved value. Do not use it after `unpin`, and write to it only between `reserve` and `publish`. */
  view(handle: number): Uint8Array {
    const unit = this.#records[(handle << RECORD_SHIFT) + UNIT]!;
    const window = this.#reader.memory.windowOf(unit);
    const start = this.#reader.memory.indexOf(unit);
    return window.subarray(start, start + this.byteLength(handle));
  }

  // ── writing ────────────────────────────────────────────────────────────────────────────────────────────────

  /**
   * Stores a copy of a value, in place of the key's entry before.
   *
   * @param version an integer from 0 to 2^53 - 1, another one for each content: a modification time, a counter
   * @returns false when it is not stored: larger than `maxEntryBytes`, no room beside what is pinned, another worker
   *   holds the lock for too long, or the key was invalidated since the ticket. The cache is then as it was.
   * @throws CacheError `TZ_CACHE_KEY`, `TZ_CACHE_VERSION`, `TZ_CACHE_CLOSED`
   */
  insert(key: string | Uint8Array, version: number, value: Uint8Array, options: InsertOptions = {}): boolean {
    const handle = this.reserve(key, version, value.byteLength, options);
    if (handle === NONE) return false;
    this.view(handle).set(value);
    return this.publish(handle);
  }

  /**
   * Room for a value, to be filled through {@link SharedCache.view} or by the kernel at {@link SharedCache.offset}
   * and then published or abandoned. Nobody else sees it before.
   *
   * @returns a handle, or `SharedCache.NONE` when there is no room; see {@link SharedCache.insert}
   * @throws CacheError `TZ_CACHE_KEY`, `TZ_CACHE_VERSION`, `TZ_CACHE_SIZE`, `TZ_CACHE_CLOSED`
   */
  reserve(
    key: string | Uint8Array,
    version: number,
    valueBytes: number,
    options: InsertOptions = {},
  ): number {
    if (this.#closed) throw closedError();
    if (!Number.isSafeInteger(version) || version < 0)
      throw new CacheError(
        "TZ_CACHE_VERSION",
        `a version is ${shown(version)}, must be an integer from 0 to 2^53 - 1`,
      );
    if (!Number.isSafeInteger(valueBytes) || valueBytes < 0)
      throw new CacheError("TZ_CACHE_SIZE", `a value of ${shown(valueBytes)} bytes`);
    this.#key.read(key);
    const draft = {
      key: this.#key,
      version,
      valueBytes,
      meta: options.meta ?? 0,
      epochSum: options.since ?? this.#reader.epochSum(this.#key.hash),
    };
    if (valueBytes + this.#key.length > this.#layout.maxEntryBytes)
      return this.#rejected(SHARED_COUNTER.rejectedSize);
    let record = this.#write(() => this.#writer.begin(draft));
    if (record === undefined) return this.#rejected(SHARED_COUNTER.rejectedBusy);
    if (record === NONE && this.#findDead()) record = this.#write(() => this.#writer.begin(draft)) ?? NONE;
    if (record === NONE) return this.#rejected(SHARED_COUNTER.rejectedFull);
    this.#filling.add(record);
    const unit = this.#records[(record << RECORD_SHIFT) + UNIT]!;
    const { bytes, start, length } = this.#key;
    const at = this.#reader.memory.indexOf(unit) + valueBytes;
    const window = this.#reader.memory.windowOf(unit);
    for (let i = 0; i < length; i++) window[at + i] = bytes[start + i]!;
    return record;
  }

  /**
   * Makes a reserved entry visible to all. The handle is used up.
   *
   * @returns false as for {@link SharedCache.insert}
   * @throws CacheError `TZ_CACHE_HANDLE` when it is not one that this worker reserved
   */
  publish(handle: number): boolean {
    this.#endFilling(handle);
    const published = this.#write(() => this.#writer.publish(handle));
    if (published === undefined) {
      this.#giveUp(handle);
      this.#counters.add(SHARED_COUNTER.rejectedBusy);
    } else this.#counters.add(published ? SHARED_COUNTER.inserts : SHARED_COUNTER.droppedInvalidated);
    return published === true;
  }

  /** Gives a reserved entry back unseen. @throws CacheError `TZ_CACHE_HANDLE` */
  abandon(handle: number): void {
    this.#endFilling(handle);
    this.#giveUp(handle);
  }

  /** What to give as `since` to `insert` or `reserve`, read before the value is made: if the key is invalidated in between, nothing is stored. */
  ticket(key: string | Uint8Array): number {
    this.#key.read(key);
    return this.#reader.epochSum(this.#key.hash);
  }

  /**
   * From now on nobody finds what was stored under a key, nor what is being made under an older ticket. Takes no
   * lock and cannot fail. Another key with a similar hash may be invalidated with it.
   */
  invalidate(key: string | Uint8Array): void {
    this.#key.read(key);
    this.#reader.invalidate(this.#key.hash);
    this.#counters.add(SHARED_COUNTER.invalidations);
  }

  /** {@link SharedCache.invalidate} for all keys at once. */
  invalidateAll(): void {
    this.#reader.invalidateAll();
    this.#counters.add(SHARED_COUNTER.invalidations);
  }

  // ── workers ────────────────────────────────────────────────────────────────────────────────────────────────

  /**
   * Gives back what dead workers had pinned or half made. A supervisor calls it when a worker has exited; without
   * it the same happens when room runs out, when the lock is waited for, or when a worker attaches.
   *
   * @returns how many workers were found dead
   */
  recoverDead(): number {
    return this.#write(() => this.#recover(this.#rows.dead())) ?? 0;
  }

  /**
   * The same for one worker that the caller knows to be dead, where there is no `/proc`. If it lives, values that it
   * is sending may change under its hands.
   */
  recover(worker: number): boolean {
    if (worker === this.worker) return false;
    return this.#write(() => this.#recover(this.#rows.taken().filter((row) => row === worker))) === 1;
  }

  /** How many pins this worker holds now. Looks at every entry. */
  get pinned(): number {
    return this.#pinTable.count(this.worker);
  }

  statistics(): SharedStatistics {
    this.#counters.flush();
    const { header, layout } = this.#views;
    const rows = Atomics.load(header, HEADER.rowsUsed);
    const workers = Array.from({ length: rows }, (_, row) =>
      SharedCounters.read(countersOf(this.#views, row)),
    );
    const sum = (name: (typeof SHARED_COUNTERS)[number]): number =>
      workers.reduce((all, row) => all + row[name], 0);
    const total = Object.fromEntries(SHARED_COUNTERS.map((name) => [name, sum(name)])) as SharedCounts;
    const requests = total.hits + total.misses;
    return {
      ...total,
      entries: Atomics.load(header, HEADER.liveEntries),
      bytes: Atomics.load(header, HEADER.usedUnits) * UNIT_BYTES,
      maxBytes: layout.maxBytes,
      hitRatio: requests > 0 ? total.hits / requests : undefined,
      workers,
    };
  }

  /** Publishes {@link SharedCache.statistics} on `tz:cache:statistics`. */
  publishStatistics(): void {
    if (!statisticsChannel.hasSubscribers) return;
    statisticsChannel.publish({ cache: this.#name, statistics: this.statistics() });
  }

  /** Leaves: pins and reserved entries of this worker go back. The memory stays, with what is cached. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const handle of this.#filling) this.#giveUp(handle);
    this.#filling.clear();
    this.#pinTable.clear(this.worker);
    this.#counters.flush();
    this.#heap.detach();
    this.#rows.giveBack(this.worker);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #pin(version: number): number {
    // The row may be another worker's by now.
    if (this.#closed) throw closedError();
    const record = this.#reader.pin(this.#key, version);
    this.#counters.request(record === NONE ? SHARED_COUNTER.misses : SHARED_COUNTER.hits);
    return record;
  }

  /** Runs a change under the lock; undefined when the lock is not to be had. */
  #write<T>(change: () => T): T | undefined {
    if (!this.#lock.acquire(this.#lockWaitMs)) return undefined;
    try {
      if (this.#lock.foundDirty) this.#repair();
      this.#lock.soil();
      if (Atomics.exchange(this.#views.header, HEADER.sweepWanted, 0) !== 0) this.#writer.sweep();
      const result = change();
      this.#lock.clean();
      return result;
    } finally {
      // After an error it stays dirty, and whoever comes next repairs.
      this.#lock.release();
      this.#countChanges();
    }
  }

  #repair(): void {
    const dead = this.#rows.dead();
    for (const row of dead) this.#pinTable.clear(row);
    this.#writer.rebuild((row) => this.#rows.isTaken(row) && !dead.includes(row));
    this.#recover(dead);
    this.#counters.add(SHARED_COUNTER.repairs);
  }

  /** Under the lock. */
  #recover(rows: readonly number[]): number {
    recoverRows(rows, { rows: this.#rows, pins: this.#pinTable, writer: this.#writer, heap: this.#heap });
    this.#counters.add(SHARED_COUNTER.recoveredWorkers, rows.length);
    // Rare, and worth knowing even if this worker is the next to die.
    if (rows.length > 0) this.#counters.flush();
    return rows.length;
  }

  #findDead(): boolean {
    const nowMs = performance.now();
    if (nowMs - this.#searchedDeadAtMs < RECOVERY_PAUSE_MS) return false;
    this.#searchedDeadAtMs = nowMs;
    return this.recoverDead() > 0;
  }

  #countChanges(): void {
    this.#counters.add(SHARED_COUNTER.evictions, this.#writer.evictions);
    this.#counters.add(SHARED_COUNTER.replaced, this.#writer.replaced);
    this.#writer.evictions = this.#writer.replaced = 0;
  }

  #takeRow(): number {
    if (!this.#lock.acquire(ATTACH_WAIT_MS))
      throw new CacheError(
        "TZ_CACHE_LOCKED",
        `a live worker has held the writer lock for ${ATTACH_WAIT_MS} ms`,
      );
    try {
      const row = this.#rows.take();
      if (row >= 0) return row;
      const dead = this.#rows.dead();
      const pins = new PinTable(this.#views, dead[0] ?? 0);
      const { writer, heap } = partsOf(this.#views, undefined, pins);
      if (this.#lock.foundDirty) {
        for (const gone of dead) pins.clear(gone);
        writer.rebuild((other) => this.#rows.isTaken(other) && !dead.includes(other));
      }
      this.#lock.soil();
      recoverRows(dead, { rows: this.#rows, pins, writer, heap });
      heap.detach();
      this.#lock.clean();
      const freed = this.#rows.take();
      if (freed < 0) throw this.#rows.noneLeft();
      return freed;
    } finally {
      this.#lock.release();
    }
  }

  #endFilling(handle: number): void {
    if (!this.#filling.delete(handle)) this.#refuse(handle);
  }

  /** Without the lock: the next writer takes it back. */
  #giveUp(handle: number): void {
    Atomics.compareExchange(this.#records, (handle << RECORD_SHIFT) + STATE, FILLING, GIVEN_UP);
    Atomics.store(this.#views.header, HEADER.sweepWanted, 1);
  }

  #rejected(counter: number): number {
    this.#counters.add(counter);
    return NONE;
  }

  #refuse(handle: unknown): never {
    throw new CacheError("TZ_CACHE_HANDLE", `${shown(handle)} is not a handle that this worker holds`);
  }
}

function closedError(): CacheError {
  return new CacheError("TZ_CACHE_CLOSED", "the cache was closed");
}

interface Parts {
  readonly rows: WorkerRows;
  readonly pins: PinTable;
  readonly writer: EntryWriter;
  readonly heap: PageHeap;
}

/** Under the lock. The rows go back last: whoever dies in between leaves the rest to be done again. */
function recoverRows(dead: readonly number[], { rows, pins, writer, heap }: Parts): void {
  for (const row of dead) {
    pins.clear(row);
    writer.sweep(row);
  }
  heap.recover(dead);
  for (const row of dead) rows.giveBack(row);
}

function partsOf(views: SharedViews, row: number | undefined, pins: PinTable) {
  const heap = new PageHeap(views, row);
  const queues = new EntryQueues(views);
  const reader = new EntryReader(views, pins.own);
  const writer = new EntryWriter(views, row ?? NONE, { heap, queues, pins, reader });
  return { heap, reader, writer };
}
