/**
 * Where the counters lie. All words are 32 bits, cells are two words (low first); every worker has one block.
 *
 * ```
 *   table:  header, 16 words │ block of worker 0 │ block of worker 1 │ …
 *   header: magic │ version │ words per block │ blocks │ …
 *   block:  sequence │ pid │ state │ start (s since 1970) │ scalars │ gauges │ statuses 100 … 599 │
 *           latency buckets │ lag buckets │ routes │ mounts │ arenas │ paths
 * ```
 */
import { BUCKETS } from "./latency-buckets.js";
import { type RowShape, rowWords } from "./named-rows.js";

export const MAGIC = 0x747a_7374;
export const VERSION = 2;

export const HEADER = { magic: 0, version: 1, blockWords: 2, blocks: 3 } as const;
export const HEADER_WORDS = 16;

/** Words of a block that are no cells. */
export const BLOCK = { sequence: 0, pid: 1, state: 2, startedAt: 3 } as const;
const BLOCK_HEAD_WORDS = 16;

export const WORKER_STATES = ["unused", "serving", "draining", "ended"] as const;
export type WorkerState = (typeof WORKER_STATES)[number];

/** Counted as things happen; they only grow. */
export const COUNTERS = [
  "bytesIn",
  "bytesOut",
  "accepted",
  "closed",
  "aborted",
  "errors",
  "lagUnits",
  "turns",
  "activeMs",
  "idleMs",
  "tlsHandshakes",
  "tlsResumed",
  "tlsFailed",
] as const;
export type Counter = (typeof COUNTERS)[number];

/** As of the last time that the worker looked, at most a second ago. */
export const GAUGES = [
  "idle",
  "reading",
  "handling",
  "writing",
  "closing",
  "upgraded",
  "timers",
  "inFlight",
  "rssBytes",
  "heapUsedBytes",
  "heapTotalBytes",
  "externalBytes",
  "arrayBufferBytes",
  "ioBytes",
  "http2Sessions",
] as const;
export type Gauge = (typeof GAUGES)[number];

export const STATUS_MIN = 100;
const STATUSES = 500;

/** What is counted for each route; answers by the first digit of their status, which may be anything else. */
export const ROUTE_COLUMNS = [
  "otherwise",
  "informational",
  "successful",
  "redirected",
  "refused",
  "failed",
  "bodyBytes",
  "latencyUnits",
] as const;
export const MOUNT_COLUMNS = ["requests", "hits", "entries", "bytes", "fds", "evictions"] as const;

/** Memory by who holds it. */
export const ARENA_COLUMNS = ["allocatedBytes", "mappedBytes", "live"] as const;
/** Paths of late, most wanted first. */
export const PATH_COLUMNS = ["perMinute"] as const;

export const SHAPES = {
  routes: { rows: 64, nameBytes: 120, columns: ROUTE_COLUMNS.length },
  mounts: { rows: 16, nameBytes: 120, columns: MOUNT_COLUMNS.length },
  arenas: { rows: 16, nameBytes: 60, columns: ARENA_COLUMNS.length },
  paths: { rows: 16, nameBytes: 252, columns: PATH_COLUMNS.length },
} as const satisfies Record<string, RowShape>;

function place(): { readonly at: Readonly<Record<Part, number>>; readonly words: number } {
  const sizes: Record<Part, number> = {
    counters: COUNTERS.length * 2,
    gauges: GAUGES.length * 2,
    statuses: STATUSES * 2,
    latency: BUCKETS * 2,
    lag: BUCKETS * 2,
    routes: SHAPES.routes.rows * rowWords(SHAPES.routes),
    mounts: SHAPES.mounts.rows * rowWords(SHAPES.mounts),
    arenas: SHAPES.arenas.rows * rowWords(SHAPES.arenas),
    paths: SHAPES.paths.rows * rowWords(SHAPES.paths),
  };
  let words = BLOCK_HEAD_WORDS;
  const at = {} as Record<Part, number>;
  for (const [part, size] of Object.entries(sizes) as [Part, number][]) {
    at[part] = words;
    // Parts begin on cache lines: 16 words.
    words += Math.ceil(size / 16) * 16;
  }
  return { at, words };
}

type Part = "counters" | "gauges" | "statuses" | "latency" | "lag" | "routes" | "mounts" | "arenas" | "paths";

const placed = place();
/** First word of each part of a block. */
export const PARTS = placed.at;
export const BLOCK_WORDS = placed.words;

export const COUNTER_CELL = cellsOf(COUNTERS, PARTS.counters);
export const GAUGE_CELL = cellsOf(GAUGES, PARTS.gauges);

function cellsOf<Name extends string>(names: readonly Name[], start: number): Readonly<Record<Name, number>> {
  return Object.fromEntries(names.map((name, i) => [name, start + i * 2])) as Record<Name, number>;
}
