import { AllocError, shown } from "./errors.js";

/** Owner ids are 1 … this: they fit a byte, and 0 means nobody. */
export const OWNERS_MAX = 255;

/** Words of a row. */
const STATE = 0;
const GENERATION = 1;
export const OWNER_ROW_WORDS = 2;

/** States of a row; RECOVERING has the recoverer's id in the next byte. */
const VACANT = 0;
const ATTACHING = 1;
const HELD = 2;
const RECOVERING = 3;

/**
 * Who takes part in a shared structure: a row a worker, by id.
 *
 * ```
 *            attach              ready                    detach
 *  VACANT ──────────▶ ATTACHING ───────▶ HELD ───────────────────────────▶ VACANT
 *                         │               │   recover(id), by another   ▲
 *                         ╰───────────────┴──▶ RECOVERING by r ─────────╯
 *                                               ╰─ r dies too ─▶ HELD again when r is recovered
 * ```
 *
 * The structure cannot know whether a worker lives: whoever calls recover says that it is dead.
 */
export class OwnerTable {
  readonly #structure: string;
  readonly #words: Int32Array;
  readonly #first: number;

  /** @param first index in `words` of row 1 */
  constructor(structure: string, words: Int32Array, first: number) {
    this.#structure = structure;
    this.#words = words;
    this.#first = first;
  }

  /** @throws AllocError `TZ_ALLOC_OWNER` when the id is out of range or taken */
  beginAttach(owner: number): void {
    this.check(owner);
    if (Atomics.compareExchange(this.#words, this.#state(owner), VACANT, ATTACHING) !== VACANT) {
      throw new AllocError(
        "TZ_ALLOC_OWNER",
        `${this.#structure}: owner ${owner} is attached already; if it is dead, recover(${owner}) from another owner first`,
      );
    }
    Atomics.add(this.#words, this.#state(owner) - STATE + GENERATION, 1);
  }

  endAttach(owner: number): void {
    Atomics.store(this.#words, this.#state(owner), HELD);
  }

  detach(owner: number): void {
    Atomics.compareExchange(this.#words, this.#state(owner), HELD, VACANT);
  }

  /** A number that is the same as long as the same worker holds the row; −1 while none does. */
  holding(owner: number): number {
    const generation = Atomics.load(this.#words, this.#state(owner) - STATE + GENERATION);
    return Atomics.load(this.#words, this.#state(owner)) === HELD ? generation & 0x7fffffff : -1;
  }

  /**
   * Takes the row of a dead owner. False when nobody held it.
   *
   * @throws AllocError `TZ_ALLOC_OWNER` when another live owner is at it
   */
  beginRecovery(dead: number, recoverer: number): boolean {
    this.check(dead);
    if (dead === recoverer) {
      throw new AllocError(
        "TZ_ALLOC_OWNER",
        `${this.#structure}: owner ${dead} cannot recover itself: detach() instead`,
      );
    }
    for (;;) {
      const state = Atomics.load(this.#words, this.#state(dead));
      if (state === VACANT) return false;
      const other = (state & 0xff) === RECOVERING ? state >>> 8 : 0;
      if (other !== 0 && other !== recoverer && this.holding(other) !== -1) {
        throw new AllocError(
          "TZ_ALLOC_OWNER",
          `${this.#structure}: owner ${dead} is being recovered by owner ${other}; if that is dead, recover(${other}) first`,
        );
      }
      const mine = RECOVERING | (recoverer << 8);
      if (Atomics.compareExchange(this.#words, this.#state(dead), state, mine) === state) return true;
    }
  }

  /** Ends a recovery. Recoveries that the dead one had begun are open to others again. */
  endRecovery(dead: number, recoverer: number): void {
    for (let owner = 1; owner <= OWNERS_MAX; owner++) {
      Atomics.compareExchange(this.#words, this.#state(owner), RECOVERING | (dead << 8), HELD);
    }
    Atomics.compareExchange(this.#words, this.#state(dead), RECOVERING | (recoverer << 8), VACANT);
  }

  /** @throws AllocError `TZ_ALLOC_OWNER` */
  check(owner: number): void {
    if (Number.isInteger(owner) && owner >= 1 && owner <= OWNERS_MAX) return;
    throw new AllocError(
      "TZ_ALLOC_OWNER",
      `${this.#structure}: owner must be an integer from 1 to ${OWNERS_MAX}, got ${shown(owner)}`,
    );
  }

  #state(owner: number): number {
    return this.#first + (owner - 1) * OWNER_ROW_WORDS + STATE;
  }
}
