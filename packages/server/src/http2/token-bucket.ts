/** A bucket of tokens that fills up again at a rate: one number for its state, the time at which it is full. */
export class TokenBucket {
  readonly #intervalMs: number;
  readonly #burstMs: number;
  #fullAt = 0;

  constructor(perSecond: number, burst: number) {
    this.#intervalMs = 1000 / perSecond;
    this.#burstMs = this.#intervalMs * burst;
  }

  /** Takes a token. @returns `false` when there is none */
  take(nowMs: number): boolean {
    const fullAt = Math.max(this.#fullAt, nowMs) + this.#intervalMs;
    // A millionth of a millisecond is rounding.
    if (fullAt - this.#burstMs - nowMs > 1e-6) return false;
    this.#fullAt = fullAt;
    return true;
  }
}
