/**
 * What one worker has counted. Only its worker writes it, so nothing is contended; the totals are the sums of the
 * lanes. There are two copies, and the sequence number says which one holds:
 *
 * ```
 *   ┌──────────┬───────────────────────────────┬───────────────────────────────┐
 *   │ sequence │ copy 0: count, users, sum …   │ copy 1: count, users, sum …   │
 *   └──────────┴───────────────────────────────┴───────────────────────────────┘
 *      even: copy 0 holds      odd: copy 1 holds
 * ```
 *
 * An event writes the other copy and then moves the number: that one store counts the event whole. A worker that is
 * killed before it has counted nothing, after it everything.
 *
 * A new user is published in the shared table before that store. In between, the lane's intent names the user's
 * record and the value, so that whoever takes over the lane of a killed worker can finish the event (see totals.ts).
 */
import { addToSum, carrySum, SUM_DIGITS, VALUES_PER_CARRY } from "./exact-sum.js";

const LINE_BYTES = 64;
/** Indexes in a copy. */
const COUNT = 0;
const USERS = 1;
const INTENT_RECORD = 2;
const INTENT_VALUE = 3;
const DIGITS = 4;
const COPY_NUMBERS = Math.ceil((DIGITS + SUM_DIGITS) / 8) * 8;
export const LANE_BYTES = LINE_BYTES + 2 * COPY_NUMBERS * 8;

/** An event that was being counted when its worker died. */
export interface Intent {
  readonly record: number;
  readonly value: number;
}

export class Lane {
  readonly #sequence: Int32Array;
  readonly #copies: readonly [Float64Array, Float64Array];

  constructor(buffer: ArrayBufferLike, byteOffset: number) {
    this.#sequence = new Int32Array(buffer, byteOffset, 1);
    const at = byteOffset + LINE_BYTES;
    this.#copies = [
      new Float64Array(buffer, at, COPY_NUMBERS),
      new Float64Array(buffer, at + COPY_NUMBERS * 8, COPY_NUMBERS),
    ];
  }

  /** Changes with every event. */
  get sequence(): number {
    return Atomics.load(this.#sequence, 0);
  }

  /** Says what will be counted, before the user's record is published. */
  intend(record: number, value: number): void {
    const copy = this.#copy(this.#sequence[0]!);
    copy[INTENT_VALUE] = value;
    copy[INTENT_RECORD] = record;
  }

  /** Counts one event. */
  commit(value: number, isNewUser: boolean): void {
    const sequence = this.#sequence[0]!;
    const from = this.#copy(sequence);
    const to = this.#copy(sequence + 1);
    to.set(from);
    const count = from[COUNT]! + 1;
    to[COUNT] = count;
    if (isNewUser) to[USERS] = from[USERS]! + 1;
    to[INTENT_RECORD] = 0;
    addToSum(to, DIGITS, value);
    if (count % VALUES_PER_CARRY === 0) carrySum(to, DIGITS);
    Atomics.store(this.#sequence, 0, (sequence + 1) | 0);
  }

  /** What a worker that died in the middle of an event had begun. */
  intent(): Intent | undefined {
    const copy = this.#copy(this.sequence);
    const record = copy[INTENT_RECORD]!;
    return record === 0 ? undefined : { record, value: copy[INTENT_VALUE]! };
  }

  /** Drops an event that was begun and not published. */
  forgetIntent(): void {
    this.#copy(this.sequence)[INTENT_RECORD] = 0;
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
