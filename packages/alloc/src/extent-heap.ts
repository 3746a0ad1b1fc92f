import { AllocError } from "./errors.js";
import { bytesOf, type ChunkSource, type MemorySource } from "./memory.js";
import { UNIT_BYTES } from "./size-classes.js";

/** What the operating system maps and drops at a time. */
export const PAGE_BYTES = 4096;
const UNITS_PER_PAGE = PAGE_BYTES / UNIT_BYTES;

/** Fields of a run in `runs`, RUN_FIELDS numbers each. */
export const START = 0;
export const UNITS = 1;
/** FREE, LARGE, or a size class. */
export const KIND = 2;
/** Neighbours in the list that it is in: a bin when free, the partial slabs of its class when a slab. */
export const NEXT = 3;
export const PREVIOUS = 4;
/** Free: neighbours by age, and when it was freed. Slab: slots held, its words, first word to look in. Large: waste. */
export const OLDER = 5;
export const NEWER = 6;
export const FREED_AT = 7;
export const USED = 5;
export const WORDS = 6;
export const HINT = 7;
/** Slab: slots in all. */
export const SLOTS = 8;
export const WASTE = 5;
export const RUN_FIELDS = 9;

export const FREE = -1;
export const LARGE = -2;
/** End of a list. */
export const NONE = -1;
/** In OLDER: in no list by age, because there is nothing to purge in it. */
const CLEAN = -2;

/** Bins of one size each up to this many units, then eight a doubling. */
const EXACT_UNITS = 64;
const BINS = EXACT_UNITS + 8 * 18;
/**
 * Runs looked at for the best fit once one fits: bounds the time, costs little fit (bins rarely hold more). In the
 * first bin, where a run may be too short, the search goes on until one fits.
 */
const SCAN_MAX = 64;
/** Times are kept in steps of this, so that 32 bits last for a year. */
const TIME_STEP_MS = 16;

/** So much may always lie idle: below it purging costs more than it gives. */
const DIRTY_BYTES_MIN = 256 * 1024;

interface HeapChunk {
  readonly memory: MemorySource;
  readonly bytes: Uint8Array;
  readonly firstUnit: number;
  readonly units: number;
}

export interface ExtentHeapOptions {
  readonly structure: string;
  readonly source: ChunkSource;
  /** The one chunk is memory of the caller and never goes back. */
  readonly fixed: boolean;
  readonly chunkBytes: number;
  readonly limitBytes: number;
  readonly decayMs: number;
  readonly dirtyPercentMax: number;
  readonly now: () => number;
  /** Called with a new chunk (debug mode poisons it). */
  readonly onMap: ((bytes: Uint8Array) => void) | undefined;
}

/**
 * Runs of units in chunks: best fit, neighbours coalesce, freed pages age and are purged.
 *
 * ```
 *  chunk     │ slab  │ large      │ free  │ slab │ large │        free         │
 *  unitRun   │ 1 1 1 │ 2 2 2 2 2  │ 3 0 3 │ 4 4  │ 5 5   │ 6 0 0 0 0 0 0 0 0 6 │   run + 1; inside of free runs 0
 *                                    │                      │
 *  bins      [..][4: run 2 ]..[48: run 5 ]          ◀───────╯   by size, to find the best fit
 *  by age    oldest ─▶ run 2 ─▶ …                               to find what to purge; run 5 was never touched
 * ```
 *
 * All bookkeeping is in typed arrays outside of the chunks: nothing for the garbage collector to trace, nothing
 * that a write past a block could corrupt.
 */
