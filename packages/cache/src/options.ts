import { CacheError, shown } from "./errors.js";

export const KiB = 1024;
export const MiB = 1024 * KiB;
export const GiB = 1024 * MiB;

const SECOND_MS = 1000;
const DAY_MS = 24 * 3600 * SECOND_MS;

/** One numeric option: its default, bounds and unit. `zero` says what 0 means where 0 lies below `min`. */
export interface NumberRule {
  readonly default: number;
  readonly min: number;
  readonly max: number;
  readonly unit: string;
  readonly zero?: string;
  readonly about: string;
}

/** An option that is not a number: what it takes, in words. */
export interface OtherRule {
  readonly default: string;
  readonly takes: string;
  readonly about: string;
}

/** A time to live: nothing between 0 and a second, because a shorter one is a `revalidate`, not a cache. */
export const TTL_RULE = {
  default: 0,
  min: SECOND_MS,
  max: 7 * DAY_MS,
  unit: "ms",
  zero: "never expires",
  about: "time to live of an entry that brings none of its own",
} as const satisfies NumberRule;

/** The numeric options of {@link ByteCache}. The constructor validates with it and the README's table is pinned to it. */
export const BYTE_CACHE_NUMBERS = {
  maxBytes: {
    default: 64 * MiB,
    min: MiB,
    max: 10 * GiB,
    unit: "bytes",
    about: "budget; nothing is allocated up front",
  },
  maxEntries: {
    default: 1_000_000,
    min: 1,
    max: 16_000_000,
    unit: "entries",
    about: "second budget; a `Map` ends at 16.7 million",
  },
  ttlMs: TTL_RULE,
  negativeTtlMs: {
    default: 0,
    min: SECOND_MS,
    max: 7 * DAY_MS,
    unit: "ms",
    zero: "a loader's `undefined` is not cached",
    about: "time to live of negative entries",
  },
  staleWhileRevalidateMs: {
    default: 0,
    min: SECOND_MS,
    max: 7 * DAY_MS,
    unit: "ms",
    zero: "off",
    about: "after expiry, answer the old value at once and load in the background (RFC 5861 §3)",
  },
  staleIfErrorMs: {
    default: 0,
    min: SECOND_MS,
    max: 7 * DAY_MS,
    unit: "ms",
    zero: "off",
    about: "after expiry, answer the old value when the loader fails (RFC 5861 §4)",
  },
  refreshBackoffMs: {
    default: SECOND_MS,
    min: 1,
    max: DAY_MS,
    unit: "ms",
    zero: "no pause",
    about: "pause after a failed background load before the next try",
  },
  loadTimeoutMs: {
    default: 30 * SECOND_MS,
    min: 1,
    max: 3600 * SECOND_MS,
    unit: "ms",
    zero: "wait for ever",
    about: "after this a loader counts as failed, its signal is aborted and its late result is dropped",
  },
} as const satisfies Record<string, NumberRule>;

export const BYTE_CACHE_OTHERS = {
  policy: {
    default: '"lru"',
    takes: '`"lru"`, `"sieve"`, `"w-tinylfu"`',
    about: "who stays when the budget is full",
  },
  sizeOf: {
    default: "`byteLength` of buffers, 2 × `length` of strings",
    takes: "`(value, key) => bytes`",
    about: "size of a value when `set` gives none",
  },
  hashKey: {
    default: "by type",
    takes: "`(key) => uint32`",
    about: "`w-tinylfu` only: hash of a key for the frequency sketch",
  },
  onEvict: {
    default: "none",
    takes: "`(key, value, reason) => void`",
    about: "called for every value that leaves, after the cache is consistent again",
  },
  now: {
    default: "`performance.now`, to 5 ms",
    takes: "`() => ms`",
    about: "clock; steps back are absorbed",
  },
  wallNow: {
    default: "`Date.now`",
    takes: "`() => ms`",
    about: "calendar clock, used by `snapshot` and `restore` only",
  },
  traceLoads: {
    default: "`false`",
    takes: "`boolean`",
    about: "find loaders that wait for themselves at once, across `await` (costs an `AsyncLocalStorage`)",
  },
  statistics: {
    default: "a buffer of its own",
    takes: "`{ buffer, row }`",
    about: "shared memory and row for the counters, see `CacheStatistics`",
  },
  name: { default: '"cache"', takes: "`string`", about: "names the cache on the diagnostics channels" },
} as const satisfies Record<string, OtherRule>;

