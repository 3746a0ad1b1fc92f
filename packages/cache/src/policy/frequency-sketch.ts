import { mix32 } from "./key-hash.js";

/** A counter has 4 bits. */
const COUNT_MAX = 15;
const ROWS = 4;
const WORDS_MIN = 64;
/** One odd multiplier a row, so that two keys that meet in one row part in the others. */
const ROW_SEEDS = [0x9e3779b1, 0x85ebca77, 0xc2b2ae3d, 0x27d4eb2f] as const;

/**
 * How often keys were seen lately, in 4 bits a counter: a count-min sketch with conservative ageing (TinyLFU,
 * Einziger et al. 2017). Four rows share one table of 32-bit words, eight counters a word; the estimate of a key is the
 * least of its four counters. After ten times as many additions as there are words all counters are halved, so that
 * what was popular yesterday does not stay for ever.
 *
 * ```
 *   hash ─┬▶ row 0 ─▶ word, counter 0 or 4 ┐
 *         ├▶ row 1 ─▶ word, counter 1 or 5 ├─ min ─▶ estimate, never below the true (aged) count
 *         ├▶ row 2 ─▶ word, counter 2 or 6 │
 *         └▶ row 3 ─▶ word, counter 3 or 7 ┘
 * ```
 */
export class FrequencySketch {
  #table = new Int32Array(WORDS_MIN);
  #additions = 0;

  /** Makes place for `entries` keys. Doubles the table and keeps the counts: each half starts as the old whole. */
  ensureCapacity(entries: number): void {
    while (this.#table.length < entries) {
      const doubled = new Int32Array(this.#table.length * 2);
      doubled.set(this.#table);
      doubled.set(this.#table, this.#table.length);
      this.#table = doubled;
    }
  }

  get byteLength(): number {
    return this.#table.byteLength;
  }

  increment(hash: number): void {
    const table = this.#table;
    const mask = table.length - 1;
    let added = false;
    for (let row = 0; row < ROWS; row++) {
      const bits = mix32(Math.imul(hash, ROW_SEEDS[row]!));
      const index = (bits >>> 1) & mask;
      const shift = (row + ((bits & 1) << 2)) << 2;
      const word = table[index]!;
      if (((word >>> shift) & COUNT_MAX) === COUNT_MAX) continue;
      table[index] = word + (1 << shift);
      added = true;
    }
    if (added && ++this.#additions >= table.length * 10) this.#halve();
  }

  /** From 0 to 15. */
  estimate(hash: number): number {
    const table = this.#table;
    const mask = table.length - 1;
    let least = COUNT_MAX;
    for (let row = 0; row < ROWS; row++) {
      const bits = mix32(Math.imul(hash, ROW_SEEDS[row]!));
      const shift = (row + ((bits & 1) << 2)) << 2;
      const count = (table[(bits >>> 1) & mask]! >>> shift) & COUNT_MAX;
      if (count < least) least = count;
    }
    return least;
  }

  clear(): void {
    this.#table.fill(0);
    this.#additions = 0;
  }

  #halve(): void {
    const table = this.#table;
    for (let i = 0; i < table.length; i++) table[i] = (table[i]! >>> 1) & 0x77777777;
    this.#additions >>>= 1;
  }
}
