/**
 * The entries that are kept: found by target, bounded in bytes, descriptors and number, and fresh.
 *
 * ```
 *   files, redirects, directories ─▶ #entries    bytes ≤ cache.bytes, descriptors ≤ cache.fds
 *   refusals (404 …)              ─▶ #refusals   count ≤ REFUSALS_MAX, so that probing for names evicts no file
 * ```
 */
import type { Clock, ResolvedOptions } from "../options.js";
import type { WatchTree } from "../watch/watch-tree.js";
import type { Entry } from "./entry.js";
import { EntryTable, MAX_KEY_BYTES } from "./entry-table.js";

/** Remembered refusals: about 1 MiB of objects. */
const REFUSALS_MAX = 2048;

/** Even a watched entry is looked at this often: events get lost (overflow, network file systems, `mmap`). */
const WATCHED_CHECK_MS = 5000;

/** The share of the memory that files of middle size may fill. */
const SPARE_SHARE = 0.75;

export interface CacheStats {
  readonly entries: number;
  readonly bytes: number;
  readonly fds: number;
  readonly refusals: number;
  readonly evictions: number;
}

export class AnswerCache {
  readonly #entries: EntryTable<Entry>;
  readonly #refusals: EntryTable<Entry>;
  readonly #options: ResolvedOptions;
  readonly #clock: Clock;
  readonly #tree: WatchTree | undefined;
  /** Entries with an open file, in the order of the clock that gives them up. */
  readonly #open = new Set<Entry>();
  #bytes = 0;
  #promised = 0;
  #fds = 0;
  #evictions = 0;

  /** @param tree tells when entries do not hold any more; without it only time does */
  constructor(options: ResolvedOptions, clock: Clock, tree?: WatchTree) {
    this.#options = options;
    this.#clock = clock;
    this.#tree = tree;
    this.#entries = new EntryTable(options.cache.policy);
    this.#refusals = new EntryTable(options.cache.policy);
  }

  get stats(): CacheStats {
    return {
      entries: this.#entries.count,
      bytes: this.#bytes,
      fds: this.#fds,
      refusals: this.#refusals.count,
      evictions: this.#evictions,
    };
  }

  /** What files of middle size may have without anything else having to go: the last quarter is for small ones. */
  get spareBytes(): number {
    return this.#options.cache.bytes * SPARE_SHARE - this.#bytes - this.#promised;
  }

  /** Memory that files which are being read will take; the same number with a minus when they have been read. */
  promise(bytes: number): void {
    this.#promised += bytes;
  }

  /** Files, redirects and directories only: what the hot path may answer. */
  find(bytes: Uint8Array, start: number, end: number): Entry | undefined {
    return this.#entries.find(bytes, start, end);
  }

  findText(target: string, end?: number): Entry | undefined {
    return this.#entries.findText(target, end);
  }

  findRefusal(target: string): Entry | undefined {
    return this.#refusals.findText(target);
  }

  /** Is it as good as the file itself, without asking? */
  isFresh(entry: Entry): boolean {
    return this.#clock.now() < entry.checkAtMs;
  }

  /** Keeps an entry; the table gets the reference that it was made with. */
  add(entry: Entry): void {
    this.#watch(entry);
    this.#renew(entry);
    entry.expiresAtMs = this.#clock.now() + this.#options.cache.ttlMs;
    const replaced = this.#entries.insert(entry.target, entry);
    if (replaced !== undefined) this.#forget(replaced);
    this.#bytes += entry.costBytes;
    this.#fds += entry.openFiles;
    if (entry.openFiles > 0) this.#open.add(entry);
    this.#shrink();
  }

  addRefusal(entry: Entry): void {
    this.#watch(entry);
    const ttlMs = Math.min(this.#options.cache.negativeTtlMs, this.#options.revalidateMs);
    entry.checkAtMs = this.#clock.now() + ttlMs;
    const replaced = this.#refusals.insert(entry.target, entry);
    if (replaced !== undefined) this.#letGo(replaced);
    if (this.#refusals.count > REFUSALS_MAX) this.#dropRefusal(this.#refusals.victim());
  }

  /** Would an entry of this cost be kept at all? */
  accepts(entry: Entry): boolean {
    const { bytes, fds } = this.#options.cache;
    if (entry.target.length > MAX_KEY_BYTES) return false;
    return entry.openFiles <= fds && entry.costBytes <= bytes;
  }

  /** The file is still what it was: believed for another period. Not when its time could hide a change. */
  confirm(entry: Entry): boolean {
    if (entry.isRacy || this.#clock.now() >= entry.expiresAtMs) return false;
    if (entry.watchState === "new") entry.watchState = "live";
    this.#renew(entry);
    return true;
  }

  /** A kept entry takes more or less memory than when it was added. */
  resized(entry: Entry, byBytes: number): void {
    if (!this.#entries.has(entry)) return;
    this.#bytes += byBytes;
    this.#shrink();
  }

  drop(entry: Entry): void {
    if (entry.isRefusal) this.#dropRefusal(entry);
    else if (this.#entries.remove(entry)) this.#forget(entry);
  }

  /** Gives up open files, so that the process has descriptors again. */
  dropFiles(): void {
    for (const entry of this.#open) this.drop(entry);
  }

  clear(): void {
    for (const entry of this.#entries.entries()) this.drop(entry);
    for (const entry of this.#refusals.entries()) this.#dropRefusal(entry);
  }

  #renew(entry: Entry): void {
    const { revalidateMs } = this.#options;
    const believedMs = entry.watchState === "live" ? Math.max(revalidateMs, WATCHED_CHECK_MS) : revalidateMs;
    entry.checkAtMs = this.#clock.now() + believedMs;
  }

  #watch(entry: Entry): void {
    if (this.#tree === undefined || !entry.isWatchable) return;
    const isWatched = this.#tree.add(entry);
    // What changes inside a directory of a listing changes its line there, and no event of the listed directory tells.
    entry.watchState = isWatched && entry.listedPath === undefined ? "new" : "none";
  }

  #letGo(entry: Entry): void {
    if (this.#tree !== undefined && entry.isWatchable) this.#tree.remove(entry);
    entry.release();
  }

  #dropRefusal(entry: Entry | undefined): void {
    if (entry !== undefined && this.#refusals.remove(entry)) this.#letGo(entry);
  }

  #forget(entry: Entry): void {
    this.#bytes -= entry.costBytes;
    this.#fds -= entry.openFiles;
    this.#open.delete(entry);
    this.#letGo(entry);
  }

  #shrink(): void {
    const { bytes, fds } = this.#options.cache;
    while (this.#fds > fds) this.#evict(this.#leastAskedFile());
    while (this.#bytes > bytes && this.#entries.count > 0) this.#evict(this.#entries.victim()!);
  }

  #evict(entry: Entry): void {
    this.#evictions++;
    this.drop(entry);
  }

  /** A second chance for files that were asked for since the clock last came by. */
  #leastAskedFile(): Entry {
    for (;;) {
      const [first] = this.#open;
      if (first!.visited === false) return first!;
      first!.visited = false;
      this.#open.delete(first!);
      this.#open.add(first!);
    }
  }
}
