import { type EntryQueues, SMALL, type VictimJudge } from "./entry-queues.js";
import type { EntryReader } from "./entry-reader.js";
import type { KeyReader } from "./key-reader.js";
import { HEADER, RECORD_SHIFT } from "./layout.js";
import type { PageHeap, Place } from "./page-heap.js";
import type { PinTable } from "./pin-table.js";
import {
  EPOCH,
  FILLING,
  FREE,
  GIVEN_UP,
  HASH,
  KEY_BYTES,
  LIVE,
  META,
  NEWER,
  NEXT,
  NONE,
  OWNER,
  PAGE,
  RETIRED,
  SEQUENCE,
  SLOT,
  STATE,
  UNIT,
  VALUE_BYTES,
  VERSION_HIGH,
  VERSION_LOW,
} from "./record.js";
import type { SharedViews } from "./shared-memory.js";
import { UNIT_BYTES } from "./size-classes.js";

/** At one insert so many entries go at most one by one, before a whole page is cleared. */
const EVICTIONS_MAX = 512;
const PAGE_TRIES = 8;
/** So many retired entries are looked at in one insert. */
const COLLECT_MAX = 32;

/** What an entry is begun with. */
export interface EntryDraft {
  readonly key: KeyReader;
  readonly version: number;
  readonly valueBytes: number;
  readonly meta: number;
  readonly epochSum: number;
}

/** Changes the entries. All methods are for the holder of the writer lock; what a death leaves half done {@link rebuild} repairs. */
export class EntryWriter {
  /** Entries that went to make room, since the last look. */
  evictions = 0;
  /** Live entries that a publication replaced. */
  replaced = 0;
  readonly #views: SharedViews;
  readonly #header: Int32Array;
  readonly #heads: Int32Array;
  readonly #records: Int32Array;
  readonly #row: number;
  readonly #heap: PageHeap;
  readonly #queues: EntryQueues;
  readonly #uses: Uint8Array;
  readonly #pins: PinTable;
  readonly #reader: EntryReader;
  readonly #place: Place = { page: 0, slot: 0, unit: 0 };

  constructor(
    views: SharedViews,
    row: number,
    parts: { heap: PageHeap; queues: EntryQueues; pins: PinTable; reader: EntryReader },
  ) {
    this.#views = views;
    this.#header = views.header;
    this.#heads = views.heads;
    this.#records = views.records;
    this.#row = row;
    this.#heap = parts.heap;
    this.#queues = parts.queues;
    this.#uses = views.uses;
    this.#pins = parts.pins;
    this.#reader = parts.reader;
  }

  /** A record with a block, to be filled by this worker; NONE when there is no room because of pins. */
  begin(draft: EntryDraft): number {
    this.#collect(COLLECT_MAX);
    const sizeClass = this.#heap.classOf(draft.valueBytes + draft.key.length);
    const record = this.#takeRecord();
    if (record === NONE) return NONE;
    if (!this.#heap.allocate(sizeClass, record, this.#place)) {
      if (!this.#makeRoom(sizeClass) || !this.#heap.allocate(sizeClass, record, this.#place)) {
        this.#giveRecord(record);
        return NONE;
      }
    }
    this.#describe(record, draft);
    return record;
  }

