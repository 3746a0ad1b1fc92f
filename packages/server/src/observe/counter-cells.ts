/**
 * Counters of 64 bits in memory that several threads or processes map, as pairs of 32-bit words, low word first.
 *
 * Each cell has **one writer**, so counting is a plain store: it cannot tear (a 32-bit element), and nobody else's
 * increment can be lost. A carry into the high word, once in 4 billion, is announced by a flag, so that a reader
 * never combines words of two values. {@link CounterCells.publish} orders all earlier stores before its own: a
 * reader that has loaded the sequence sees what was counted before it.
 */
const CARRYING = 0x8000_0000;
const WORD = 0x1_0000_0000;
/** A writer that died in the middle of a carry leaves the flag behind, one that has to wait for a processor leaves it for long. */
const TRIES_MAX = 1000;

export class CounterCells {
  /** The block's words; cells are named by the index of their low word. */
  readonly words: Uint32Array;

  constructor(words: Uint32Array) {
    this.words = words;
  }

  /** Adds a whole number from 0 to 2^53. */
  add(cell: number, n: number): void {
    const { words } = this;
    const after = words[cell]! + n;
    if (after < WORD) words[cell] = after;
    else this.#carry(cell, after);
  }

  #carry(cell: number, after: number): void {
    const { words } = this;
    const high = (words[cell + 1]! & ~CARRYING) + Math.floor(after / WORD);
    this.#store(cell, after % WORD, high);
  }

  /** For gauges. */
  set(cell: number, value: number): void {
    const low = value % WORD;
    const high = Math.floor(value / WORD);
    if (this.words[cell + 1] === high) Atomics.store(this.words, cell, low);
    else this.#store(cell, low, high);
  }

  #store(cell: number, low: number, high: number): void {
    const { words } = this;
    Atomics.store(words, cell + 1, (high | CARRYING) >>> 0);
    Atomics.store(words, cell, low);
    Atomics.store(words, cell + 1, high);
  }

  /** Exact up to 2^53. May be called by any thread or process. */
  read(cell: number): number {
    const { words } = this;
    for (let i = 0; ; i++) {
      const high = Atomics.load(words, cell + 1);
      const low = Atomics.load(words, cell);
      if ((high & CARRYING) !== 0) {
        // In the middle of a carry for long: no less than before it, and no more than after it.
        if (i >= TRIES_MAX) return lastBefore(high & ~CARRYING, low);
      } else if (Atomics.load(words, cell + 1) === high) return high * WORD + low;
    }
  }

  /** The writer says: all that I counted so far may be seen. */
  publish(word: number): void {
    Atomics.store(this.words, word, (this.words[word]! + 1) >>> 0);
  }
}

/** The last number whose high word is one less. A gauge may go down to a high word of 0: then its low word has to do. */
function lastBefore(high: number, low: number): number {
  return high === 0 ? low : high * WORD - 1;
}
