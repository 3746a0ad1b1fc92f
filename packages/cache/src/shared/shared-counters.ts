/** What each worker counts, in the order of its row. */
export const SHARED_COUNTERS = [
  "hits",
  "misses",
  "inserts",
  "replaced",
  "evictions",
  "invalidations",
  "droppedInvalidated",
  "rejectedSize",
  "rejectedFull",
  "rejectedBusy",
  "recoveredWorkers",
  "repairs",
] as const;

export type SharedCounterName = (typeof SHARED_COUNTERS)[number];
export type SharedCounts = Readonly<Record<SharedCounterName, number>>;

export const SHARED_COUNTER = Object.fromEntries(
  SHARED_COUNTERS.map((name, index) => [name, index]),
) as Readonly<Record<SharedCounterName, number>>;

/** After so many requests the counts are written to shared memory. */
const FLUSH_REQUESTS = 256;

/** One worker's counters: added up here, flushed to its row by `Atomics.add`. */
export class SharedCounters {
  readonly #row: BigInt64Array;
  readonly #pending = new Float64Array(SHARED_COUNTERS.length);
  #untilFlush = FLUSH_REQUESTS;

  constructor(row: BigInt64Array) {
    this.#row = row;
  }

  static read(row: BigInt64Array): SharedCounts {
    return Object.fromEntries(
      SHARED_COUNTERS.map((name, index) => [name, Number(Atomics.load(row, index))]),
    ) as SharedCounts;
  }

  add(counter: number, count = 1): void {
    this.#pending[counter]! += count;
  }

  request(counter: number): void {
    this.#pending[counter]!++;
    if (--this.#untilFlush <= 0) this.flush();
  }

  flush(): void {
    this.#untilFlush = FLUSH_REQUESTS;
    for (let index = 0; index < this.#pending.length; index++) {
      if (this.#pending[index] === 0) continue;
      Atomics.add(this.#row, index, BigInt(this.#pending[index]!));
      this.#pending[index] = 0;
    }
  }
}