export class ExtentHeap {
  runs = new Int32Array(0);
  /** By unit: run + 1 where it is in use and at both ends of a free run, 0 inside of free runs. */
  unitRun: Uint16Array | Uint32Array = new Uint16Array(0);
  /** Units in use. */
  activeUnits = 0;
  /** Pages that were written since they were mapped or purged, for all we know. */
  touchedPages = 0;
  touchedPagesMax = 0;
  /** Bytes of all chunks. */
  reservedBytes = 0;
  readonly limitBytes: number;
  readonly #structure: string;
  readonly #source: ChunkSource;
  readonly #fixed: boolean;
  readonly #chunkBytes: number;
  readonly #decaySteps: number;
  readonly #dirtyPercentMax: number;
  readonly #now: () => number;
  readonly #startMs: number;
  readonly #onMap: ((bytes: Uint8Array) => void) | undefined;
  /** By stride of `chunkBytes`: the chunk that is there. A long chunk fills several. */
  readonly #chunks: (HeapChunk | undefined)[] = [];
  readonly #bins = new Int32Array(BINS).fill(NONE);
  readonly #binBits = new Int32Array(Math.ceil(BINS / 32));
  /** One bit a page. */
  #touched = new Int32Array(0);
  readonly #unusedRuns: number[] = [];
  #runCount = 0;
  #oldest = NONE;
  #newest = NONE;

  constructor(options: ExtentHeapOptions) {
    this.#structure = options.structure;
    this.#source = options.source;
    this.#fixed = options.fixed;
    this.#chunkBytes = options.chunkBytes;
    this.limitBytes = options.limitBytes;
    this.#decaySteps = Math.ceil(options.decayMs / TIME_STEP_MS);
    this.#dirtyPercentMax = options.dirtyPercentMax;
    this.#now = options.now;
    this.#startMs = options.now();
    this.#onMap = options.onMap;
  }

  /** Bytes of the bookkeeping. */
  get metadataBytes(): number {
    return this.runs.byteLength + this.unitRun.byteLength + this.#touched.byteLength;
  }

