/**
 * The set of users: an open-addressing table in shared memory that all workers search and extend without a lock, and
 * that grows while they do.
 *
 * ```
 *   level 0  ┌─┬─┬─┬─┐  16,384 slots          a slot:  0       nobody
 *            └─┴─┴─┴─┘     │ moved                      n > 0   the record of a user
 *   level 1  ┌─┬─┬─┬─┬─┬─┬─┬─┐  twice as many           FROZEN  nobody, for ever
 *            └─┴─┴─┴─┴─┴─┴─┴─┘
 * ```
 *
 * A name has one path through a level: from its hash, slot by slot, to the first slot that is empty. Slots change only
 * from 0 to a record or from 0 to FROZEN, so a path that ended at a frozen slot (or went around a full level) says that
 * the name is not and never will be in this level: the search goes on in the next one. A name is added by one
 * compare-and-swap at the end of its path. Two workers that add the same name meet at the same slot, and the one that
 * loses finds the other's record there.
 *
 * When the newest level is half full there is a next one. Levels before it are moved piece by piece, by whoever counts
 * an event: empty slots are frozen, records are entered in the next level. Doing a piece twice changes nothing, so a
 * worker that is killed in the middle leaves work, not damage: pieces that are not marked as done are done again.
 */
import { allocateUnits, type Mapped, type Pages, StoreFullError, unitsFor } from "../memory/pages.js";
import { KeyRecords } from "./key-records.js";
import { LINE_WORDS, MAX_LEVELS, ROOT, type Root } from "./root.js";

const FROZEN = -1;
const FIRST_LEVEL_BITS = 14;
/** Slots that are moved at a time. */
const PIECE_SLOTS = 1024;

interface Level {
  readonly slots: Int32Array;
  readonly mask: number;
  /** One word a piece: 1 when it has been moved. */
  readonly done: Int32Array;
  readonly mapped: Mapped;
}

const slotsOf = (level: number): number => 2 ** (FIRST_LEVEL_BITS + level);
const piecesOf = (level: number): number => slotsOf(level) / PIECE_SLOTS;
export const unitsOfLevel = (level: number): number => unitsFor((slotsOf(level) + piecesOf(level)) * 4);

export class UserTable {
  readonly records: KeyRecords;
  readonly #pages: Pages;
  readonly #root: Root;
  readonly #levels: (Level | undefined)[] = [];

  constructor(pages: Pages, root: Root) {
    this.#pages = pages;
    this.#root = root;
    this.records = new KeyRecords(pages, root);
  }

  /** The record of a name, or 0. */
  find(hash: number, bytes: Uint8Array, start: number, end: number): number {
    const { records } = this;
    for (let at = this.#oldest(); ; at++) {
      const { slots, mask } = this.#level(at);
      let slot = hash & mask;
      for (let probes = 0; probes <= mask; probes++) {
        const record = Atomics.load(slots, slot);
        if (record === 0) return 0;
        if (record === FROZEN) break;
        if (records.equals(record, hash, bytes, start, end)) return record;
        slot = (slot + 1) & mask;
      }
      if (at >= this.#newest()) return 0;
    }
  }

  /**
   * Enters a record that was written for a name.
   * @returns the record that the table holds for this name: another one when somebody else was first
   * @throws StoreFullError
   */
  publish(record: number, hash: number, bytes: Uint8Array, start: number, end: number): number {
    const { records } = this;
    for (let at = this.#oldest(); ; at++) {
      const { slots, mask } = this.#level(at);
      let slot = hash & mask;
      for (let probes = 0; probes <= mask; ) {
        const found = Atomics.compareExchange(slots, slot, 0, record);
        if (found === 0) {
          this.#used(at);
          return record;
        }
        if (found === FROZEN) break;
        if (records.equals(found, hash, bytes, start, end)) return found;
        probes++;
        slot = (slot + 1) & mask;
      }
      if (at >= this.#newest()) this.#grow(at);
    }
  }

  /** Moves a piece of the oldest level, when there is a newer one. Every event does this once. */
  help(): void {
    const at = this.#oldest();
    if (at === this.#newest()) return;
    const pieces = piecesOf(at);
    const { done } = this.#level(at);
    let piece = Atomics.add(this.#root.words, ROOT.levelCursor + at * LINE_WORDS, 1);
    if (piece < 0 || piece >= pieces) {
      // All are given out: what is not done belongs to somebody who works on it, or who was killed.
      piece = 0;
      while (piece < pieces && Atomics.load(done, piece) === 1) piece++;
      if (piece === pieces) {
        Atomics.compareExchange(this.#root.words, ROOT.oldestLevel, at, at + 1);
        return;
      }
    }
    this.#movePiece(at, piece);
    Atomics.store(done, piece, 1);
  }

  release(): void {
    for (const level of this.#levels) level?.mapped.release();
    this.#levels.length = 0;
    this.records.release();
  }

  #oldest(): number {
    return Atomics.load(this.#root.words, ROOT.oldestLevel);
  }

  #newest(): number {
    return Atomics.load(this.#root.words, ROOT.newestLevel);
  }

  #movePiece(at: number, piece: number): void {
    const { slots } = this.#level(at);
    const end = (piece + 1) * PIECE_SLOTS;
    for (let slot = piece * PIECE_SLOTS; slot < end; slot++) {
      const record = Atomics.compareExchange(slots, slot, 0, FROZEN);
      if (record > 0) this.#enter(record, at + 1);
    }
  }

  /** Enters a published record in a level, or in the next one that takes it, unless it is there. */
  #enter(record: number, first: number): void {
    const hash = this.records.hashOf(record);
    for (let at = first; ; at++) {
      const { slots, mask } = this.#level(at);
      let slot = hash & mask;
      for (let probes = 0; probes <= mask; probes++) {
        const found = Atomics.compareExchange(slots, slot, 0, record);
        if (found === 0) {
          this.#used(at);
          return;
        }
        if (found === record) return;
        if (found === FROZEN) break;
        slot = (slot + 1) & mask;
      }
      if (at >= this.#newest()) this.#grow(at);
    }
  }

  #used(at: number): void {
    const used = Atomics.add(this.#root.words, ROOT.levelUsed + at * LINE_WORDS, 1) + 1;
    if (used * 2 > slotsOf(at) && at === this.#newest() && at + 1 < MAX_LEVELS) this.#grow(at);
  }

  #grow(at: number): void {
    if (at + 1 >= MAX_LEVELS) throw new StoreFullError(`the table of users is full`);
    Atomics.compareExchange(this.#root.words, ROOT.newestLevel, at, at + 1);
  }

  #level(at: number): Level {
    const known = this.#levels[at];
    if (known !== undefined) return known;
    const { words } = this.#root;
    let unit = Atomics.load(words, ROOT.levelUnit + at);
    if (unit === 0) {
      // Two may come here at once; the units of the one that loses are never used, and take no memory.
      const fresh = allocateUnits(this.#pages, unitsOfLevel(at));
      const earlier = Atomics.compareExchange(words, ROOT.levelUnit + at, 0, fresh);
      unit = earlier === 0 ? fresh : earlier;
    }
    const mapped = this.#pages.map(unit, unitsOfLevel(at));
    const count = slotsOf(at);
    const level: Level = {
      mapped,
      slots: new Int32Array(mapped.buffer, 0, count),
      mask: count - 1,
      done: new Int32Array(mapped.buffer, count * 4, piecesOf(at)),
    };
    this.#levels[at] = level;
    return level;
  }
}
