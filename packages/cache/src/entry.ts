/**
 * What a policy stores for a key. Kept small, because there is one for every value: times are whole milliseconds
 * of the cache's own clock, which starts at 0, so that they fit a small integer for the first 24 days.
 */
export class CacheEntry<V> {
  /** `undefined` marks a negative entry: it is known that there is nothing. */
  readonly value: V | undefined;
  readonly bytes: number;
  /** 0: never. */
  expiresAtMs: number;
  readonly tags: readonly string[] | undefined;
  /** See `policy/adaptive.ts`. */
  sampled = false;

  constructor(value: V | undefined, bytes: number, expiresAtMs: number, tags: readonly string[] | undefined) {
    this.value = value;
    this.bytes = bytes;
    this.expiresAtMs = expiresAtMs;
    this.tags = tags;
  }
}