  /**
   * A run of exactly `units` that begins at a multiple of `alignmentUnits`, marked as `kind`; NONE when the limit
   * is reached.
   */
  take(units: number, alignmentUnits: number, kind: number): number {
    const wanted = units + alignmentUnits - 1;
    let free = this.#findFree(wanted);
    if (free === NONE) {
      if (!this.#map(wanted)) return NONE;
      free = this.#findFree(wanted);
    }
    const at = free * RUN_FIELDS;
    const start = this.runs[at + START]!;
    const skip = Math.ceil(start / alignmentUnits) * alignmentUnits - start;
    return this.#carve(free, skip, units, kind);
  }

  /**
   * A whole free run of exactly `units`, marked as `kind`; NONE when there is none. For slabs, which can be of any
   * length: they fill the small gaps between large extents.
   */
  takeGap(units: number, kind: number): number {
    const free = this.#bins[units - 1]!;
    return free === NONE ? NONE : this.#carve(free, 0, units, kind);
  }

  /** Frees a run. */
  give(run: number): void {
    const at = run * RUN_FIELDS;
    const start = this.runs[at + START]!;
    const units = this.runs[at + UNITS]!;
    this.activeUnits -= units;
    this.unitRun.fill(0, start, start + units);
    this.#insertFree(run, start, units);
    this.#afterFree();
  }

  /** Gives back the units of a run behind the first `units`. */
  shrink(run: number, units: number): void {
    const at = run * RUN_FIELDS;
    const rest = this.runs[at + UNITS]! - units;
    const start = this.runs[at + START]! + units;
    this.runs[at + UNITS] = units;
    this.activeUnits -= rest;
    this.unitRun.fill(0, start, start + rest);
    this.#insertFree(this.#newRun(), start, rest);
    this.#afterFree();
  }

  /** Makes a run longer where it is; false when what follows it is not free or too short. */
  grow(run: number, units: number): boolean {
    const at = run * RUN_FIELDS;
    const end = this.runs[at + START]! + this.runs[at + UNITS]!;
    const more = units - this.runs[at + UNITS]!;
    const chunk = this.chunkAt(end - 1);
    if (end === chunk.firstUnit + chunk.units) return false;
    const neighbour = this.#freeRunAt(end);
    if (neighbour === NONE || this.runs[neighbour * RUN_FIELDS + UNITS]! < more) return false;
    const taken = this.#carve(neighbour, 0, more, LARGE);
    this.unitRun.fill(run + 1, end, end + more);
    this.runs[at + UNITS] = units;
    this.#unusedRuns.push(taken);
    return true;
  }

  /** The chunk that a unit is in. */
  chunkAt(unit: number): HeapChunk {
    return this.#chunks[Math.floor((unit * UNIT_BYTES) / this.#chunkBytes)]!;
  }

  /** Purges what has been free for the decay time. */
  decay(): number {
    const now = this.#timeStep();
    let bytes = 0;
    while (this.#oldest !== NONE) {
      const age = (now - this.runs[this.#oldest * RUN_FIELDS + FREED_AT]!) | 0;
      if (age < this.#decaySteps) break;
      bytes += this.#purgeRun(this.#oldest);
    }
    return bytes;
  }

  /** Purges all that is free. */
  purge(): number {
    let bytes = 0;
    while (this.#oldest !== NONE) bytes += this.#purgeRun(this.#oldest);
    return bytes;
  }

  /** Each free run, for tests: start and units. */
  *freeRuns(): Generator<readonly [start: number, units: number]> {
    for (const head of this.#bins) {
      for (let run = head; run !== NONE; run = this.runs[run * RUN_FIELDS + NEXT]!) {
        yield [this.runs[run * RUN_FIELDS + START]!, this.runs[run * RUN_FIELDS + UNITS]!];
      }
    }
  }

  #afterFree(): void {
    if (this.#decaySteps === 0) this.purge();
    else if (this.#oldest !== NONE) {
      this.decay();
      this.#boundDirty();
    }
  }

  /** Does not wait for the decay time while more than the allowed part of memory lies idle. */
  #boundDirty(): void {
    const activeBytes = this.activeUnits * UNIT_BYTES;
    const dirtyMax = Math.max((activeBytes * this.#dirtyPercentMax) / 100, DIRTY_BYTES_MIN);
    while (this.#oldest !== NONE && this.touchedPages * PAGE_BYTES - activeBytes > dirtyMax)
      this.#purgeRun(this.#oldest);
  }

  /** The best fit: the smallest run that is long enough, and of these the one at the lowest offset. */
  #findFree(units: number): number {
    for (let bin = this.#nextBin(binOf(units)); bin < BINS; bin = this.#nextBin(bin + 1)) {
      let best = NONE;
      let bestUnits = Number.POSITIVE_INFINITY;
      let bestStart = 0;
      let run = this.#bins[bin]!;
      for (let seen = 0; run !== NONE && (seen < SCAN_MAX || best === NONE); seen++) {
        const at = run * RUN_FIELDS;
        const length = this.runs[at + UNITS]!;
        const start = this.runs[at + START]!;
        if (length >= units && (length < bestUnits || (length === bestUnits && start < bestStart))) {
          best = run;
          bestUnits = length;
          bestStart = start;
        }
        run = this.runs[at + NEXT]!;
      }
      if (best !== NONE) return best;
    }
    return NONE;
  }

  #nextBin(from: number): number {
    for (let word = from >>> 5; word < this.#binBits.length; word++) {
      const mask = word === from >>> 5 ? -1 << (from & 31) : -1;
      const bits = this.#binBits[word]! & mask;
      if (bits !== 0) return word * 32 + 31 - Math.clz32(bits & -bits);
    }
    return BINS;
  }

  /** Takes `units` out of a free run, `skip` units from its start; what is left on either side stays free. */
  #carve(free: number, skip: number, units: number, kind: number): number {
    const at = free * RUN_FIELDS;
    const start = this.runs[at + START]!;
    const length = this.runs[at + UNITS]!;
    const after = length - skip - units;
    const first = start + skip;
    this.#unbin(free);
    this.unitRun[start] = 0;
    this.unitRun[start + length - 1] = 0;
    let run = free;
    // The rest keeps the run's number and with it its age.
    if (skip > 0) {
      this.#bin(free, start, skip);
      run = this.#newRun();
      if (after > 0) this.#insertFree(this.#newRun(), first + units, after, free);
    } else if (after > 0) {
      this.#bin(free, first + units, after);
      run = this.#newRun();
    } else {
      this.#unage(free);
    }
    const taken = run * RUN_FIELDS;
    this.runs[taken + START] = first;
    this.runs[taken + UNITS] = units;
    this.runs[taken + KIND] = kind;
    this.unitRun.fill(run + 1, first, first + units);
    this.activeUnits += units;
    this.#touch(first, units);
    return run;
  }

  /**
   * Adds a free run, joined with free neighbours. The whole is as old as its oldest part, so that a busy edge
   * cannot keep a large run from being purged.
   *
   * @param like a run whose age it has, when it was free before
   */
  #insertFree(run: number, start: number, units: number, like = NONE): void {
    const chunk = this.chunkAt(start);
    const before = start > chunk.firstUnit ? this.#freeRunAt(start - 1) : NONE;
    const end = start + units;
    const after = end < chunk.firstUnit + chunk.units ? this.#freeRunAt(end) : NONE;
    this.runs[run * RUN_FIELDS + OLDER] = CLEAN;
    let keep = run;
    let from = start;
    let to = end;
    if (before !== NONE) {
      from = this.runs[before * RUN_FIELDS + START]!;
      this.#forgetEnds(before);
      keep = this.#olderOf(keep, before);
    }
    if (after !== NONE) {
      to = this.runs[after * RUN_FIELDS + START]! + this.runs[after * RUN_FIELDS + UNITS]!;
      this.#forgetEnds(after);
      keep = this.#olderOf(keep, after);
    }
    this.#bin(keep, from, to - from);
    if (this.runs[keep * RUN_FIELDS + OLDER] !== CLEAN) return;
    if (like === NONE) this.#age(keep, this.#timeStep());
    else if (this.runs[like * RUN_FIELDS + OLDER] !== CLEAN) this.#ageLike(keep, like);
  }

  /** The free run that has an end at `unit`. */
  #freeRunAt(unit: number): number {
    const run = this.unitRun[unit]! - 1;
    return run !== NONE && this.runs[run * RUN_FIELDS + KIND] === FREE ? run : NONE;
  }

  /** Takes a free run out of its bin, and its ends out of the table. */
  #forgetEnds(run: number): void {
    const at = run * RUN_FIELDS;
    this.#unbin(run);
    this.unitRun[this.runs[at + START]!] = 0;
    this.unitRun[this.runs[at + START]! + this.runs[at + UNITS]! - 1] = 0;
  }

  /** Of two runs that become one: the number that stays. The other is unused from now on. */
  #olderOf(a: number, b: number): number {
    const cleanA = this.runs[a * RUN_FIELDS + OLDER] === CLEAN;
    const cleanB = this.runs[b * RUN_FIELDS + OLDER] === CLEAN;
    const timeA = this.runs[a * RUN_FIELDS + FREED_AT]!;
    const timeB = this.runs[b * RUN_FIELDS + FREED_AT]!;
    const keepA = cleanB || (!cleanA && ((timeA - timeB) | 0) <= 0);
    const drop = keepA ? b : a;
    this.#unage(drop);
    this.#unusedRuns.push(drop);
    return keepA ? a : b;
  }

