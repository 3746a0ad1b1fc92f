import { HEADER } from "./layout.js";
import type { SharedViews } from "./shared-memory.js";

/**
 * Who is using which entry: a count for each worker and entry.
 *
 * ```
 *             entry 0   1   2   3   4 …
 *   worker 0  │   0 │ 2 │ 0 │ 0 │ 1 │      written by worker 0 alone
 *   worker 1  │   0 │ 0 │ 0 │ 1 │ 0 │      written by worker 1 alone
 * ```
 *
 * A worker writes its own row only, so pins cost no contention, and what a dead worker had pinned is its row: it is
 * set to 0. Pages of the table that were never used take no memory.
 *
 * A pin counts only if the entry is still LIVE when looked at *after* the count was stored; the writer makes an entry
 * RETIRED *before* it looks at the counts. One of the two sees the other (both accesses are sequentially consistent).
 */
export class PinTable {
  /** The counts of this worker. */
  readonly own: Int32Array;
  readonly #rows: readonly Int32Array[];
  readonly #header: Int32Array;

  constructor({ pins, header }: SharedViews, row: number) {
    this.#rows = pins;
    this.#header = header;
    this.own = pins[row]!;
  }

  /** Whether any worker pins an entry. */
  isPinned(record: number): boolean {
    const rows = Atomics.load(this.#header, HEADER.rowsUsed);
    for (let row = 0; row < rows; row++) if (Atomics.load(this.#rows[row]!, record) !== 0) return true;
    return false;
  }

  /** How many pins a worker has. */
  count(row: number): number {
    let sum = 0;
    for (const count of this.#rows[row]!) sum += count;
    return sum;
  }

  /** Lets go of all that a worker had pinned. It must be dead. */
  clear(row: number): void {
    const pins = this.#rows[row]!;
    // Only what is set: writing a 0 would make the kernel find memory for it.
    for (let record = 0; record < pins.length; record++)
      if (pins[record] !== 0) Atomics.store(pins, record, 0);
  }
}
