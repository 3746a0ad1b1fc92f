import { type Clock, coarseClock } from "./clock.js";
import { CacheError, shown } from "./errors.js";
import type { OnEvict } from "./eviction-notices.js";
import {
  BYTE_CACHE_NUMBERS,
  BYTE_CACHE_OTHERS,
  functionOption,
  numberOption,
  refuseUnknown,
} from "./options.js";
import type { PolicyName } from "./policy/choose.js";
import type { KeyHash } from "./policy/key-hash.js";
import type { StatisticsPlace } from "./statistics.js";
import { valueBytes } from "./value-size.js";

/** Defaults and bounds are in `BYTE_CACHE_NUMBERS` and `BYTE_CACHE_OTHERS`. */
export interface ByteCacheOptions<K, V> {
  /** Budget in bytes, 1 MiB to 10 GiB. */
  maxBytes?: number | undefined;
  /** Budget in entries, up to 16 million. */
  maxEntries?: number | undefined;
  /** Time to live in ms: 0 for ever, or one second to seven days. */
  ttlMs?: number | undefined;
  /** Time to live of negative entries in ms: 0 makes none. */
  negativeTtlMs?: number | undefined;
  /** For so long after expiry the old value is answered while a load runs in the background. */
  staleWhileRevalidateMs?: number | undefined;
  /** For so long after expiry the old value is answered when the load fails. */
  staleIfErrorMs?: number | undefined;
  /** Pause after a failed load before the next one, while there is a stale value to answer with. */
  refreshBackoffMs?: number | undefined;
  /** After so long a loader has failed; 0 waits for ever. */
  loadTimeoutMs?: number | undefined;
  policy?: PolicyName | undefined;
  /** Size of a value in bytes, when `set` is not given one. */
  sizeOf?: ((value: V, key: K) => number) | undefined;
  /** For `sieve` and `w-tinylfu`: 32 bits that depend on the key alone. */
  hashKey?: KeyHash<K> | undefined;
  onEvict?: OnEvict<K, V> | undefined;
  /** Milliseconds from any start. May step back: see `steadyClock`. */
  now?: Clock | undefined;
  /** Milliseconds since 1970. */
  wallNow?: Clock | undefined;
  traceLoads?: boolean | undefined;
  statistics?: StatisticsPlace | undefined;
  name?: string | undefined;
}

type Numbers = { readonly [Name in keyof typeof BYTE_CACHE_NUMBERS]: number };

/** Options with nothing left open. */
export interface ByteCacheSettings<K, V> extends Numbers {
  readonly sizeOf: (value: V, key: K) => number;
  readonly hashKey: KeyHash<K> | undefined;
  readonly onEvict: OnEvict<K, V> | undefined;
  readonly now: Clock;
  readonly wallNow: Clock;
  readonly traceLoads: boolean;
  readonly name: string;
}

const OWNER = "ByteCache";

/** @throws CacheError `TZ_CACHE_OPTION`, naming the option, the value and the bounds */
export function byteCacheSettings<K, V>(options: ByteCacheOptions<K, V>): ByteCacheSettings<K, V> {
  refuseUnknown(OWNER, options, [...Object.keys(BYTE_CACHE_NUMBERS), ...Object.keys(BYTE_CACHE_OTHERS)]);
  const names = Object.keys(BYTE_CACHE_NUMBERS) as (keyof Numbers)[];
  const numbers = Object.fromEntries(
    names.map((name) => [name, numberOption(OWNER, name, options[name], BYTE_CACHE_NUMBERS[name])]),
  ) as Numbers;
  const { name = "cache", traceLoads = false } = options;
  if (typeof name !== "string") throw badOption("name", name, "a string");
  if (typeof traceLoads !== "boolean") throw badOption("traceLoads", traceLoads, "a boolean");
  return {
    ...numbers,
    name,
    traceLoads,
    sizeOf: functionOption(OWNER, "sizeOf", options.sizeOf, valueBytes),
    hashKey: functionOption(OWNER, "hashKey", options.hashKey, undefined),
    onEvict: functionOption(OWNER, "onEvict", options.onEvict, undefined),
    now: functionOption(OWNER, "now", options.now, coarseClock()),
    wallNow: functionOption(OWNER, "wallNow", options.wallNow, Date.now),
  };
}

function badOption(name: string, value: unknown, what: string): CacheError {
  return new CacheError("TZ_CACHE_OPTION", `${OWNER}: option "${name}" is ${shown(value)}, must be ${what}`);
}
