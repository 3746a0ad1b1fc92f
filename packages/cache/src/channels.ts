import { channel } from "node:diagnostics_channel";
import type { StatisticsReport } from "./statistics.js";

/** Why a value left a cache. */
export type EvictReason =
  /** The byte budget was full. */
  | "bytes"
  /** The entry budget was full. */
  | "entries"
  /** The policy kept others instead (`w-tinylfu`). */
  | "admission"
  /** The key was set again. */
  | "replaced"
  /** Its time was up, including the time it may be used stale. */
  | "expired"
  /** `delete`, or a loader found that there is nothing any more. */
  | "deleted"
  /** `invalidateTag` or `invalidatePrefix`. */
  | "invalidated"
  /** `clear` or `close`. */
  | "cleared";

/** On `tz:cache:evict`. */
export interface EvictMessage {
  readonly cache: string;
  readonly key: unknown;
  readonly bytes: number;
  readonly reason: EvictReason;
}

export type LoadOutcome = "loaded" | "absent" | "failed" | "timeout" | "dropped";

/** On `tz:cache:load`, when a loader has settled. `dropped`: the key was changed or invalidated meanwhile. */
export interface LoadMessage {
  readonly cache: string;
  readonly key: unknown;
  readonly outcome: LoadOutcome;
  readonly durationMs: number;
  readonly error?: unknown;
}

/** On `tz:cache:statistics`, at most once a second while the cache is used. */
export interface StatisticsMessage {
  readonly cache: string;
  readonly statistics: StatisticsReport;
}

/** The channels of `node:diagnostics_channel` on which the package publishes. A message is made only for a subscriber. */
export const CHANNELS = {
  evict: "tz:cache:evict",
  load: "tz:cache:load",
  statistics: "tz:cache:statistics",
} as const;

export const evictChannel = channel(CHANNELS.evict);
export const loadChannel = channel(CHANNELS.load);
export const statisticsChannel = channel(CHANNELS.statistics);
