import { AllocError, SharedSlabPool } from "@tz/alloc";
import { HEADER, PAGE_WORDS, type SharedLayout, segmentLayout, segmentPages } from "./layout.js";
import type { SharedViews } from "./shared-memory.js";
import { classFor, classSizes, slotsOfPage, UNIT_BYTES } from "./size-classes.js";

/** Words of a page. Links are page + 1, 0 at the end. */
const CLASS = 0;
const USED = 1;
/** Slots from here on were never used since the page got its class. */
const CARVED = 2;
/** First of the free slots below: slot + 1. */
const FREE_SLOT = 3;
const NEXT_PAGE = 4;
const PREVIOUS_PAGE = 5;

/** Who holds the pages in the pools of `@tz/alloc`: the cache itself, so that no worker's death gives them back. */
export const CACHE_OWNER = 255;
/** Pool ids for whoever cleans up before it has a row of its own. */
const CLEANER_OWNERS = [254, 253, 252, 251, 250, 249, 248, 247, 246, 245] as const;

/** A slot of a page. */
export interface Place {
  page: number;
  slot: number;
  /** In units from the start of the memory. */
  unit: number;
}

/**
 * Blocks for entries. Pages come from `SharedSlabPool`s of `@tz/alloc`, as they are needed; a page is cut into slots
 * of one size class, and when its last slot is free it may become any other class.
 *
 * ```
 *   pool ──▶ page of class 1,024 │ slot 0 │ slot 1 │ slot 2 │ … │ … owner 2 │ owner 1 │ owner 0 │
 *              used 2, carved 3                                    record + 1, or the next free slot
 *   partialPages[class] ─▶ page ─▶ page        emptyPages ─▶ page ─▶ page
 * ```
 *
 * The pool hands a page to the worker that asks, which hands it on to `CACHE_OWNER`: killed in between, the page goes
 * back with the worker's recovery. All methods are for the holder of the writer lock.
 */
export class PageHeap {
  readonly sizes: Int32Array;
  readonly #views: SharedViews;
  readonly #layout: SharedLayout;
  readonly #header: Int32Array;
  readonly #table: Int32Array;
  readonly #poolOwner: number;
  readonly #pools: (SharedSlabPool<"null"> | undefined)[];
  /** By page, the words of its memory, made when first needed. */
  readonly #words: (Int32Array | undefined)[] = [];

  /** Makes the pools, in memory that nobody uses yet. */
  static create(views: SharedViews): void {
    const { layout } = views;
    for (const [segment] of layout.segmentsAt.entries()) {
      const memory = segmentMemory(views, segment);
      SharedSlabPool.create(memory, segmentLayout(layout.pageBytes, segmentPages(layout, segment)));
      // Attached for good: from now on pages can be given to it.
      SharedSlabPool.attach(memory, { owner: CACHE_OWNER, magazineSlots: 0 });
    }
  }

  /** @param row of this worker; undefined for a cleaner that has none */
  constructor(views: SharedViews, row: number | undefined) {
    this.#views = views;
    this.#layout = views.layout;
    this.#header = views.header;
    this.#table = views.pageTable;
    this.#poolOwner = row === undefined ? 0 : row + 1;
    this.#pools = new Array(views.layout.segmentsAt.length).fill(undefined);
    this.sizes = classSizes(views.layout.pageBytes);
  }

  classOf(bytes: number): number {
    return classFor(this.sizes, bytes);
  }