/** The numeric options of {@link SharedCache.create}. */
export const SHARED_CACHE_NUMBERS = {
  maxBytes: {
    default: 64 * MiB,
    min: MiB,
    max: 10 * GiB,
    unit: "bytes",
    about: "budget for entries; pages are touched when first used",
  },
  maxEntryBytes: { default: 128 * KiB, min: KiB, max: 64 * MiB, unit: "bytes", about: "largest key + value" },
  maxEntries: {
    default: 0,
    min: 16,
    max: 4_000_000,
    unit: "entries",
    zero: "one for each 4 KiB of `maxBytes`",
    about: "entry records; 64 bytes each and 4 more for each worker",
  },
  maxWorkers: {
    default: 16,
    min: 1,
    max: 256,
    unit: "workers",
    about: "threads or processes attached at one time",
  },
} as const satisfies Record<string, NumberRule>;

/** The numeric options of {@link SharedCache.attach}. */
export const SHARED_ATTACH_NUMBERS = {
  lockWaitMs: {
    default: 10,
    min: 1,
    max: 10_000,
    unit: "ms",
    zero: "give up at once",
    about: "how long a write waits for another worker's; then it is not done",
  },
} as const satisfies Record<string, NumberRule>;

/** True when `value` is the rule's 0 or an integer within its bounds. */
export function fitsRule(value: unknown, rule: NumberRule): value is number {
  if (value === 0 && rule.zero !== undefined) return true;
  return typeof value === "number" && Number.isInteger(value) && value >= rule.min && value <= rule.max;
}

/** `from 1000 to 604800000 ms, or 0 (never expires)`. */
export function boundsText(rule: NumberRule): string {
  const zero = rule.zero === undefined ? "" : `, or 0 (${rule.zero})`;
  return `an integer from ${rule.min} to ${rule.max} ${rule.unit}${zero}`;
}

/** One numeric option after validation.
 * @throws CacheError `TZ_CACHE_OPTION`, naming the option, the value and the bounds. */
export function numberOption(owner: string, name: string, given: unknown, rule: NumberRule): number {
  if (given === undefined) return rule.default;
  if (fitsRule(given, rule)) return given;
  throw new CacheError(
    "TZ_CACHE_OPTION",
    `${owner}: option "${name}" is ${shown(given)}, must be ${boundsText(rule)}`,
  );
}

/** A TTL that came with one entry. @throws CacheError `TZ_CACHE_TTL`. */
export function entryTtl(name: string, given: number): number {
  if (fitsRule(given, TTL_RULE)) return given;
  throw new CacheError("TZ_CACHE_TTL", `${name} is ${shown(given)}, must be ${boundsText(TTL_RULE)}`);
}

/** An option that is a function, or the default. @throws CacheError `TZ_CACHE_OPTION`. */
export function functionOption<T>(owner: string, name: string, given: unknown, fallback: T): T {
  if (given === undefined) return fallback;
  if (typeof given === "function") return given as T;
  throw new CacheError(
    "TZ_CACHE_OPTION",
    `${owner}: option "${name}" is ${shown(given)}, must be a function`,
  );
}

/** Refuses option names that do not exist. @throws CacheError `TZ_CACHE_OPTION`, naming the option and the known ones. */
export function refuseUnknown(owner: string, given: unknown, known: readonly string[]): void {
  if (typeof given !== "object" || given === null)
    throw new CacheError("TZ_CACHE_OPTION", `${owner}: options are ${shown(given)}, must be an object`);
  for (const name of Object.keys(given)) {
    if (!known.includes(name))
      throw new CacheError(
        "TZ_CACHE_OPTION",
        `${owner}: unknown option "${name}"; known are ${known.join(", ")}`,
      );
  }
}
