/**
 * Rate limits for many keys, as the generic cell rate algorithm: a token bucket that stores one number a key, the
 * time at which its bucket will be full again.
 *
 * ```
 *            now                 fullAt
 *   ──────────┼──────────────────┼──────▶    a request moves fullAt by one interval,
 *             └─ ≤ burst intervals ─┘         and is refused where that would pass the burst
 * ```
 */
export class TokenBuckets {
  readonly #intervalMs: number;
  readonly #burstMs: number;
  readonly #maxKeys: number;
  /** Oldest first: a key moves to the end when its time is written. */
  readonly #fullAt = new Map<string, number>();

  /** @param maxKeys buckets that are kept; beyond, those that were used longest ago start over, full */
  constructor(perSecond: number, burst: number, maxKeys: number) {
    this.#intervalMs = 1000 / perSecond;
    this.#burstMs = this.#intervalMs * burst;
    this.#maxKeys = maxKeys;
  }

  get size(): number {
    return this.#fullAt.size;
  }

  /** Takes a token. @returns 0, or how many milliseconds there is none for this key */
  take(key: string, nowMs: number): number {
    const fullAt = Math.max(this.#fullAt.get(key) ?? 0, nowMs) + this.#intervalMs;
    // Whole microseconds: what sums of clock readings leave behind the comma would make a second of 1000 ms two.
    const waitMs = Math.round((fullAt - this.#burstMs - nowMs) * 1000) / 1000;
    if (waitMs > 0) return waitMs;
    this.#fullAt.delete(key);
    if (this.#fullAt.size >= this.#maxKeys) this.#fullAt.delete(this.#fullAt.keys().next().value!);
    this.#fullAt.set(key, fullAt);
    return 0;
  }
}
