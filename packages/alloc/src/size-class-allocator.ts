import { ALIGNMENT_MAX } from "./arena.js";
import { type AtCapacity, atCapacityOption, type OrNull, retryAtCapacity } from "./at-capacity.js";
import { AllocError, shown } from "./errors.js";
import {
  ExtentHeap,
  FREE,
  grown,
  HINT,
  KIND,
  LARGE,
  NEXT,
  NONE,
  PAGE_BYTES,
  PREVIOUS,
  RUN_FIELDS,
  SLOTS,
  START,
  UNITS,
  USED,
  WASTE,
  WORDS,
} from "./extent-heap.js";
import { type Leak, LeakTracker } from "./leak-tracker.js";
import { arrayBufferSource, bytesOf, type ChunkSource, type MemorySource } from "./memory.js";
import {
  ALLOC_OPTIONS,
  booleanOption,
  functionOption,
  nameOption,
  numberOption,
  refuseUnknown,
} from "./options.js";
import { checkPoison, poison } from "./poison.js";
import { checkAlignment, checkSize } from "./size-check.js";
import {
  bitmapWords,
  CLASS_BYTES_MAX,
  QUANTUM_BYTES,
  SizeClasses,
  slabWords,
  UNIT_BYTES,
  wasteBytes,
  wasteMax,
} from "./size-classes.js";
import { type MemoryStatistics, type PartStatistics, withRatios } from "./statistics.js";

export interface SizeClassAllocatorOptions<Full extends AtCapacity = AtCapacity> {
  /** Memory of the caller: the heap is exactly that. Offsets are positions in it. */
  memory?: MemorySource;
  /** Without `memory`: bytes taken at a time, a power of two from 64 KiB to 1 GiB. Default 1 MiB. */
  chunkBytes?: number;
  /** Without `memory`: the most that it takes in all, up to 4 GiB. Default 1 GiB. */
  limitBytes?: number;
  /** Without `memory`: where chunks come from and go, and how pages are dropped. Default: array buffers. */
  source?: ChunkSource;
  /**
   * Size classes between a power of two and the next: 1, 2, 4, 8 or 16. 8 wastes less than 12.5 % of any request
   * above 56 bytes; 4 is jemalloc's spacing. Default 8.
   */
  classesPerDoubling?: number;
  /** How long freed pages are kept for use again before they are purged, in ms; 0 purges at once. Default 10,000. */
  decayMs?: number;
  /** Free pages beyond this part of the active bytes (and beyond 256 KiB) are purged without waiting. Default 5. */
  dirtyPercentMax?: number;
  /** The clock, in ms, never going back. Default `performance.now`. */
  now?: () => number;
  /** Default `"throw"`. */
  atCapacity?: Full;
  /** Poison free memory, check it, and keep allocation stacks for {@link SizeClassAllocator.leaks}. Default false. */
  debug?: boolean;
  /** Name in statistics. */
  name?: string;
}

/** The longest allocation. */
export const ALLOCATION_BYTES_MAX = 2 ** 30;

/**
 * Any size: small ones in slabs by size class, large ones as extents.
 *
 * ```
 *   allocate(100) ─▶ class 104 ─▶ its slab with room  │■│■│ │■│ │ │…│   bitmap of free slots, lowest first
 *                                                          ▲
 *   allocate(9000) ─▶ 18 units of 512 bytes ─▶ best fitting free extent, the rest stays free
 *
 *   free(offset) ─▶ unit table ─▶ slab or extent; an empty slab is an extent again; neighbours coalesce;
 *                   pages that stay free for decayMs are purged
 * ```
 *
 * Nothing that is held ever moves. One thread only.
 */
export class SizeClassAllocator<Full extends AtCapacity = "throw"> {
  readonly name: string;
  readonly #heap: ExtentHeap;
  readonly #classes: SizeClasses;
  readonly #atCapacity: AtCapacity;
  readonly #leaks: LeakTracker | undefined;
  readonly #bytesMax: number;
  /** By class: first slab with a free slot. */
  readonly #partial: Int32Array;
  /** By class: units in slabs, slots held now and at most, bytes of held slots that nobody asked for. */
  readonly #slabUnits: Int32Array;
  readonly #live: Int32Array;
  readonly #liveMax: Int32Array;
  readonly #waste: Float64Array;
  /** Bookkeeping of slabs: for each, a bitmap of free slots, then a byte or two a slot of waste. */
  #words = new Int32Array(0);
  #wasteBytes = new Uint8Array(this.#words.buffer);
  #wordsEnd = 0;
  /** By number of words: places given back. */
  readonly #freeWords: number[][] = [];
  /** Of the allocation that `#runOf` found last. */
  #slot = 0;
  #allocatedBytes = 0;
  #allocatedBytesMax = 0;
  #activeBytes = 0;
  #activeBytesMax = 0;
  #largeLive = 0;
  #largeLiveMax = 0;
  #largeUnits = 0;
  #largeWaste = 0;
  #allocations = 0;
  #frees = 0;
  #failures = 0;

