export { ALIGNMENT_MAX, Arena, ArenaMark, type ArenaOptions } from "./arena.js";
export {
  ArenaSet,
  type ArenaSetOptions,
  type LeasedArena,
  LIFETIME_DEFAULTS,
  LIFETIMES,
  type Lifetime,
  type LifetimeOptions,
} from "./arena-set.js";
export type { AtCapacity, OrNull } from "./at-capacity.js";
export { ALLOC_ERROR_CODES, AllocError, type AllocErrorCode } from "./errors.js";
export type { Capacity } from "./holders.js";
export type { Leak } from "./leak-tracker.js";
export type { ChunkSource, MemorySource } from "./memory.js";
export { MpmcQueue, type MpmcQueueLayout, type MpmcQueueOptions } from "./mpmc-queue.js";
export { ObjectPool, type ObjectPoolOptions } from "./object-pool.js";
export { ALLOC_OPTIONS, type NumberRule } from "./options.js";
export { OWNERS_MAX } from "./owner-table.js";
export { type LeakOf, Report, type Reportable, report } from "./report.js";
export { SharedSlabPool, type SharedSlabPoolLayout, type SharedSlabPoolOptions } from "./shared-slab-pool.js";
export {
  ALLOCATION_BYTES_MAX,
  SizeClassAllocator,
  type SizeClassAllocatorOptions,
} from "./size-class-allocator.js";
export { SlabPool, type SlabPoolOptions } from "./slab-pool.js";
export { SpscRing, type SpscRingLayout } from "./spsc-ring.js";
export type { HighWater, MemoryStatistics, PartStatistics } from "./statistics.js";
export { DELAY_MS_MAX, TimerWheel, type TimerWheelOptions, WheelTimer } from "./timer-wheel.js";
export type { WakeOptions } from "./wait-event.js";
