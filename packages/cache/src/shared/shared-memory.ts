import type { MemorySource } from "@tz/alloc";
import { CacheError, shown } from "../errors.js";
import {
  HEADER,
  HEADER_WORDS,
  LAYOUT_VERSION,
  layoutFrom,
  MAGIC,
  type SharedLayout,
  WORKER_COUNTERS,
  WORKER_WORDS,
} from "./layout.js";

/** A stretch of a buffer of any size: Node 20 makes no view of more than 4 GiB, so there is no view of the whole. */
export interface Stretch {
  readonly buffer: ArrayBufferLike;
  readonly byteOffset: number;
  readonly byteLength: number;
}

/** @throws CacheError `TZ_CACHE_BUFFER` */
export function stretchOf(memory: MemorySource): Stretch {
  const stretch = findStretch(memory);
  if (stretch !== undefined && stretch.byteOffset % 64 === 0) return stretch;
  const why =
    stretch === undefined ? shown(memory) : `one that begins at ${stretch.byteOffset} of its buffer`;
  throw new CacheError(
    "TZ_CACHE_BUFFER",
    `memory must be a buffer, a view or a region that begins at a multiple of 64, got ${why}`,
  );
}

function findStretch(memory: MemorySource): Stretch | undefined {
  if (ArrayBuffer.isView(memory)) return memory;
  if (isBuffer(memory)) return { buffer: memory, byteOffset: 0, byteLength: memory.byteLength };
  if (typeof memory !== "object" || memory === null) return undefined;
  if ("bytes" in memory && memory.bytes instanceof Uint8Array) return memory.bytes;
  if ("buffer" in memory && isBuffer(memory.buffer))
    return { buffer: memory.buffer, byteOffset: 0, byteLength: memory.buffer.byteLength };
  return undefined;
}

function isBuffer(value: unknown): value is ArrayBufferLike {
  return value instanceof ArrayBuffer || value instanceof SharedArrayBuffer;
}

/** All parts of the memory but the pages, as arrays of words. */
export interface SharedViews {
  readonly stretch: Stretch;
  readonly layout: SharedLayout;
  readonly header: Int32Array;
  readonly workers: Int32Array;
  readonly heads: Int32Array;
  readonly epochs: Int32Array;
  readonly records: Int32Array;
  /** Hashes of entries that went lately. */
  readonly ghosts: Int32Array;
  /** Of each entry, how often it was used, up to 3. */
  readonly uses: Uint8Array;
  /** Of each entry, which queue it is in. */
  readonly queues: Uint8Array;
  /** One row of counts by entry for each worker. */
  readonly pins: readonly Int32Array[];
  readonly pageTable: Int32Array;
}

export function viewsOf(stretch: Stretch, layout: SharedLayout): SharedViews {
  const words = (at: number, count: number): Int32Array =>
    new Int32Array(stretch.buffer, stretch.byteOffset + at, count);
  const { maxEntries, maxWorkers } = layout;
  return {
    stretch,
    layout,
    header: words(0, HEADER_WORDS),
    workers: words(layout.workersAt, maxWorkers * WORKER_WORDS),
    heads: words(layout.headsAt, layout.buckets),
    epochs: words(layout.epochsAt, layout.epochs),
    records: words(layout.recordsAt, maxEntries * 16),
    ghosts: words(layout.ghostsAt, layout.buckets),
    uses: new Uint8Array(stretch.buffer, stretch.byteOffset + layout.usesAt, maxEntries),
    queues: new Uint8Array(stretch.buffer, stretch.byteOffset + layout.queuesAt, maxEntries),
    pins: Array.from({ length: maxWorkers }, (_, row) =>
      words(layout.pinsAt + row * maxEntries * 4, maxEntries),
    ),
    pageTable: words(layout.pageTableAt, layout.pages * 8),
  };
}

/** The counters of one worker's row. */
export function countersOf({ stretch, layout }: SharedViews, row: number): BigInt64Array {
  const at = stretch.byteOffset + layout.countersAt + row * WORKER_COUNTERS * 8;
  return new BigInt64Array(stretch.buffer, at, WORKER_COUNTERS);
}

/** The views of a cache that was made in this memory. @throws CacheError `TZ_CACHE_BUFFER` */
export function openViews(memory: MemorySource): SharedViews {
  const stretch = stretchOf(memory);
  const refuse = (why: string): never => {
    throw new CacheError("TZ_CACHE_BUFFER", `memory holds no shared cache of this version: ${why}`);
  };
  if (stretch.byteLength < HEADER_WORDS * 4) refuse(`it has ${stretch.byteLength} bytes`);
  const header = new Int32Array(stretch.buffer, stretch.byteOffset, HEADER_WORDS);
  if (Atomics.load(header, HEADER.magic) !== MAGIC) refuse("create it first");
  if (header[HEADER.version] !== LAYOUT_VERSION) refuse(`version ${header[HEADER.version]}`);
  const layout = layoutFrom({
    maxEntries: header[HEADER.maxEntries]!,
    maxWorkers: header[HEADER.maxWorkers]!,
    maxEntryBytes: header[HEADER.maxEntryBytes]!,
    pageBytes: header[HEADER.pageBytes]!,
    pages: header[HEADER.pages]!,
  });
  if (stretch.byteLength < layout.byteLength)
    refuse(`it has ${stretch.byteLength} of ${layout.byteLength} bytes`);
  return viewsOf(stretch, layout);
}
