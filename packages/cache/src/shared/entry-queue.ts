import { HEADER, RECORD_SHIFT } from "./layout.js";
import { NEWER, NONE, OLDER } from "./record.js";
import type { SharedViews } from "./shared-memory.js";

/**
 * All live entries in order of publication, and SIEVE's hand, in shared memory (see `policy/sieve.ts`). Readers only
 * set an entry's bit. Links are record + 1, 0 at the ends. All methods are for the holder of the writer lock.
 */
export class EntryQueue {
  readonly #header: Int32Array;
  readonly #records: Int32Array;
  readonly #visited: Uint8Array;

  constructor({ header, records, visited }: SharedViews) {
    this.#header = header;
    this.#records = records;
    this.#visited = visited;
  }

  pushNewest(record: number): void {
    const link = record + 1;
    const newest = this.#header[HEADER.newest]!;
    this.#records[(record << RECORD_SHIFT) + NEWER] = 0;
    this.#records[(record << RECORD_SHIFT) + OLDER] = newest;
    if (newest === 0) this.#header[HEADER.oldest] = link;
    else this.#records[((newest - 1) << RECORD_SHIFT) + NEWER] = link;
    this.#header[HEADER.newest] = link;
    this.#visited[record] = 0;
  }

  remove(record: number): void {
    const newer = this.#records[(record << RECORD_SHIFT) + NEWER]!;
    const older = this.#records[(record << RECORD_SHIFT) + OLDER]!;
    if (this.#header[HEADER.hand] === record + 1) this.#header[HEADER.hand] = newer;
    if (newer === 0) this.#header[HEADER.newest] = older;
    else this.#records[((newer - 1) << RECORD_SHIFT) + OLDER] = older;
    if (older === 0) this.#header[HEADER.oldest] = newer;
    else this.#records[((older - 1) << RECORD_SHIFT) + NEWER] = newer;
  }

  /**
   * Moves the hand to the next entry that may go: one whose bit is clear, or that is of no more use, and that
   * `isPinned` does not hold back.
   *
   * @returns NONE when all are held back
   */
  nextVictim(isPinned: (record: number) => boolean, isUseless: (record: number) => boolean): number {
    // Two rounds: the first may do no more than clear bits.
    for (let steps = 2 * this.#header[HEADER.liveEntries]!; steps > 0; steps--) {
      const link = this.#header[HEADER.hand]! || this.#header[HEADER.oldest]!;
      if (link === 0) return NONE;
      const record = link - 1;
      if (!isPinned(record)) {
        if (this.#visited[record] === 0 || isUseless(record)) {
          this.#header[HEADER.hand] = link;
          return record;
        }
        this.#visited[record] = 0;
      }
      this.#header[HEADER.hand] = this.#records[(record << RECORD_SHIFT) + NEWER]!;
    }
    return NONE;
  }

  /** Moves the hand on by one. */
  skip(): void {
    const link = this.#header[HEADER.hand]!;
    if (link !== 0) this.#header[HEADER.hand] = this.#records[((link - 1) << RECORD_SHIFT) + NEWER]!;
  }

  clear(): void {
    this.#header[HEADER.newest] = this.#header[HEADER.oldest] = this.#header[HEADER.hand] = 0;
  }

  /** Records from the oldest to the newest. */
  *oldestFirst(): IterableIterator<number> {
    let link = this.#header[HEADER.oldest]!;
    while (link !== 0) {
      yield link - 1;
      link = this.#records[((link - 1) << RECORD_SHIFT) + NEWER]!;
    }
  }
}
