import { SharedSlabPool, type SharedSlabPoolLayout } from "@tz/alloc";
import { CacheError, shown } from "../errors.js";
import { KiB, MiB, numberOption, refuseUnknown, SHARED_CACHE_NUMBERS } from "../options.js";
import { UNIT_BYTES } from "./size-classes.js";

/** Defaults and bounds are in `SHARED_CACHE_NUMBERS`. */
export interface SharedCacheOptions {
  /** Memory for entries, 1 MiB to 10 GiB. Nothing is touched before it is used. */
  maxBytes?: number | undefined;
  /** Largest key + value. Default 128 KiB, or a page where that is less. */
  maxEntryBytes?: number | undefined;
  /** Entries at most; 0 for one in each 4 KiB of `maxBytes`. */
  maxEntries?: number | undefined;
  /** Threads or processes that are attached at one time. */
  maxWorkers?: number | undefined;
}

/** 32-bit words of the header. What readers read and what writers write stand on different cache lines. */
export const HEADER = {
  magic: 0,
  version: 1,
  maxEntries: 2,
  maxWorkers: 5,
  pageBytes: 6,
  pages: 7,
  hashSeed: 9,
  maxEntryBytes: 10,
  /** Rows of workers that were ever used: a scan of pins ends here. */
  rowsUsed: 11,

  /** Who holds the writer lock: 64 bits, 0 for nobody. And whether he is in the middle of a change. */
  lock: 32,
  lockDirty: 34,
  /** Entries were given up without the lock. */
  sweepWanted: 35,

  /** Counts up with each `invalidateAll`. */
  globalEpoch: 64,

  /** From here on only the writer reads and writes. */
  sequence: 96,
  /** By queue: small, main. */
  newest: 110,
  oldest: 112,
  smallUnits: 114,
  freeRecords: 100,
  /** Records from here on were never used. */
  recordsUsed: 101,
  retired: 102,
  liveEntries: 103,
  /** In units: bytes of all blocks that are taken. */
  usedUnits: 104,
  emptyPages: 105,
  /** Pages that came from the pool so far. */
  pagesTaken: 106,
  /** First page with a free slot, by class. */
  partialPages: 128,
} as const;

export const HEADER_WORDS = 256;
export const MAGIC = 0x545a4343;
export const LAYOUT_VERSION = 1;

/** A record is one cache line. */
export const RECORD_WORDS = 16;
export const RECORD_SHIFT = 4;
/** Words of a worker's row. */
export const WORKER_WORDS = 16;
/** Counters of a worker, 64 bits each. */
export const WORKER_COUNTERS = 16;
export const PAGE_WORDS = 8;

/** A pool holds at most 4 GiB; less, so that its bookkeeping fits too. */
const SEGMENT_BYTES_MAX = 1024 * MiB;
const PAGE_BYTES_MIN = 64 * KiB;
const PAGE_BYTES_DEFAULT_MAX = MiB;
/** A budget is at least so many pages, that size classes do not starve each other. */
const PAGES_MIN = 4;
const PAGES_WANTED = 64;
const BYTES_AN_ENTRY = 4 * KiB;

/** Where everything is in the memory, in bytes from its start. */
export interface SharedLayout {
  readonly maxBytes: number;
  readonly maxEntryBytes: number;
  readonly maxEntries: number;
  readonly maxWorkers: number;
  readonly buckets: number;
  readonly epochs: number;
  readonly pageBytes: number;
  readonly pages: number;
  readonly pagesPerSegment: number;
  readonly workersAt: number;
  readonly countersAt: number;
  readonly headsAt: number;
  readonly epochsAt: number;
  readonly recordsAt: number;
  readonly ghostsAt: number;
  readonly usesAt: number;
  readonly queuesAt: number;
  readonly pinsAt: number;
  readonly pageTableAt: number;
  /** Where each pool of pages begins. */
  readonly segmentsAt: readonly number[];
  readonly byteLength: number;
}