  /** @throws AllocError `TZ_ALLOC_OPTION`, `TZ_ALLOC_REGION` */
  constructor(options: SizeClassAllocatorOptions<Full> = {}) {
    const kind = "SizeClassAllocator";
    const rules = ALLOC_OPTIONS.SizeClassAllocator;
    refuseUnknown(kind, options, SIZE_CLASS_ALLOCATOR_OPTIONS);
    this.name = nameOption(kind, options.name);
    this.#atCapacity = atCapacityOption(kind, options.atCapacity);
    this.#leaks = booleanOption(kind, "debug", options.debug) ? new LeakTracker() : undefined;
    this.#classes = new SizeClasses(
      numberOption(kind, "classesPerDoubling", options.classesPerDoubling, rules.classesPerDoubling),
    );
    const memory = memoryOptions(kind, options);
    this.#heap = new ExtentHeap({
      structure: `${kind} ${this.name}`,
      ...memory,
      decayMs: numberOption(kind, "decayMs", options.decayMs, rules.decayMs),
      dirtyPercentMax: numberOption(kind, "dirtyPercentMax", options.dirtyPercentMax, rules.dirtyPercentMax),
      now: functionOption(kind, "now", options.now, () => performance.now()),
      onMap: this.#leaks && ((bytes) => poison(bytes, 0, bytes.length)),
    });
    this.#bytesMax = Math.min(ALLOCATION_BYTES_MAX, memory.limitBytes);
    const count = this.#classes.count;
    this.#partial = new Int32Array(count).fill(NONE);
    this.#slabUnits = new Int32Array(count);
    this.#live = new Int32Array(count);
    this.#liveMax = new Int32Array(count);
    this.#waste = new Float64Array(count);
  }

  /**
   * `bytes` of memory, by offset. Its content is whatever was there.
   *
   * @param alignment the offset is a multiple of it: a power of two up to 4096
   * @returns the offset, or `null` at the limit when `atCapacity` says so
   * @throws AllocError `TZ_ALLOC_SIZE`, `TZ_ALLOC_ALIGNMENT`, `TZ_ALLOC_CAPACITY`, `TZ_ALLOC_POISON` (debug)
   */
  allocate(bytes: number, alignment = QUANTUM_BYTES): OrNull<number, Full> {
    if ((bytes | 0) === bytes && bytes > 0 && bytes <= CLASS_BYTES_MAX && alignment === QUANTUM_BYTES) {
      const sizeClass = this.#classes.classOf[(bytes + (QUANTUM_BYTES - 1)) >> 3]!;
      const run = this.#partial[sizeClass]!;
      if (run !== NONE && this.#leaks === undefined)
        return this.#takeSlot(run, sizeClass, bytes) as OrNull<number, Full>;
    }
    return this.#allocateSlow(bytes, alignment) as OrNull<number, Full>;
  }

  /**
   * Gives an allocation back.
   *
   * @throws AllocError `TZ_ALLOC_DOUBLE_FREE` when nothing is allocated there, `TZ_ALLOC_ADDRESS` when the offset
   * is not the beginning of an allocation
   */
  free(offset: number): void {
    const run = this.#runOf(offset);
    const at = run * RUN_FIELDS;
    const runs = this.#heap.runs;
    const sizeClass = runs[at + KIND]!;
    if (this.#leaks !== undefined) this.#freeDebug(this.#leaks, offset);
    this.#frees++;
    if (sizeClass === LARGE) {
      this.#freeLarge(run);
      return;
    }
    const size = this.#classes.sizes[sizeClass]!;
    const slot = this.#slot;
    const words = runs[at + WORDS]!;
    const waste = this.#wasteOf(at, slot, size);
    this.#words[words + (slot >>> 5)]! |= 1 << (slot & 31);
    if (slot >>> 5 < runs[at + HINT]!) runs[at + HINT] = slot >>> 5;
    this.#live[sizeClass]!--;
    this.#waste[sizeClass]! -= waste;
    this.#allocatedBytes -= size - waste;
    this.#activeBytes -= size;
    const used = --runs[at + USED]!;
    if (used + 1 === runs[at + SLOTS]!) this.#linkPartial(run, sizeClass);
    // One empty slab of a class stays, so that a class that goes up and down by one does not rebuild it.
    else if (used === 0 && (runs[at + NEXT] !== NONE || runs[at + PREVIOUS] !== NONE))
      this.#dropSlab(run, sizeClass);
  }

  /**
   * Changes the length of an allocation and keeps its content up to the shorter of both. In place when it stays
   * in its class, when it is an extent and what follows it is free, or when it becomes a shorter extent; otherwise
   * it is allocated anew, copied and freed. The alignment beyond 8 is not kept.
   *
   * @returns its offset from now on; `null` at the limit when `atCapacity` says so: the old one is still valid
   * @throws AllocError as {@link allocate} and {@link free}; the old one is still valid
   */
  reallocate(offset: number, bytes: number): OrNull<number, Full> {
    const run = this.#runOf(offset);
    checkSize(`SizeClassAllocator ${this.name}`, "bytes", bytes, this.#bytesMax);
    const before = this.requestedBytes(offset);
    if (this.#leaks === undefined && this.#resizeInPlace(run, bytes)) return offset as OrNull<number, Full>;
    const moved: number | null = this.allocate(bytes);
    if (moved === null) return null as OrNull<number, Full>;
    const length = Math.min(before, bytes);
    this.#bytesAt(moved, length).set(this.#bytesAt(offset, length));
    this.free(offset);
    return moved as OrNull<number, Full>;
  }

  /**
   * The bytes of an allocation, as many as were asked for.
   *
   * @throws AllocError as {@link free}
   */
  view(offset: number): Uint8Array {
    const bytes = this.requestedBytes(offset);
    if (this.#leaks !== undefined) return this.#leaks.handle(offset, () => this.#bytesAt(offset, bytes));
    return this.#bytesAt(offset, bytes);
  }

  /**
   * How many bytes were asked for at an offset.
   *
   * @throws AllocError as {@link free}
   */
  requestedBytes(offset: number): number {
    const at = this.#runOf(offset) * RUN_FIELDS;
    const runs = this.#heap.runs;
    const sizeClass = runs[at + KIND]!;
    if (sizeClass === LARGE) return runs[at + UNITS]! * UNIT_BYTES - runs[at + WASTE]!;
    const size = this.#classes.sizes[sizeClass]!;
    return size - this.#wasteOf(at, this.#slot, size);
  }

  /** How many bytes an allocation of `bytes` takes. */
  roundedBytes(bytes: number): number {
    checkSize(`SizeClassAllocator ${this.name}`, "bytes", bytes, this.#bytesMax);
    if (bytes > CLASS_BYTES_MAX) return Math.ceil(bytes / UNIT_BYTES) * UNIT_BYTES;
    return this.#classes.sizes[this.#classes.classOf[(bytes + (QUANTUM_BYTES - 1)) >> 3]!]!;
  }

  /** Purges pages that were free for the decay time; frees do so too, call it from a timer when there are none. */
  decay(): number {
    return this.#heap.decay();
  }

  /** Purges all free pages and empty slabs now. Returns the bytes that went back. */
  purge(): number {
    const runs = this.#heap.runs;
    for (let sizeClass = 0; sizeClass < this.#partial.length; sizeClass++) {
      for (let run = this.#partial[sizeClass]!; run !== NONE; ) {
        const next = runs[run * RUN_FIELDS + NEXT]!;
        if (runs[run * RUN_FIELDS + USED] === 0) this.#dropSlab(run, sizeClass);
        run = next;
      }
    }
    return this.#heap.purge();
  }

  /** What is held, with the stacks that took it; empty unless in debug mode. */
  leaks(): Leak[] {
    return this.#leaks?.leaks() ?? [];
  }

  /**
   * Bytes over all and by class. `mappedBytes` are the pages that were touched and not purged, plus the
   * bookkeeping outside of them; `retainedBytes` is what the chunks have beyond.
   */
  statistics(): MemoryStatistics {
    const { sizes } = this.#classes;
    const touchedBytes = this.#heap.touchedPages * PAGE_BYTES;
    const parts: PartStatistics[] = [];
    sizes.forEach((size, i) => {
      if (this.#liveMax[i] === 0) return;
      const activeBytes = this.#live[i]! * size;
      parts.push({
        name: `≤ ${size}`,
        allocatedBytes: activeBytes - this.#waste[i]!,
        activeBytes,
        mappedBytes: this.#slabUnits[i]! * UNIT_BYTES,
        live: this.#live[i]!,
        liveMax: this.#liveMax[i]!,
      });
    });
    const largeBytes = this.#largeUnits * UNIT_BYTES;
    parts.push({
      name: "large",
      allocatedBytes: largeBytes - this.#largeWaste,
      activeBytes: largeBytes,
      mappedBytes: largeBytes,
      live: this.#largeLive,
      liveMax: this.#largeLiveMax,
    });
    return withRatios({
      name: this.name,
      kind: "SizeClassAllocator",
      allocatedBytes: this.#allocatedBytes,
      activeBytes: this.#activeBytes,
      mappedBytes: touchedBytes + this.bookkeepingBytes,
      retainedBytes: this.#heap.reservedBytes - touchedBytes,
      highWater: {
        allocatedBytes: this.#allocatedBytesMax,
        activeBytes: this.#activeBytesMax,
        mappedBytes: this.#heap.touchedPagesMax * PAGE_BYTES + this.bookkeepingBytes,
      },
      allocations: this.#allocations,
      frees: this.#frees,
      failures: this.#failures,
      parts,
    });
  }

  /** Bytes of the bookkeeping, which lies outside of the chunks and counts as mapped. */
  get bookkeepingBytes(): number {
    return this.#heap.metadataBytes + this.#words.byteLength;
  }

  #add(bytes: number, roundedBytes: number): void {
    this.#allocatedBytes += bytes;
    this.#activeBytes += roundedBytes;
    if (this.#allocatedBytes > this.#allocatedBytesMax) this.#allocatedBytesMax = this.#allocatedBytes;
    if (this.#activeBytes > this.#activeBytesMax) this.#activeBytesMax = this.#activeBytes;
  }

  #takeSlot(run: number, sizeClass: number, bytes: number): number {
    const runs = this.#heap.runs;
    const words = this.#words;
    const at = run * RUN_FIELDS;
    const first = runs[at + WORDS]!;
    let hint = runs[at + HINT]!;
    let bits = words[first + hint]!;
    while (bits === 0) bits = words[first + ++hint]!;
    runs[at + HINT] = hint;
    words[first + hint] = bits & (bits - 1);
    const slot = hint * 32 + 31 - Math.clz32(bits & -bits);
    const size = this.#classes.sizes[sizeClass]!;
    const waste = size - bytes;
    this.#setWaste(at, slot, size, waste);
    this.#allocations++;
    this.#add(bytes, size);
    this.#waste[sizeClass]! += waste;
    const live = ++this.#live[sizeClass]!;
    if (live > this.#liveMax[sizeClass]!) this.#liveMax[sizeClass] = live;
    if (++runs[at + USED]! === runs[at + SLOTS]!) this.#unlinkPartial(run, sizeClass);
    return runs[at + START]! * UNIT_BYTES + slot * size;
  }

  #allocateSlow(bytes: number, alignment: number): number | null {
    checkSize(`SizeClassAllocator ${this.name}`, "bytes", bytes, this.#bytesMax);
    checkAlignment(`SizeClassAllocator ${this.name}`, alignment, ALIGNMENT_MAX);
    let offset = this.#tryAllocate(bytes, alignment);
    if (offset === NONE) {
      this.#failures++;
      const describe = () =>
        `SizeClassAllocator ${this.name}: no room for ${bytes} bytes: ${this.#activeBytes} are held and ${this.#heap.reservedBytes} of ${this.#heap.limitBytes} are mapped`;
      if (!retryAtCapacity(this.#atCapacity, describe)) return null;
      offset = this.#tryAllocate(bytes, alignment);
      if (offset === NONE) return null;
    }
    if (this.#leaks !== undefined) this.#takeDebug(this.#leaks, offset, bytes);
    return offset;
  }

  #tryAllocate(bytes: number, alignment: number): number {
    const sizeClass = this.#classFor(bytes, alignment);
    if (sizeClass < 0) return this.#takeLarge(bytes, Math.max(1, alignment / UNIT_BYTES));
    const run = this.#partial[sizeClass]! === NONE ? this.#newSlab(sizeClass) : this.#partial[sizeClass]!;
    return run === NONE ? NONE : this.#takeSlot(run, sizeClass, bytes);
  }

  /** The first class whose slots are all aligned, or −1 for an extent. Slabs begin at multiples of a unit. */
  #classFor(bytes: number, alignment: number): number {
    if (bytes > CLASS_BYTES_MAX || alignment > UNIT_BYTES) return -1;
    const { sizes, classOf } = this.#classes;
    for (let i = classOf[(bytes + (QUANTUM_BYTES - 1)) >> 3]!; i < sizes.length; i++) {
      const size = sizes[i]!;
      if (size % alignment === 0) return size - bytes <= wasteMax(size) ? i : -1;
    }
    return -1;
  }

  #newSlab(sizeClass: number): number {
    const run = this.#takeSlabRun(sizeClass);
    if (run === NONE) return NONE;
    const size = this.#classes.sizes[sizeClass]!;
    const units = this.#heap.runs[run * RUN_FIELDS + UNITS]!;
    const slots = Math.floor((units * UNIT_BYTES) / size);
    const first = this.#takeWords(slabWords(slots, size));
    const bits = bitmapWords(slots);
    this.#words.fill(-1, first, first + bits);
    if ((slots & 31) !== 0) this.#words[first + bits - 1] = (1 << (slots & 31)) - 1;
    const at = run * RUN_FIELDS;
    this.#heap.runs[at + USED] = 0;
    this.#heap.runs[at + WORDS] = first;
    this.#heap.runs[at + HINT] = 0;
    this.#heap.runs[at + SLOTS] = slots;
    this.#slabUnits[sizeClass]! += units;
    this.#linkPartial(run, sizeClass);
    return run;
  }

  #takeSlabRun(sizeClass: number): number {
    for (const units of this.#classes.gapUnits[sizeClass]!) {
      const run = this.#heap.takeGap(units, sizeClass);
      if (run !== NONE) return run;
    }
    return this.#heap.take(this.#classes.slabUnits[sizeClass]!, 1, sizeClass);
  }

  /** Bytes of a held slot that nobody asked for; `at` is the place of its slab's fields. */
  #wasteOf(at: number, slot: number, size: number): number {
    const runs = this.#heap.runs;
    const first = (runs[at + WORDS]! + bitmapWords(runs[at + SLOTS]!)) * 4;
    if (wasteBytes(size) === 1) return this.#wasteBytes[first + slot]!;
    return this.#wasteBytes[first + slot * 2]! | (this.#wasteBytes[first + slot * 2 + 1]! << 8);
  }

  #setWaste(at: number, slot: number, size: number, waste: number): void {
    const runs = this.#heap.runs;
    const first = (runs[at + WORDS]! + bitmapWords(runs[at + SLOTS]!)) * 4;
    if (wasteBytes(size) === 1) {
      this.#wasteBytes[first + slot] = waste;
      return;
    }
    this.#wasteBytes[first + slot * 2] = waste;
    this.#wasteBytes[first + slot * 2 + 1] = waste >> 8;
  }

  #dropSlab(run: number, sizeClass: number): void {
    this.#unlinkPartial(run, sizeClass);
    const at = run * RUN_FIELDS;
    const words = slabWords(this.#heap.runs[at + SLOTS]!, this.#classes.sizes[sizeClass]!);
    (this.#freeWords[words] ??= []).push(this.#heap.runs[at + WORDS]!);
    this.#slabUnits[sizeClass]! -= this.#heap.runs[at + UNITS]!;
    this.#heap.give(run);
  }

  #takeWords(count: number): number {
    const unused = this.#freeWords[count]?.pop();
    if (unused !== undefined) return unused;
    const first = this.#wordsEnd;
    this.#wordsEnd += count;
    const words = grown(this.#words, this.#wordsEnd);
    if (words !== this.#words) {
      this.#words = words;
      this.#wasteBytes = new Uint8Array(words.buffer);
    }
    return first;
  }

  #linkPartial(run: number, sizeClass: number): void {
    const runs = this.#heap.runs;
    const head = this.#partial[sizeClass]!;
    runs[run * RUN_FIELDS + NEXT] = head;
    runs[run * RUN_FIELDS + PREVIOUS] = NONE;
    if (head !== NONE) runs[head * RUN_FIELDS + PREVIOUS] = run;
    this.#partial[sizeClass] = run;
  }

  #unlinkPartial(run: number, sizeClass: number): void {
    const runs = this.#heap.runs;
    const next = runs[run * RUN_FIELDS + NEXT]!;
    const previous = runs[run * RUN_FIELDS + PREVIOUS]!;
    if (next !== NONE) runs[next * RUN_FIELDS + PREVIOUS] = previous;
    if (previous !== NONE) runs[previous * RUN_FIELDS + NEXT] = next;
    else this.#partial[sizeClass] = next;
  }

  #takeLarge(bytes: number, alignmentUnits: number): number {
    const units = Math.ceil(bytes / UNIT_BYTES);
    const run = this.#heap.take(units, alignmentUnits, LARGE);
    if (run === NONE) return NONE;
    const waste = units * UNIT_BYTES - bytes;
    this.#heap.runs[run * RUN_FIELDS + WASTE] = waste;
    this.#allocations++;
    this.#add(bytes, units * UNIT_BYTES);
    this.#largeUnits += units;
    this.#largeWaste += waste;
    this.#largeLive++;
    if (this.#largeLive > this.#largeLiveMax) this.#largeLiveMax = this.#largeLive;
    return this.#heap.runs[run * RUN_FIELDS + START]! * UNIT_BYTES;
  }

  #freeLarge(run: number): void {
    const at = run * RUN_FIELDS;
    const units = this.#heap.runs[at + UNITS]!;
    const waste = this.#heap.runs[at + WASTE]!;
    this.#add(waste - units * UNIT_BYTES, -units * UNIT_BYTES);
    this.#largeLive--;
    this.#largeUnits -= units;
    this.#largeWaste -= waste;
    this.#heap.give(run);
  }

  #resizeInPlace(run: number, bytes: number): boolean {
    const runs = this.#heap.runs;
    const at = run * RUN_FIELDS;
    const kind = runs[at + KIND]!;
    if (kind === LARGE) return bytes > CLASS_BYTES_MAX && this.#resizeLarge(run, bytes);
    if (bytes > CLASS_BYTES_MAX || this.#classFor(bytes, QUANTUM_BYTES) !== kind) return false;
    const size = this.#classes.sizes[kind]!;
    const more = size - bytes - this.#wasteOf(at, this.#slot, size);
    this.#setWaste(at, this.#slot, size, size - bytes);
    this.#waste[kind]! += more;
    this.#add(-more, 0);
    return true;
  }

  #resizeLarge(run: number, bytes: number): boolean {
    const at = run * RUN_FIELDS;
    const before = this.#heap.runs[at + UNITS]!;
    const units = Math.ceil(bytes / UNIT_BYTES);
    if (units > before && !this.#heap.grow(run, units)) return false;
    if (units < before) this.#heap.shrink(run, units);
    const waste = units * UNIT_BYTES - bytes;
    const wasteBefore = this.#heap.runs[at + WASTE]!;
    const moreBytes = (units - before) * UNIT_BYTES;
    this.#add(moreBytes - (waste - wasteBefore), moreBytes);
    this.#largeUnits += units - before;
    this.#largeWaste += waste - wasteBefore;
    this.#heap.runs[at + WASTE] = waste;
    return true;
  }

  /** The run that an allocation beginning at `offset` is in; `#slot` says which slot of a slab. */
  #runOf(offset: number): number {
    const heap = this.#heap;
    const entry = offset >= 0 && offset < 2 ** 32 ? heap.unitRun[offset >>> 9] : undefined;
    if (entry === undefined || entry === 0) return this.#refuse(offset);
    const at = (entry - 1) * RUN_FIELDS;
    const kind = heap.runs[at + KIND]!;
    if (kind === FREE) return this.#refuse(offset);
    const within = offset - heap.runs[at + START]! * UNIT_BYTES;
    if (kind === LARGE) return within === 0 ? entry - 1 : this.#refuse(offset);
    const size = this.#classes.sizes[kind]!;
    const slot = (within / size) | 0;
    if (slot * size !== within || slot >= heap.runs[at + SLOTS]!) return this.#refuse(offset);
    if ((this.#words[heap.runs[at + WORDS]! + (slot >>> 5)]! & (1 << (slot & 31))) !== 0)
      return this.#refuse(offset, true);
    this.#slot = slot;
    return entry - 1;
  }

  #refuse(offset: number, isFree = false): never {
    const { unitRun, runs } = this.#heap;
    const inHeap = Number.isInteger(offset) && offset >= 0 && offset < unitRun.length * UNIT_BYTES;
    const entry = inHeap ? unitRun[offset >>> 9]! : -1;
    const inFreeExtent = entry === 0 || (entry > 0 && runs[(entry - 1) * RUN_FIELDS + KIND] === FREE);
    if (isFree || (inFreeExtent && offset % QUANTUM_BYTES === 0)) {
      throw new AllocError(
        "TZ_ALLOC_DOUBLE_FREE",
        `SizeClassAllocator ${this.name}: nothing is allocated at offset ${offset} (freed before?)`,
      );
    }
    throw new AllocError(
      "TZ_ALLOC_ADDRESS",
      `SizeClassAllocator ${this.name}: ${shown(offset)} is not the offset of an allocation (offsets are below ${unitRun.length * UNIT_BYTES})`,
    );
  }

  #bytesAt(offset: number, bytes: number): Uint8Array {
    const chunk = this.#heap.chunkAt(offset >>> 9);
    const start = offset - chunk.firstUnit * UNIT_BYTES;
    return chunk.bytes.subarray(start, start + bytes);
  }

  #takeDebug(leaks: LeakTracker, offset: number, bytes: number): void {
    const view = this.#bytesAt(offset, this.roundedBytes(bytes));
    try {
      checkPoison(
        `SizeClassAllocator ${this.name}`,
        `the ${bytes} bytes at offset ${offset}`,
        view,
        0,
        bytes,
      );
    } catch (error) {
      poison(view, 0, view.length);
      leaks.allocated(offset, bytes, this.allocate);
      this.free(offset);
      throw error;
    }
    leaks.allocated(offset, bytes, this.allocate);
  }

  #freeDebug(leaks: LeakTracker, offset: number): void {
    const bytes = this.requestedBytes(offset);
    const run = this.#runOf(offset) * RUN_FIELDS;
    const kind = this.#heap.runs[run + KIND]!;
    const rounded = kind === LARGE ? this.#heap.runs[run + UNITS]! * UNIT_BYTES : this.#classes.sizes[kind]!;
    const view = this.#bytesAt(offset, rounded);
    // Behind what was asked for there must be poison still: whoever wrote there wrote past the end.
    checkPoison(
      `SizeClassAllocator ${this.name}`,
      `the ${rounded - bytes} bytes behind the ${bytes} at offset ${offset}`,
      view,
      bytes,
      rounded,
    );
    leaks.freed(offset);
    poison(view, 0, rounded);
  }
}