  /** Makes a filled entry visible, in place of the key's entry before. @returns false when it was invalidated meanwhile */
  publish(record: number): boolean {
    const records = this.#records;
    const at = record << RECORD_SHIFT;
    const hash = records[at + HASH]!;
    if (this.#reader.epochSum(hash) !== records[at + EPOCH]) {
      this.release(record);
      return false;
    }
    const before = this.#find(record);
    // A new version takes the place of the old one.
    const queue = before === NONE ? this.#queues.queueFor(hash) : this.#queues.queueOf(before);
    if (before !== NONE) {
      this.retire(before);
      this.replaced++;
    }
    const sequence = (this.#header[HEADER.sequence]! + 1) | 0;
    this.#header[HEADER.sequence] = sequence;
    records[at + SEQUENCE] = sequence;
    const bucket = hash & (this.#heads.length - 1);
    records[at + NEXT] = this.#heads[bucket]!;
    this.#uses[record] = 0;
    this.#queues.pushNewest(record, queue, this.#unitsOf(record));
    this.#header[HEADER.liveEntries]!++;
    Atomics.store(records, at + STATE, LIVE);
    Atomics.store(this.#heads, bucket, record + 1);
    return true;
  }

  /** Takes an entry out of sight. Its block stays until nobody pins it. */
  retire(record: number): void {
    const at = record << RECORD_SHIFT;
    this.#unchain(record);
    this.#queues.remove(record, this.#unitsOf(record));
    this.#header[HEADER.liveEntries]!--;
    Atomics.store(this.#records, at + STATE, RETIRED);
    // Only now: see PinTable.
    if (!this.#pins.isPinned(record)) {
      this.release(record);
      return;
    }
    this.#records[at + NEWER] = this.#header[HEADER.retired]!;
    this.#header[HEADER.retired] = record + 1;
  }

  /** Gives block and record back. The entry is in no list. */
  release(record: number): void {
    const at = record << RECORD_SHIFT;
    this.#heap.free(this.#records[at + PAGE]!, this.#records[at + SLOT]!);
    this.#giveRecord(record);
  }

  /** Releases what workers gave up without the lock, and everything that `row` was filling. */
  sweep(row = NONE): void {
    const records = this.#records;
    for (let record = 0; record < this.#header[HEADER.recordsUsed]!; record++) {
      const at = record << RECORD_SHIFT;
      const state = Atomics.load(records, at + STATE);
      if (state === GIVEN_UP || (state === FILLING && records[at + OWNER] === row)) this.release(record);
    }
  }

  /** Releases retired entries that nobody pins any more. */
  #collect(limit: number): void {
    const records = this.#records;
    let previous = NONE;
    let link = this.#header[HEADER.retired]!;
    for (let looked = 0; link !== 0 && looked < limit; looked++) {
      const record = link - 1;
      link = records[(record << RECORD_SHIFT) + NEWER]!;
      if (this.#pins.isPinned(record)) {
        previous = record;
        continue;
      }
      if (previous === NONE) this.#header[HEADER.retired] = link;
      else records[(previous << RECORD_SHIFT) + NEWER] = link;
      this.release(record);
    }
  }

  /** After it there is a slot of the class, or an empty page. */
  #makeRoom(sizeClass: number): boolean {
    this.#collect(Number.POSITIVE_INFINITY);
    if (this.#hasRoom(sizeClass)) return true;
    let goneBytes = 0;
    for (let count = 0; count < EVICTIONS_MAX && goneBytes < this.#views.layout.pageBytes; count++) {
      const victim = this.#victim();
      if (victim === NONE) return false;
      goneBytes += this.#unitsOf(victim) * UNIT_BYTES;
      this.#evict(victim);
      if (this.#hasRoom(sizeClass)) return true;
    }
    // What went was scattered over pages of other classes: now a page as a whole.
    for (let tries = 0; tries < PAGE_TRIES; tries++) {
      const victim = this.#victim();
      if (victim === NONE) return false;
      if (this.#clearPage(this.#pageOf(victim))) return true;
      // All of them went, and one was pinned between the look and its eviction: the page is empty only after the unpin.
      if (this.#records[(victim << RECORD_SHIFT) + STATE] !== LIVE) continue;
      // Some entry of that page is held back: this one is not the next again.
      const units = this.#unitsOf(victim);
      const queue = this.#queues.queueOf(victim);
      this.#queues.remove(victim, units);
      this.#queues.pushNewest(victim, queue, units);
    }
    return false;
  }

  #hasRoom(sizeClass: number): boolean {
    return this.#heap.hasEmptyPage || this.#header[HEADER.partialPages + sizeClass] !== 0;
  }

  #victim(): number {
    return this.#queues.nextVictim(this.#judge);
  }

  readonly #judge: VictimJudge = {
    isPinned: (record) => this.#pins.isPinned(record),
    isUseless: (record) => {
      const at = record << RECORD_SHIFT;
      return this.#records[at + EPOCH] !== this.#reader.epochSum(this.#records[at + HASH]!);
    },
    unitsOf: (record) => this.#unitsOf(record),
  };

  #unitsOf(record: number): number {
    return this.#heap.sizes[this.#heap.pageClass(this.#pageOf(record))]! / UNIT_BYTES;
  }

  #evict(record: number): void {
    if (this.#queues.queueOf(record) === SMALL)
      this.#queues.remember(this.#records[(record << RECORD_SHIFT) + HASH]!);
    this.retire(record);
    this.evictions++;
  }

  /** Evicts all entries of a page, if every one of them may go. */
  #clearPage(page: number): boolean {
    const inside = this.#heap.recordsIn(page);
    const mayGo = (record: number): boolean =>
      this.#records[(record << RECORD_SHIFT) + STATE] === LIVE && !this.#pins.isPinned(record);
    if (!inside.every(mayGo)) return false;
    for (const record of inside) this.#evict(record);
    return this.#heap.hasEmptyPage;
  }

  #takeRecord(): number {
    const link = this.#header[HEADER.freeRecords]!;
    if (link !== 0) {
      this.#header[HEADER.freeRecords] = this.#records[((link - 1) << RECORD_SHIFT) + NEWER]!;
      return link - 1;
    }
    const unused = this.#header[HEADER.recordsUsed]!;
    if (unused < this.#views.layout.maxEntries) {
      this.#header[HEADER.recordsUsed] = unused + 1;
      return unused;
    }
    for (let tries = 0; tries < PAGE_TRIES; tries++) {
      const victim = this.#victim();
      if (victim === NONE) return NONE;
      this.#evict(victim);
      // A pin may have come in between; then another entry has to go.
      if (this.#header[HEADER.freeRecords] !== 0) return this.#takeRecord();
    }
    return NONE;
  }

  #giveRecord(record: number): void {
    const at = record << RECORD_SHIFT;
    Atomics.store(this.#records, at + STATE, FREE);
    // NEXT stays: a reader that stands here goes on along its chain.
    this.#records[at + NEWER] = this.#header[HEADER.freeRecords]!;
    this.#header[HEADER.freeRecords] = record + 1;
  }

  #describe(record: number, { key, version, valueBytes, meta, epochSum }: EntryDraft): void {
    const records = this.#records;
    const at = record << RECORD_SHIFT;
    records[at + HASH] = key.hash;
    records[at + VERSION_LOW] = version | 0;
    records[at + VERSION_HIGH] = (version / 4294967296) | 0;
    records[at + UNIT] = this.#place.unit | 0;
    records[at + KEY_BYTES] = key.length;
    records[at + VALUE_BYTES] = valueBytes;
    records[at + META] = meta;
    records[at + PAGE] = this.#place.page;
    records[at + SLOT] = this.#place.slot;
    records[at + EPOCH] = epochSum;
    records[at + OWNER] = this.#row;
    Atomics.store(records, at + STATE, FILLING);
  }

