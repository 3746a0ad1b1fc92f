/**
 * What one worker has counted. Only its worker writes numbers, so nothing is contended; the totals are the sums of the
 * lanes. There are two copies, and the sequence number says which one holds:
 *
 * ```
 *   ┌──────────┬────────┬───────────────────────────────┬───────────────────────────────┐
 *   │ sequence │ intent │ copy 0: count, users, sum …   │ copy 1: count, users, sum …   │
 *   └──────────┴────────┴───────────────────────────────┴───────────────────────────────┘
 *      even: copy 0 holds      odd: copy 1 holds
 * ```
 *
 * An event is prepared in the other copy, and then the number moves: that one step counts the event whole. A worker that
 * is killed before it has counted nothing, after it everything.
 *
 * An event with a new user is prepared before the user is published in the shared table. From then on moving the number
 * is all that is left, and whoever meets the user does it, if the lane's own worker has not yet (see totals.ts). The
 * intent is the user's record: whoever takes over the lane of a killed worker looks there.
 */
import { addToSum, carrySum, SUM_DIGITS, VALUES_PER_CARRY } from "./exact-sum.js";

const LINE_BYTES = 64;
/** Indexes of words in the first line. */
const SEQUENCE = 0;
const INTENT = 1;
/** Indexes in a copy. */
const COUNT = 0;
const USERS = 1;
const DIGITS = 2;
const COPY_NUMBERS = Math.ceil((DIGITS + SUM_DIGITS) / 8) * 8;
export const LANE_BYTES = LINE_BYTES + 2 * COPY_NUMBERS * 8;

export class Lane {
  /** The sequence, the intent. */
  readonly #words: Int32Array;
  readonly #copies: readonly [Float64Array, Float64Array];

  constructor(buffer: ArrayBufferLike, byteOffset: number) {
    this.#words = new Int32Array(buffer, byteOffset, 2);
    const at = byteOffset + LINE_BYTES;
    this.#copies = [
      new Float64Array(buffer, at, COPY_NUMBERS),
      new Float64Array(buffer, at + COPY_NUMBERS * 8, COPY_NUMBERS),
    ];
  }

  /** Changes with every event. */
  get sequence(): number {
    return Atomics.load(this.#words, SEQUENCE);
  }

  /** The record of the user that the lane's last new user has, or was to have; 0 for none. */
  get intent(): number {
    return Atomics.load(this.#words, INTENT);
  }

  /** To be set before the record is published, and to 0 before its place is written again. */
  set intent(record: number) {
    Atomics.store(this.#words, INTENT, record);
  }

  /** Writes what the lane will hold with one more event. It counts nothing, and may be done again. */
  prepare(value: number, isNewUser: boolean): void {
    const sequence = this.#words[SEQUENCE]!;
    const from = this.#copy(sequence);
    const to = this.#copy(sequence + 1);
    to.set(from);
    const count = from[COUNT]! + 1;
    to[COUNT] = count;
    if (isNewUser) to[USERS] = from[USERS]! + 1;
    addToSum(to, DIGITS, value);
    if (count % VALUES_PER_CARRY === 0) carrySum(to, DIGITS);
  }

  /** Counts the event that was prepared, of which nobody else knows. */
  commit(): void {
    Atomics.store(this.#words, SEQUENCE, (this.#words[SEQUENCE]! + 1) | 0);
  }

  /**
   * Counts the event that was prepared at this sequence number, unless it is counted already. Every process may do so,
   * once the record of the event's user is published. (The number comes back after 2^32 events; nobody sleeps so long
   * between reading it in a record and calling this.)
   */
  commitAt(sequence: number): void {
    Atomics.compareExchange(this.#words, SEQUENCE, sequence, (sequence + 1) | 0);
  }

  /** Adds what this lane has counted to `sums`. Torn if the sequence moves meanwhile: the caller compares it. */
  addTo(sums: LaneSums): void {
    const copy = this.#copy(this.sequence);
    sums.count += copy[COUNT]!;
    sums.users += copy[USERS]!;
    const { digits } = sums;
    for (let i = 0; i < SUM_DIGITS; i++) digits[i] = digits[i]! + copy[DIGITS + i]!;
    carrySum(digits, 0);
  }

  #copy(sequence: number): Float64Array {
    return this.#copies[sequence & 1]!;
  }
}

export class LaneSums {
  count = 0;
  users = 0;
  readonly digits = new Float64Array(SUM_DIGITS);
}
