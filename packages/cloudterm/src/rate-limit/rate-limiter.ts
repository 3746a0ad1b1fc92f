/** A token bucket: `burst` at once, then one more each `intervalMs`. */
export interface RateRule {
  readonly burst: number;
  readonly intervalMs: number;
}

/** Token buckets by key. `rate-limit/rate-limiter.conformance.ts` says what an implementation must do. */
export interface RateLimiter {
  /** Takes a token of the key's bucket. @returns 0, or how many milliseconds there is none */
  take(key: string, rule: RateRule): Promise<number>;
  /** Gives one back that was taken for nothing. */
  giveBack(key: string, rule: RateRule): Promise<void>;
  /** How many milliseconds there is none, without taking one. */
  peek(key: string, rule: RateRule): Promise<number>;
  /** Fills the bucket. */
  reset(key: string): Promise<void>;
}