  /** Takes a slot for a record. @returns false when every page of the class is full and there is no other page */
  allocate(sizeClass: number, record: number, place: Place): boolean {
    const page = this.#header[HEADER.partialPages + sizeClass]! - 1;
    const found = page >= 0 ? page : this.#freshPage(sizeClass);
    if (found < 0) return false;
    const at = found * PAGE_WORDS;
    const table = this.#table;
    let slot = table[at + FREE_SLOT]! - 1;
    if (slot < 0) slot = table[at + CARVED]!++;
    else table[at + FREE_SLOT] = -this.#owner(found, slot);
    this.#setOwner(found, slot, record + 1);
    this.#count(found, sizeClass, 1);
    if (++table[at + USED]! === slotsOfPage(this.#layout.pageBytes, this.sizes[sizeClass]!))
      this.#unlink(found, sizeClass);
    place.page = found;
    place.slot = slot;
    place.unit = (this.#pageStart(found) + slot * this.sizes[sizeClass]!) / UNIT_BYTES;
    return true;
  }

  free(page: number, slot: number): void {
    const at = page * PAGE_WORDS;
    const table = this.#table;
    const sizeClass = table[at + CLASS]! - 1;
    const wasFull = table[at + USED] === slotsOfPage(this.#layout.pageBytes, this.sizes[sizeClass]!);
    this.#setOwner(page, slot, -table[at + FREE_SLOT]!);
    table[at + FREE_SLOT] = slot + 1;
    table[at + USED]!--;
    this.#count(page, sizeClass, -1);
    if (wasFull) this.#link(page, sizeClass);
    if (table[at + USED] === 0) {
      this.#unlink(page, sizeClass);
      this.#makeEmpty(page);
    }
  }

  /** Class of a page; -1 when it has none. */
  pageClass(page: number): number {
    return this.#table[page * PAGE_WORDS + CLASS]! - 1;
  }

  get hasEmptyPage(): boolean {
    return this.#header[HEADER.emptyPages] !== 0;
  }

  /** The records that have a slot in a page. */
  recordsIn(page: number): number[] {
    const at = page * PAGE_WORDS;
    const records: number[] = [];
    for (let slot = 0; slot < this.#table[at + CARVED]!; slot++) {
      const owner = this.#owner(page, slot);
      if (owner > 0) records.push(owner - 1);
    }
    return records;
  }

  /** Forgets all slots. To be followed by {@link keep} for each that is taken, and {@link rebuilt}. */
  beginRebuild(): void {
    this.#header.fill(0, HEADER.partialPages, HEADER.partialPages + this.sizes.length);
    this.#header[HEADER.emptyPages] = 0;
    this.#header[HEADER.usedUnits] = 0;
    this.#table.fill(0);
    this.#kept = new Map();
  }

  #kept = new Map<number, { sizeClass: number; slots: Map<number, number> }>();

  /** Whether a place is what {@link allocate} gives for such a block; if so it is taken. */
  keep(record: number, bytes: number, { page, slot, unit }: Place): boolean {
    const sizeClass = this.classOf(bytes);
    if (sizeClass < 0 || page < 0 || page >= this.#layout.pages || !this.#isOurs(page)) return false;
    const size = this.sizes[sizeClass]!;
    if (slot < 0 || slot >= slotsOfPage(this.#layout.pageBytes, size)) return false;
    if (unit !== (this.#pageStart(page) + slot * size) / UNIT_BYTES) return false;
    let kept = this.#kept.get(page);
    if (kept === undefined) this.#kept.set(page, (kept = { sizeClass, slots: new Map() }));
    if (kept.sizeClass !== sizeClass || kept.slots.has(slot)) return false;
    kept.slots.set(slot, record);
    return true;
  }

  rebuilt(): void {
    let pagesTaken = 0;
    for (let page = 0; page < this.#layout.pages; page++) {
      if (!this.#isOurs(page)) continue;
      pagesTaken++;
      const kept = this.#kept.get(page);
      if (kept === undefined) this.#makeEmpty(page);
      else this.#rebuildPage(page, kept.sizeClass, kept.slots);
    }
    this.#header[HEADER.pagesTaken] = pagesTaken;
    this.#kept = new Map();
  }

  /** Gives back what dead workers' pool handles had, and those of cleaners that died at it. */
  recover(rows: readonly number[]): void {
    if (rows.length === 0) return;
    for (let segment = 0; segment < this.#pools.length; segment++) {
      const pool = this.#pool(segment);
      // There is one cleaner at a time, which has the writer lock: all others are dead.
      const cleaners = CLEANER_OWNERS.filter((owner) => owner !== pool.owner);
      recoverOwners(pool, [...cleaners, ...rows.map((row) => row + 1)]);
    }
  }

  /** Ends taking part in the pools. */
  detach(): void {
    for (const pool of this.#pools) pool?.detach();
    this.#pools.fill(undefined);
  }

  #rebuildPage(page: number, sizeClass: number, slots: Map<number, number>): void {
    const at = page * PAGE_WORDS;
    const carved = Math.max(...slots.keys()) + 1;
    this.#table[at + CLASS] = sizeClass + 1;
    this.#table[at + CARVED] = carved;
    this.#table[at + USED] = slots.size;
    for (let slot = carved - 1; slot >= 0; slot--) {
      const record = slots.get(slot);
      if (record !== undefined) {
        this.#setOwner(page, slot, record + 1);
        continue;
      }
      this.#setOwner(page, slot, -this.#table[at + FREE_SLOT]!);
      this.#table[at + FREE_SLOT] = slot + 1;
    }
    this.#count(page, sizeClass, slots.size);
    if (slots.size < slotsOfPage(this.#layout.pageBytes, this.sizes[sizeClass]!)) this.#link(page, sizeClass);
  }

  /** An empty page, or one from the pool, as a page of this class; -1 when there is none. */
  #freshPage(sizeClass: number): number {
    let page = this.#header[HEADER.emptyPages]! - 1;
    if (page >= 0) this.#header[HEADER.emptyPages] = this.#table[page * PAGE_WORDS + NEXT_PAGE]!;
    else page = this.#takeFromPool();
    if (page < 0) return -1;
    const at = page * PAGE_WORDS;
    this.#table.fill(0, at, at + PAGE_WORDS);
    this.#table[at + CLASS] = sizeClass + 1;
    this.#link(page, sizeClass);
    return page;
  }

  #takeFromPool(): number {
    if (this.#header[HEADER.pagesTaken]! >= this.#layout.pages) return -1;
    for (let segment = 0; segment < this.#pools.length; segment++) {
      const pool = this.#pool(segment);
      const slot = pool.allocate();
      if (slot === null) continue;
      pool.give(slot, CACHE_OWNER);
      this.#header[HEADER.pagesTaken]!++;
      return segment * this.#layout.pagesPerSegment + slot;
    }
    return -1;
  }

  #isOurs(page: number): boolean {
    const { pagesPerSegment } = this.#layout;
    return this.#pool(Math.floor(page / pagesPerSegment)).ownerOf(page % pagesPerSegment) === CACHE_OWNER;
  }

  #pool(segment: number): SharedSlabPool<"null"> {
    return (this.#pools[segment] ??= this.#attach(segment));
  }

  #attach(segment: number): SharedSlabPool<"null"> {
    const memory = segmentMemory(this.#views, segment);
    const attach = (owner: number): SharedSlabPool<"null"> =>
      SharedSlabPool.attach(memory, { owner, magazineSlots: 0, atCapacity: "null" });
    if (this.#poolOwner !== 0) return attach(this.#poolOwner);
    for (const owner of CLEANER_OWNERS) {
      try {
        return attach(owner);
      } catch (error) {
        if (owner === CLEANER_OWNERS.at(-1)) throw error;
      }
    }
    throw new Error("unreachable");
  }

  #makeEmpty(page: number): void {
    const at = page * PAGE_WORDS;
    this.#table.fill(0, at, at + PAGE_WORDS);
    this.#table[at + NEXT_PAGE] = this.#header[HEADER.emptyPages]!;
    this.#header[HEADER.emptyPages] = page + 1;
  }

  #link(page: number, sizeClass: number): void {
    const head = HEADER.partialPages + sizeClass;
    const next = this.#header[head]!;
    this.#table[page * PAGE_WORDS + NEXT_PAGE] = next;
    this.#table[page * PAGE_WORDS + PREVIOUS_PAGE] = 0;
    if (next !== 0) this.#table[(next - 1) * PAGE_WORDS + PREVIOUS_PAGE] = page + 1;
    this.#header[head] = page + 1;
  }

  #unlink(page: number, sizeClass: number): void {
    const next = this.#table[page * PAGE_WORDS + NEXT_PAGE]!;
    const previous = this.#table[page * PAGE_WORDS + PREVIOUS_PAGE]!;
    if (previous === 0) this.#header[HEADER.partialPages + sizeClass] = next;
    else this.#table[(previous - 1) * PAGE_WORDS + NEXT_PAGE] = next;
    if (next !== 0) this.#table[(next - 1) * PAGE_WORDS + PREVIOUS_PAGE] = previous;
  }

  #count(_page: number, sizeClass: number, slots: number): void {
    this.#header[HEADER.usedUnits]! += (slots * this.sizes[sizeClass]!) / UNIT_BYTES;
  }

  /** In bytes from the start of the memory. */
  #pageStart(page: number): number {
    return this.#wordsOf(page).byteOffset - this.#views.stretch.byteOffset;
  }

  #wordsOf(page: number): Int32Array {
    let words = this.#words[page];
    if (words === undefined) {
      const { pagesPerSegment, pageBytes } = this.#layout;
      const pool = this.#pool(Math.floor(page / pagesPerSegment));
      const at = pool.bytes.byteOffset + pool.offset(page % pagesPerSegment);
      words = new Int32Array(pool.bytes.buffer, at, pageBytes / 4);
      this.#words[page] = words;
    }
    return words;
  }

  /** Owners stand at the end of the page, backwards: record + 1, or minus the next free slot's link. */
  #owner(page: number, slot: number): number {
    const words = this.#wordsOf(page);
    return words[words.length - 1 - slot]!;
  }

  #setOwner(page: number, slot: number, value: number): void {
    const words = this.#wordsOf(page);
    words[words.length - 1 - slot] = value;
  }
}

/** One of them may have died while it recovered another, and has to be recovered first: so in several rounds. */
function recoverOwners(pool: SharedSlabPool<"null">, owners: readonly number[]): void {
  let left = owners;
  while (left.length > 0) {
    const failed: number[] = [];
    let failure: unknown;
    for (const owner of left) {
      try {
        pool.recover(owner);
      } catch (error) {
        if (!(error instanceof AllocError)) throw error;
        failed.push(owner);
        failure = error;
      }
    }
    if (failed.length === left.length) throw failure;
    left = failed;
  }
}

function segmentMemory({ stretch, layout }: SharedViews, segment: number): Uint8Array {
  const bytes = SharedSlabPool.bytesFor(segmentLayout(layout.pageBytes, segmentPages(layout, segment)));
  return new Uint8Array(stretch.buffer, stretch.byteOffset + layout.segmentsAt[segment]!, bytes);
}
