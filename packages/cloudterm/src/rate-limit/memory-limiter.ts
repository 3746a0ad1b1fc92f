import type { RateLimiter, RateRule } from "./rate-limiter.js";

export interface MemoryLimiterOptions {
  /** Keys that are kept; beyond, those that were used longest ago start over. Default 100,000 (some 10 MB). */
  readonly maxKeys?: number;
  readonly now?: () => number;
}

/**
 * Buckets of one process, as the generic cell rate algorithm: one number a key, the time at which its bucket is full
 * again. Taking a token moves it by one interval, and is refused where that would pass the burst.
 */
export class MemoryLimiter implements RateLimiter {
  /** The one that was written longest ago comes first. */
  readonly #fullAt = new Map<string, number>();
  readonly #maxKeys: number;
  readonly #now: () => number;

  constructor({ maxKeys = 100_000, now = Date.now }: MemoryLimiterOptions = {}) {
    this.#maxKeys = maxKeys;
    this.#now = now;
  }

  get size(): number {
    return this.#fullAt.size;
  }

  async take(key: string, rule: RateRule): Promise<number> {
    const [waitMs, fullAt] = this.#next(key, rule);
    if (waitMs > 0) return waitMs;
    this.#fullAt.delete(key);
    if (this.#fullAt.size >= this.#maxKeys) this.#fullAt.delete(this.#fullAt.keys().next().value!);
    this.#fullAt.set(key, fullAt);
    return 0;
  }

  async giveBack(key: string, { intervalMs }: RateRule): Promise<void> {
    const fullAt = this.#fullAt.get(key);
    if (fullAt === undefined) return;
    // In its place: what is given back was not used now.
    if (fullAt - intervalMs > this.#now()) this.#fullAt.set(key, fullAt - intervalMs);
    else this.#fullAt.delete(key);
  }

  async peek(key: string, rule: RateRule): Promise<number> {
    return this.#next(key, rule)[0];
  }

  async reset(key: string): Promise<void> {
    this.#fullAt.delete(key);
  }

  #next(key: string, { burst, intervalMs }: RateRule): [waitMs: number, fullAt: number] {
    const nowMs = this.#now();
    const fullAt = Math.max(this.#fullAt.get(key) ?? 0, nowMs) + intervalMs;
    return [Math.max(0, Math.ceil(fullAt - nowMs - burst * intervalMs)), fullAt];
  }
}
