import { CacheError, shown } from "../errors.js";
import { type AdaptiveOptions, adaptiveSieve, adaptiveWTinyLfu, type Sampled } from "./adaptive.js";
import { LruPolicy } from "./lru.js";
import type { OnRemoved, Policy, PolicyLimits } from "./policy.js";

export const POLICY_NAMES = ["lru", "sieve", "w-tinylfu"] as const;

/**
 * - `lru`: least recently used, by `lru-cache`.
 * - `sieve`: SIEVE, adaptive. For scans, loops and skewed traffic; nearly as cheap as LRU.
 * - `w-tinylfu`: W-TinyLFU, adaptive, by size. Best where sizes and popularity differ much.
 */
export type PolicyName = (typeof POLICY_NAMES)[number];

/** @throws CacheError `TZ_CACHE_OPTION` */
export function choosePolicy<K, E extends Sampled>(
  name: unknown,
  limits: PolicyLimits,
  onRemoved: OnRemoved<K, E>,
  options: AdaptiveOptions<K>,
): Policy<K, E> {
  switch (name) {
    case undefined:
    case "lru":
      return new LruPolicy(limits, onRemoved);
    case "sieve":
      return adaptiveSieve(limits, onRemoved, options);
    case "w-tinylfu":
      return adaptiveWTinyLfu(limits, onRemoved, options);
    default: {
      const names = POLICY_NAMES.map((known) => `"${known}"`).join(", ");
      throw new CacheError(
        "TZ_CACHE_OPTION",
        `ByteCache: option "policy" is ${shown(name)}, must be one of ${names}`,
      );
    }
  }
}