  #bin(run: number, start: number, units: number): void {
    const at = run * RUN_FIELDS;
    const bin = binOf(units);
    const head = this.#bins[bin]!;
    this.runs[at + START] = start;
    this.runs[at + UNITS] = units;
    this.runs[at + KIND] = FREE;
    this.runs[at + NEXT] = head;
    this.runs[at + PREVIOUS] = NONE;
    if (head !== NONE) this.runs[head * RUN_FIELDS + PREVIOUS] = run;
    this.#bins[bin] = run;
    this.#binBits[bin >>> 5]! |= 1 << (bin & 31);
    this.unitRun[start] = run + 1;
    this.unitRun[start + units - 1] = run + 1;
  }

  #unbin(run: number): void {
    const at = run * RUN_FIELDS;
    const bin = binOf(this.runs[at + UNITS]!);
    const next = this.runs[at + NEXT]!;
    const previous = this.runs[at + PREVIOUS]!;
    if (next !== NONE) this.runs[next * RUN_FIELDS + PREVIOUS] = previous;
    if (previous !== NONE) this.runs[previous * RUN_FIELDS + NEXT] = next;
    else {
      this.#bins[bin] = next;
      if (next === NONE) this.#binBits[bin >>> 5]! &= ~(1 << (bin & 31));
    }
  }

  /** Puts a run at the young end of the list by age. */
  #age(run: number, time: number): void {
    const at = run * RUN_FIELDS;
    this.runs[at + FREED_AT] = time;
    this.runs[at + NEWER] = NONE;
    this.runs[at + OLDER] = this.#newest;
    if (this.#newest !== NONE) this.runs[this.#newest * RUN_FIELDS + NEWER] = run;
    else this.#oldest = run;
    this.#newest = run;
  }

  /** Puts a run beside another in the list by age. */
  #ageLike(run: number, like: number): void {
    const at = run * RUN_FIELDS;
    const newer = this.runs[like * RUN_FIELDS + NEWER]!;
    this.runs[at + FREED_AT] = this.runs[like * RUN_FIELDS + FREED_AT]!;
    this.runs[at + OLDER] = like;
    this.runs[at + NEWER] = newer;
    this.runs[like * RUN_FIELDS + NEWER] = run;
    if (newer !== NONE) this.runs[newer * RUN_FIELDS + OLDER] = run;
    else this.#newest = run;
  }

  #unage(run: number): void {
    const at = run * RUN_FIELDS;
    const older = this.runs[at + OLDER]!;
    if (older === CLEAN) return;
    const newer = this.runs[at + NEWER]!;
    if (older !== NONE) this.runs[older * RUN_FIELDS + NEWER] = newer;
    else this.#oldest = newer;
    if (newer !== NONE) this.runs[newer * RUN_FIELDS + OLDER] = older;
    else this.#newest = older;
    this.runs[at + OLDER] = CLEAN;
  }

  /** Drops the whole pages of a free run, or the chunk when it is all of it. Returns the bytes that went. */
  #purgeRun(run: number): number {
    this.#unage(run);
    const at = run * RUN_FIELDS;
    const start = this.runs[at + START]!;
    const units = this.runs[at + UNITS]!;
    const chunk = this.chunkAt(start);
    if (units === chunk.units && !this.#fixed) {
      this.#forgetEnds(run);
      this.#unusedRuns.push(run);
      return this.#unmap(chunk);
    }
    if (this.#source.purge === undefined) return 0;
    const end = Math.floor((start + units) / UNITS_PER_PAGE);
    let bytes = 0;
    let page = Math.ceil(start / UNITS_PER_PAGE);
    while (page < end) {
      let touched = 0;
      while (page + touched < end && this.#isTouched(page + touched)) touched++;
      if (touched > 0) {
        this.#untouch(page, touched);
        this.#source.purge(
          chunk.memory,
          page * PAGE_BYTES - chunk.firstUnit * UNIT_BYTES,
          touched * PAGE_BYTES,
        );
        bytes += touched * PAGE_BYTES;
      }
      page += touched + 1;
    }
    return bytes;
  }

  #isTouched(page: number): boolean {
    return (this.#touched[page >>> 5]! & (1 << (page & 31))) !== 0;
  }

  #touch(start: number, units: number): void {
    const end = Math.ceil((start + units) / UNITS_PER_PAGE);
    for (let page = Math.floor(start / UNITS_PER_PAGE); page < end; page++) {
      const bit = 1 << (page & 31);
      if ((this.#touched[page >>> 5]! & bit) !== 0) continue;
      this.#touched[page >>> 5]! |= bit;
      this.touchedPages++;
    }
    if (this.touchedPages > this.touchedPagesMax) this.touchedPagesMax = this.touchedPages;
  }

  #untouch(page: number, pages: number): void {
    for (let i = page; i < page + pages; i++) {
      if (!this.#isTouched(i)) continue;
      this.#touched[i >>> 5]! &= ~(1 << (i & 31));
      this.touchedPages--;
    }
  }

  /** Maps a chunk with room for `units`, as one free run. False when that would pass the limit. */
  #map(units: number): boolean {
    const chunkBytes = this.#chunkBytes;
    const strides = Math.ceil((units * UNIT_BYTES) / chunkBytes);
    const room = Math.floor((this.limitBytes - this.reservedBytes) / PAGE_BYTES) * PAGE_BYTES;
    // The last chunk may be shorter, as long as what is asked for fits.
    const size = Math.min(strides * chunkBytes, room);
    if (size < units * UNIT_BYTES) return false;
    const stride = this.#findStrides(strides);
    if ((stride + strides) * chunkBytes > 2 ** 32) return false;
    const memory = this.#source.map(size);
    const bytes = bytesOf(this.#structure, memory);
    if (bytes.length < size) {
      throw new AllocError(
        "TZ_ALLOC_REGION",
        `${this.#structure}: the chunk source was asked for ${size} bytes and gave ${bytes.length}`,
      );
    }
    this.#onMap?.(bytes.subarray(0, size));
    const firstUnit = (stride * chunkBytes) / UNIT_BYTES;
    const chunk: HeapChunk = { memory, bytes, firstUnit, units: size / UNIT_BYTES };
    for (let i = stride; i < stride + strides; i++) this.#chunks[i] = chunk;
    this.reservedBytes += size;
    const unitsEnd = ((stride + strides) * chunkBytes) / UNIT_BYTES;
    if (unitsEnd > this.unitRun.length) {
      const larger =
        this.unitRun instanceof Uint16Array ? new Uint16Array(unitsEnd) : new Uint32Array(unitsEnd);
      larger.set(this.unitRun);
      this.unitRun = larger;
    }
    this.#touched = grown(this.#touched, Math.ceil(unitsEnd / UNITS_PER_PAGE / 32));
    const run = this.#newRun();
    this.runs[run * RUN_FIELDS + OLDER] = CLEAN;
    this.#bin(run, firstUnit, chunk.units);
    return true;
  }

  #unmap(chunk: HeapChunk): number {
    const stride = (chunk.firstUnit * UNIT_BYTES) / this.#chunkBytes;
    for (let i = stride; this.#chunks[i] === chunk; i++) this.#chunks[i] = undefined;
    const before = this.touchedPages;
    this.#untouch(chunk.firstUnit / UNITS_PER_PAGE, chunk.units / UNITS_PER_PAGE);
    const bytes = chunk.units * UNIT_BYTES;
    this.reservedBytes -= bytes;
    this.#source.unmap?.(chunk.memory);
    return (before - this.touchedPages) * PAGE_BYTES;
  }

  /** Where `count` strides in a row have no chunk, lowest first. */
  #findStrides(count: number): number {
    let from = 0;
    for (let i = 0; i < this.#chunks.length && i - from < count; i++) {
      if (this.#chunks[i] !== undefined) from = i + 1;
    }
    return from;
  }

  #newRun(): number {
    const unused = this.#unusedRuns.pop();
    if (unused !== undefined) return unused;
    const run = this.#runCount++;
    if (run === 0xffff) this.unitRun = Uint32Array.from(this.unitRun);
    this.runs = grown(this.runs, this.#runCount * RUN_FIELDS);
    return run;
  }

  #timeStep(): number {
    return Math.floor((this.#now() - this.#startMs) / TIME_STEP_MS) | 0;
  }
}

function binOf(units: number): number {
  if (units <= EXACT_UNITS) return units - 1;
  const power = 31 - Math.clz32(units);
  return EXACT_UNITS + (power - 6) * 8 + ((units >>> (power - 3)) & 7);
}

/** The array when it has `length`, or a copy with that and a little more: bookkeeping counts as mapped memory. */
export function grown(array: Int32Array<ArrayBuffer>, length: number): Int32Array<ArrayBuffer> {
  if (length <= array.length) return array;
  const larger = new Int32Array(length + (length >>> 5) + 64);
  larger.set(array);
  return larger;
}
