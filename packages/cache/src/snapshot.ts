import { CacheError, shown } from "./errors.js";
import { fitsRule, TTL_RULE } from "./options.js";

export const SNAPSHOT_VERSION = 1;

/** One entry: key, value (`undefined`: negative), bytes, ms left to live at `takenAtMs` (0: for ever), tags. */
export type SnapshotEntry<K, V> = readonly [
  key: K,
  value: V | undefined,
  bytes: number,
  leftMs: number,
  tags: readonly string[],
];

/**
 * What a cache held, the entry worth least first. Plain data: `structuredClone` and `v8.serialize` take it as it
 * is, JSON where keys and values allow it.
 */
export interface CacheSnapshot<K, V> {
  readonly version: typeof SNAPSHOT_VERSION;
  /** By the calendar clock, so that the time until `restore` counts. */
  readonly takenAtMs: number;
  readonly entries: readonly SnapshotEntry<K, V>[];
}

/**
 * Checks the form of a snapshot from outside before anything of it is used.
 *
 * @throws CacheError `TZ_CACHE_SNAPSHOT`
 */
export function checkSnapshot(snapshot: unknown): asserts snapshot is CacheSnapshot<unknown, unknown> {
  const { version, takenAtMs, entries } = (snapshot ?? {}) as Partial<CacheSnapshot<unknown, unknown>>;
  if (version !== SNAPSHOT_VERSION) refuse(`version is ${shown(version)}, must be ${SNAPSHOT_VERSION}`);
  if (!Number.isFinite(takenAtMs)) refuse(`takenAtMs is ${shown(takenAtMs)}`);
  if (!Array.isArray(entries)) refuse(`entries is ${shown(entries)}, must be an array`);
  for (const [index, entry] of entries.entries()) checkEntry(entry, index);
}

function checkEntry(entry: unknown, index: number): void {
  if (!Array.isArray(entry) || entry.length !== 5)
    refuse(`entry ${index} is ${shown(entry)}, must be five values`);
  const [, , bytes, leftMs, tags] = entry;
  if (!Number.isInteger(bytes) || bytes < 1) refuse(`entry ${index} has ${shown(bytes)} bytes`);
  const timeFits = typeof leftMs === "number" && leftMs >= 0 && leftMs <= TTL_RULE.max;
  if (!timeFits && !fitsRule(leftMs, TTL_RULE)) refuse(`entry ${index} has ${shown(leftMs)} ms left`);
  if (!Array.isArray(tags) || tags.some((tag) => typeof tag !== "string"))
    refuse(`entry ${index} has bad tags`);
}

function refuse(why: string): never {
  throw new CacheError("TZ_CACHE_SNAPSHOT", `not a snapshot of this version: ${why}`);
}