const SIZE_CLASS_ALLOCATOR_OPTIONS = [
  "memory",
  "chunkBytes",
  "limitBytes",
  "source",
  "classesPerDoubling",
  "decayMs",
  "dirtyPercentMax",
  "now",
  "atCapacity",
  "debug",
  "name",
];

function memoryOptions(kind: string, options: SizeClassAllocatorOptions) {
  const rules = ALLOC_OPTIONS.SizeClassAllocator;
  if (options.memory === undefined) {
    return {
      fixed: false,
      source: options.source ?? arrayBufferSource,
      chunkBytes: numberOption(kind, "chunkBytes", options.chunkBytes, rules.chunkBytes),
      limitBytes: numberOption(kind, "limitBytes", options.limitBytes, rules.limitBytes),
    };
  }
  for (const name of ["chunkBytes", "limitBytes", "source"] as const) {
    if (options[name] === undefined) continue;
    throw new AllocError("TZ_ALLOC_OPTION", `${kind}: option "${name}" has no meaning beside "memory"`);
  }
  const memory = options.memory;
  const bytes = bytesOf(kind, memory).length;
  const limitBytes = Math.floor(bytes / PAGE_BYTES) * PAGE_BYTES;
  if (limitBytes < PAGE_BYTES || limitBytes > rules.limitBytes.max) {
    throw new AllocError(
      "TZ_ALLOC_REGION",
      `${kind}: memory must have from ${PAGE_BYTES} to ${rules.limitBytes.max} bytes, got ${bytes}`,
    );
  }
  return { fixed: true, source: { map: () => memory }, chunkBytes: limitBytes, limitBytes };
}