  /** The live entry with the key of another record. */
  #find(like: number): number {
    const records = this.#records;
    const wanted = like << RECORD_SHIFT;
    const { memory } = this.#reader;
    const bytes = memory.windowOf(records[wanted + UNIT]!);
    const start = memory.indexOf(records[wanted + UNIT]!) + records[wanted + VALUE_BYTES]!;
    const length = records[wanted + KEY_BYTES]!;
    let link = this.#heads[records[wanted + HASH]! & (this.#heads.length - 1)]!;
    while (link !== 0) {
      const at = (link - 1) << RECORD_SHIFT;
      if (records[at + HASH] === records[wanted + HASH] && records[at + KEY_BYTES] === length)
        if (memory.equals(records[at + UNIT]!, records[at + VALUE_BYTES]!, bytes, start, length))
          return link - 1;
      link = records[at + NEXT]!;
    }
    return NONE;
  }

  #unchain(record: number): void {
    const records = this.#records;
    const at = record << RECORD_SHIFT;
    const bucket = records[at + HASH]! & (this.#heads.length - 1);
    const next = records[at + NEXT]!;
    let link = this.#heads[bucket]!;
    if (link === record + 1) {
      Atomics.store(this.#heads, bucket, next);
      return;
    }
    while (link !== 0) {
      const previous = (link - 1) << RECORD_SHIFT;
      link = records[previous + NEXT]!;
      if (link !== record + 1) continue;
      Atomics.store(records, previous + NEXT, next);
      return;
    }
  }

  #pageOf(record: number): number {
    return this.#records[(record << RECORD_SHIFT) + PAGE]!;
  }

  /**
   * Makes everything anew from the states of the records, which are right at any instruction. Only what a dead
   * worker was filling is lost, and pages of an entry that contradicts another's (there are none unless somebody else
   * wrote to the memory).
   *
   * @param isFilling whether a worker row is alive and may go on filling
   */
  rebuild(isFilling: (row: number) => boolean): void {
    const records = this.#records;
    this.#heads.fill(0);
    this.#queues.clear();
    this.#heap.beginRebuild();
    this.#header[HEADER.freeRecords] = this.#header[HEADER.retired] = this.#header[HEADER.liveEntries] = 0;
    const live: number[] = [];
    for (let record = this.#header[HEADER.recordsUsed]! - 1; record >= 0; record--) {
      const at = record << RECORD_SHIFT;
      const state = Atomics.load(records, at + STATE);
      const stays =
        state === LIVE ||
        (state === FILLING && isFilling(records[at + OWNER]!)) ||
        (state === RETIRED && this.#pins.isPinned(record));
      const bytes = records[at + KEY_BYTES]! + records[at + VALUE_BYTES]!;
      const place = { page: records[at + PAGE]!, slot: records[at + SLOT]!, unit: records[at + UNIT]! >>> 0 };
      if (!stays || !this.#heap.keep(record, bytes, place)) this.#giveRecord(record);
      else if (state === LIVE) live.push(record);
      else if (state === RETIRED) {
        records[at + NEWER] = this.#header[HEADER.retired]!;
        this.#header[HEADER.retired] = record + 1;
      }
    }
    this.#heap.rebuilt();
    const now = this.#header[HEADER.sequence]!;
    const ageOf = (record: number): number => (now - records[(record << RECORD_SHIFT) + SEQUENCE]!) >>> 0;
    live.sort((a, b) => ageOf(b) - ageOf(a));
    for (const record of live) this.#relink(record);
  }

  #relink(record: number): void {
    const at = record << RECORD_SHIFT;
    const bucket = this.#records[at + HASH]! & (this.#heads.length - 1);
    this.#records[at + NEXT] = this.#heads[bucket]!;
    Atomics.store(this.#heads, bucket, record + 1);
    this.#queues.pushNewest(record, this.#queues.queueOf(record), this.#unitsOf(record));
    this.#header[HEADER.liveEntries]!++;
  }
}
