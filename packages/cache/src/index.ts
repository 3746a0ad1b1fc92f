export { ByteCache, type KeyState } from "./byte-cache.js";
export type { ByteCacheOptions } from "./byte-cache-options.js";
export {
  CHANNELS,
  type EvictMessage,
  type EvictReason,
  type LoadMessage,
  type LoadOutcome,
  type StatisticsMessage,
} from "./channels.js";
export { type Clock, steadyClock } from "./clock.js";
export { CACHE_ERROR_CODES, CacheError, type CacheErrorCode } from "./errors.js";
export type { OnEvict } from "./eviction-notices.js";
export type { LoadContext, Loader, StoreOptions } from "./flight.js";
export { WINDOWS_MS, type WindowName } from "./hit-windows.js";
export {
  BYTE_CACHE_NUMBERS,
  BYTE_CACHE_OTHERS,
  GiB,
  KiB,
  MiB,
  type NumberRule,
  type OtherRule,
  SHARED_ATTACH_NUMBERS,
  SHARED_CACHE_NUMBERS,
} from "./options.js";
export { POLICY_NAMES, type PolicyName } from "./policy/choose.js";
export { FrequencySketch } from "./policy/frequency-sketch.js";
export type { KeyHash } from "./policy/key-hash.js";
export type { SharedCacheOptions } from "./shared/layout.js";
export {
  type InsertOptions,
  SharedCache,
  type SharedCacheAttachOptions,
  type SharedStatistics,
} from "./shared/shared-cache.js";
export { SHARED_COUNTERS, type SharedCounterName, type SharedCounts } from "./shared/shared-counters.js";
export type { Liveness, ThreadIdentity } from "./shared/thread-identity.js";
export type { CacheSnapshot, SnapshotEntry } from "./snapshot.js";
export {
  CacheStatistics,
  COUNTERS,
  type CounterName,
  type Counts,
  type StatisticsPlace,
  type StatisticsReport,
} from "./statistics.js";