/** @throws CacheError `TZ_CACHE_OPTION` */
export function layoutOf(options: SharedCacheOptions): SharedLayout {
  const owner = "SharedCache";
  refuseUnknown(owner, options, Object.keys(SHARED_CACHE_NUMBERS));
  const number = (name: keyof typeof SHARED_CACHE_NUMBERS): number =>
    numberOption(owner, name, options[name], SHARED_CACHE_NUMBERS[name]);
  const maxBytes = number("maxBytes");
  const wantedPage = Math.min(
    PAGE_BYTES_DEFAULT_MAX,
    Math.max(PAGE_BYTES_MIN, floorPowerOfTwo(maxBytes / PAGES_WANTED)),
  );
  const entryGiven = options.maxEntryBytes !== undefined;
  const maxEntryBytes = entryGiven
    ? number("maxEntryBytes")
    : Math.min(number("maxEntryBytes"), wantedPage - UNIT_BYTES);
  const pageBytes = Math.max(wantedPage, floorPowerOfTwo((maxEntryBytes + UNIT_BYTES) * 2 - 1));
  if (pageBytes * PAGES_MIN > maxBytes) {
    const message = `${owner}: option "maxEntryBytes" is ${shown(maxEntryBytes)}, too much for a budget of ${maxBytes} bytes: at most ${floorPowerOfTwo(maxBytes / PAGES_MIN) - UNIT_BYTES}`;
    throw new CacheError("TZ_CACHE_OPTION", message);
  }
  return layoutFrom({
    maxEntryBytes,
    pageBytes,
    pages: Math.floor(maxBytes / pageBytes),
    maxEntries: number("maxEntries") || Math.max(1024, Math.ceil(maxBytes / BYTES_AN_ENTRY)),
    maxWorkers: number("maxWorkers"),
  });
}

export type LayoutNumbers = Pick<
  SharedLayout,
  "maxEntryBytes" | "pageBytes" | "pages" | "maxEntries" | "maxWorkers"
>;

/** The rest of the layout, which follows from five numbers. */
export function layoutFrom(numbers: LayoutNumbers): SharedLayout {
  const { maxEntries, maxWorkers, pageBytes, pages } = numbers;
  const buckets = 2 * floorPowerOfTwo(maxEntries);
  const epochs = 4 * floorPowerOfTwo(maxEntries);
  let end = HEADER_WORDS * 4;
  const place = (bytes: number, alignment = 128): number => {
    const start = Math.ceil(end / alignment) * alignment;
    end = start + bytes;
    return start;
  };
  const workersAt = place(maxWorkers * WORKER_WORDS * 4);
  const countersAt = place(maxWorkers * WORKER_COUNTERS * 8);
  const headsAt = place(buckets * 4);
  const epochsAt = place(epochs * 4);
  const recordsAt = place(maxEntries * RECORD_WORDS * 4);
  const ghostsAt = place(buckets * 4);
  const usesAt = place(maxEntries);
  const queuesAt = place(maxEntries);
  const pinsAt = place(maxWorkers * maxEntries * 4);
  const pageTableAt = place(pages * PAGE_WORDS * 4);
  const pagesPerSegment = Math.max(1, Math.min(pages, Math.floor(SEGMENT_BYTES_MAX / pageBytes)));
  const segmentsAt: number[] = [];
  for (let first = 0; first < pages; first += pagesPerSegment) {
    const capacity = Math.min(pagesPerSegment, pages - first);
    segmentsAt.push(place(SharedSlabPool.bytesFor(segmentLayout(pageBytes, capacity)), 4096));
  }
  return {
    ...numbers,
    maxBytes: pages * pageBytes,
    buckets,
    epochs,
    pagesPerSegment,
    workersAt,
    countersAt,
    headsAt,
    epochsAt,
    recordsAt,
    ghostsAt,
    usesAt,
    queuesAt,
    pinsAt,
    pageTableAt,
    segmentsAt,
    byteLength: Math.ceil(end / 4096) * 4096,
  };
}

export function segmentLayout(pageBytes: number, capacity: number): SharedSlabPoolLayout {
  return { slotBytes: pageBytes, capacity, alignmentBytes: 4096 };
}

/** How many pages the pool of a segment has. */
export function segmentPages(layout: SharedLayout, segment: number): number {
  return Math.min(layout.pagesPerSegment, layout.pages - segment * layout.pagesPerSegment);
}

function floorPowerOfTwo(value: number): number {
  return 2 ** Math.floor(Math.log2(value));
}
