import {
  addToSum,
  carrySum,
  roundSum,
  SUM_DIGITS,
  sumAsInteger,
  VALUES_PER_CARRY,
} from "../totals/exact-sum.js";
import type { Stats } from "../totals/totals.js";

/** Values have cents: they are no binary fractions, so an inexact sum shows. */
const MAX_CENTS = 100_000;

/** Makes events and keeps what the server must have counted when all are answered. */
export class Events {
  readonly #users: number;
  readonly #seen: Uint8Array;
  readonly #digits = new Float64Array(SUM_DIGITS);
  #uniqueUsers = 0;
  #count = 0;
  #state = 1;

  /** @param users how many different users there are, at the most */
  constructor(users: number) {
    this.#users = users;
    this.#seen = new Uint8Array(users);
  }

  /** The next event as JSON. */
  next(): string {
    const user = this.#random(this.#users);
    const value = this.#random(MAX_CENTS) / 100;
    if (this.#seen[user] === 0) {
      this.#seen[user] = 1;
      this.#uniqueUsers++;
    }
    addToSum(this.#digits, 0, value);
    if (++this.#count % VALUES_PER_CARRY === 0) carrySum(this.#digits, 0);
    return `{"userId":"user-${user}","value":${value}}`;
  }

  expected(): Stats {
    const sum = roundSum(sumAsInteger(this.#digits, 0));
    return { totalRequests: this.#count, uniqueUsers: this.#uniqueUsers, sum, avg: sum / this.#count };
  }

  /** Numerical Recipes' generator: the same events in every run. */
  #random(below: number): number {
    this.#state = (Math.imul(this.#state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((this.#state / 2 ** 32) * below);
  }
}
