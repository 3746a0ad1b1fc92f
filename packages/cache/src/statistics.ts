import { CacheError, shown } from "./errors.js";
import { HitWindows, WINDOWS_MS, type WindowName } from "./hit-windows.js";

/** What is counted, in the order of a row. All only grow, except the last two. */
export const COUNTERS = [
  "hits",
  "misses",
  "staleHits",
  "negativeHits",
  "staleOnError",
  "sets",
  "rejected",
  "loads",
  "loadFailures",
  "loadTimeouts",
  "loadsDropped",
  "evictedBytes",
  "evictedEntries",
  "evictedAdmission",
  "expirations",
  "replaced",
  "deleted",
  "invalidated",
  "cleared",
  "bytes",
  "entries",
] as const;

export type CounterName = (typeof COUNTERS)[number];
export type Counts = Readonly<Record<CounterName, number>>;

/** Places in a row by name: `COUNTER.hits`. */
export const COUNTER = Object.fromEntries(COUNTERS.map((name, index) => [name, index])) as Readonly<
  Record<CounterName, number>
>;

export interface StatisticsReport extends Counts {
  /** Answers without a load, divided by requests, since the start; `undefined` before the first request. */
  readonly hitRatio: number | undefined;
  readonly hitRatioByWindow: Readonly<Record<WindowName, number | undefined>>;
}

export interface StatisticsPlace {
  /** Any shared memory: a `SharedArrayBuffer` between threads, a mapping between processes. */
  readonly buffer: ArrayBufferLike;
  /** Which row of it belongs to this cache in this thread. */
  readonly row: number;
}

/** A counter is 64 bits; a row is padded to whole cache lines, so that threads do not share one. */
const COUNTER_BYTES = 8;
const ROW_BYTES = Math.ceil((COUNTERS.length * COUNTER_BYTES) / 64) * 64;

/** After so many requests the counts are written to shared memory. */
const FLUSH_REQUESTS = 256;

/**
 * The counters of one cache in one thread, in one row of a buffer that others may read at any time.
 *
 * Counting is a plain addition in this thread's own memory. What has piled up goes to the shared row by
 * `Atomics.add` every 256 requests and whenever this thread reads; another thread sees counts that are at most that
 * much behind, and never a half-written one.
 */
export class CacheStatistics {
  /** Bytes of a buffer with so many rows. */
  static byteLength(rows: number): number {
    return rows * ROW_BYTES;
  }

  /** The counts of one row. Any thread or process may call it. */
  static read(buffer: ArrayBufferLike, row: number): Counts {
    const counters = rowCounters(buffer, row);
    return Object.fromEntries(
      COUNTERS.map((name, index) => [name, Number(Atomics.load(counters, index))]),
    ) as Counts;
  }

  /** The sum over all rows of a buffer. */
  static total(buffer: ArrayBufferLike): Counts {
    const rows = Array.from({ length: Math.floor(buffer.byteLength / ROW_BYTES) }, (_, row) =>
      CacheStatistics.read(buffer, row),
    );
    return Object.fromEntries(
      COUNTERS.map((name) => [name, rows.reduce((sum, row) => sum + row[name], 0)]),
    ) as Counts;
  }

  /** Where this row is. */
  readonly place: StatisticsPlace;
  readonly #row: BigInt64Array;
  readonly #pending = new Float64Array(COUNTERS.length);
  readonly #windows = new HitWindows();
  readonly #now: () => number;
  #untilFlush = FLUSH_REQUESTS;

  /** @throws CacheError `TZ_CACHE_STATISTICS` */
  constructor(place: StatisticsPlace | undefined, now: () => number) {
    this.place = place ?? { buffer: new SharedArrayBuffer(ROW_BYTES), row: 0 };
    this.#row = rowCounters(this.place.buffer, this.place.row);
    this.#now = now;
    this.#windows.sample(now(), ...this.#requests());
  }

  add(counter: number, count = 1): void {
    this.#pending[counter]! += count;
  }

  /** Counts a request. @returns true when it is time to {@link flush} */
  request(counter: number): boolean {
    this.#pending[counter]!++;
    return --this.#untilFlush <= 0;
  }

  /** Writes everything to the shared row. */
  flush(bytes: number, entries: number): void {
    this.#untilFlush = FLUSH_REQUESTS;
    const pending = this.#pending;
    for (let index = 0; index < pending.length; index++) {
      if (pending[index] === 0) continue;
      Atomics.add(this.#row, index, BigInt(pending[index]!));
      pending[index] = 0;
    }
    Atomics.store(this.#row, COUNTER.bytes, BigInt(bytes));
    Atomics.store(this.#row, COUNTER.entries, BigInt(entries));
    this.#windows.sample(this.#now(), ...this.#requests());
  }

  /** The counts of this row with hit ratios. Flush first. */
  report(): StatisticsReport {
    const counts = CacheStatistics.read(this.place.buffer, this.place.row);
    const [hits, requests] = this.#requests();
    const nowMs = this.#now();
    const ratios = Object.keys(WINDOWS_MS).map((name) => [
      name,
      this.#windows.ratio(name as WindowName, nowMs, hits, requests),
    ]);
    return {
      ...counts,
      hitRatio: requests > 0 ? hits / requests : undefined,
      hitRatioByWindow: Object.fromEntries(ratios),
    };
  }

  /** Answers without a load, and all requests. */
  #requests(): [hits: number, requests: number] {
    const read = (name: CounterName): number => Number(Atomics.load(this.#row, COUNTER[name]));
    const hits = read("hits") + read("staleHits") + read("negativeHits");
    return [hits, hits + read("misses")];
  }
}

function rowCounters(buffer: ArrayBufferLike, row: number): BigInt64Array {
  const rows = Math.floor(buffer.byteLength / ROW_BYTES);
  if (Number.isInteger(row) && row >= 0 && row < rows)
    return new BigInt64Array(buffer, row * ROW_BYTES, ROW_BYTES / COUNTER_BYTES);
  throw new CacheError(
    "TZ_CACHE_STATISTICS",
    `statistics row ${shown(row)} is not in a buffer of ${rows} rows`,
  );
}
