import { HEADER, RECORD_SHIFT } from "./layout.js";
import { NEWER, NONE, OLDER } from "./record.js";
import type { SharedViews } from "./shared-memory.js";

/** Where an entry stands. */
export const SMALL = 0;
export const MAIN = 1;

/** The small queue has a tenth of the bytes in use; when it has more, it gives first. */
const SMALL_PARTS = 10;
/** More uses than these are not counted. */
export const USES_MAX = 3;
/** An entry of the small queue that was used so often goes to the main one, not away. */
const PROMOTION_USES = 1;

/**
 * All live entries in two queues, in shared memory: S3-FIFO (Yang et al., SOSP 2023), by bytes.
 *
 * ```
 *   new ───────────▶ small, 10 % ──┬─ used ──▶ main, 90 % ──┬─ used ──▶ main again, one use less
 *   seen lately ──────────────────▶│                ▲       │
 *                                  ╰─ not ─▶ out, and its hash into the ghosts; main: out
 * ```
 *
 * Readers only count uses of an entry, up to three, and move nothing. What is asked for once goes through the small
 * queue and leaves the rest alone; what comes back after it went is known by its ghost and stays. Links are
 * record + 1, 0 at the ends. All methods are for the holder of the writer lock.
 */
export class EntryQueues {
  readonly #header: Int32Array;
  readonly #records: Int32Array;
  readonly #uses: Uint8Array;
  readonly #queues: Uint8Array;
  readonly #ghosts: Int32Array;

  constructor({ header, records, uses, queues, ghosts }: SharedViews) {
    this.#header = header;
    this.#records = records;
    this.#uses = uses;
    this.#queues = queues;
    this.#ghosts = ghosts;
  }

  /** Which queue an entry belongs in that is new under its hash. */
  queueFor(hash: number): number {
    return this.#ghosts[hash & (this.#ghosts.length - 1)] === (hash | 1) ? MAIN : SMALL;
  }

  queueOf(record: number): number {
    return this.#queues[record]!;
  }

  /** @param units size of its block */
  pushNewest(record: number, queue: number, units: number): void {
    const link = record + 1;
    const newest = this.#header[HEADER.newest + queue]!;
    this.#records[(record << RECORD_SHIFT) + NEWER] = 0;
    this.#records[(record << RECORD_SHIFT) + OLDER] = newest;
    if (newest === 0) this.#header[HEADER.oldest + queue] = link;
    else this.#records[((newest - 1) << RECORD_SHIFT) + NEWER] = link;
    this.#header[HEADER.newest + queue] = link;
    this.#queues[record] = queue;
    if (queue === SMALL) this.#header[HEADER.smallUnits]! += units;
  }

  remove(record: number, units: number): void {
    const queue = this.#queues[record]!;
    const newer = this.#records[(record << RECORD_SHIFT) + NEWER]!;
    const older = this.#records[(record << RECORD_SHIFT) + OLDER]!;
    if (newer === 0) this.#header[HEADER.newest + queue] = older;
    else this.#records[((newer - 1) << RECORD_SHIFT) + OLDER] = older;
    if (older === 0) this.#header[HEADER.oldest + queue] = newer;
    else this.#records[((older - 1) << RECORD_SHIFT) + NEWER] = newer;
    if (queue === SMALL) this.#header[HEADER.smallUnits]! -= units;
  }

  /**
   * The entry that goes next. On the way used entries move on, as in the picture.
   *
   * @param judge of an entry: whether it may go at all, must go whatever its uses are, and its units
   * @returns NONE when none may go
   */
  nextVictim(judge: VictimJudge): number {
    // Enough for every entry to lose all its uses, and to be promoted once.
    for (let steps = (USES_MAX + 2) * this.#header[HEADER.liveEntries]!; steps > 0; steps--) {
      const queue = this.#nextQueue();
      const link = this.#header[HEADER.oldest + queue]!;
      if (link === 0) return NONE;
      const record = link - 1;
      if (judge.isPinned(record)) {
        // In use right now, so it has earned its place.
        this.#move(record, MAIN, judge);
        continue;
      }
      const uses = this.#uses[record]!;
      if (judge.isUseless(record) || uses < (queue === SMALL ? PROMOTION_USES : 1)) return record;
      this.#uses[record] = queue === SMALL ? 0 : uses - 1;
      this.#move(record, MAIN, judge);
    }
    return this.#anyVictim(judge);
  }

  /** Takes note that an entry went from the small queue: comes it back soon, it belongs in the main one. */
  remember(hash: number): void {
    this.#ghosts[hash & (this.#ghosts.length - 1)] = hash | 1;
  }

  clear(): void {
    this.#header.fill(0, HEADER.newest, HEADER.newest + 2);
    this.#header.fill(0, HEADER.oldest, HEADER.oldest + 2);
    this.#header[HEADER.smallUnits] = 0;
  }

  /** When the queue whose turn it is is pinned as a whole: whatever entry is not. */
  #anyVictim(judge: VictimJudge): number {
    for (const queue of [SMALL, MAIN]) {
      let link = this.#header[HEADER.oldest + queue]!;
      for (; link !== 0; link = this.#records[((link - 1) << RECORD_SHIFT) + NEWER]!)
        if (!judge.isPinned(link - 1)) return link - 1;
    }
    return NONE;
  }

  #nextQueue(): number {
    if (this.#header[HEADER.oldest + MAIN] === 0) return SMALL;
    const isSmallFull = this.#header[HEADER.smallUnits]! * SMALL_PARTS >= this.#header[HEADER.usedUnits]!;
    return isSmallFull && this.#header[HEADER.oldest + SMALL] !== 0 ? SMALL : MAIN;
  }

  #move(record: number, queue: number, judge: VictimJudge): void {
    const units = judge.unitsOf(record);
    this.remove(record, units);
    this.pushNewest(record, queue, units);
  }
}

export interface VictimJudge {
  isPinned(record: number): boolean;
  /** Invalidated: it goes first. */
  isUseless(record: number): boolean;
  unitsOf(record: number): number;
}
