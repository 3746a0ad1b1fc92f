/**
 * Everything that is counted between two resets hangs on one root, and the header names the root that counts. So a
 * reset is one atomic store: an event that is under way finishes in the old root, where nobody looks any more.
 *
 * ```
 *   byte       0  oldest level in use     ┐
 *             64  newest level            │ of the table of users,
 *            128  chunks of keys taken    │ see user-table.ts
 *            256  unit of each level      │
 *           1024  slots used, a line each │
 *           3072  next chunk to move, "   ┘
 *           8192  unit of each chunk of keys
 *          40960  lanes: one for each worker, see lane.ts
 * ```
 */
import { allocateUnits, HEADER, type Mapped, type Pages, unitsFor } from "../memory/pages.js";
import { LANE_BYTES } from "./lane.js";

/** Workers that may count at a time. */
export const MAX_LANES = 64;
export const MAX_LEVELS = 16;
export const MAX_KEY_CHUNKS = 8192;

/** Indexes of words. */
export const ROOT = {
  oldestLevel: 0,
  newestLevel: 16,
  keyChunks: 32,
  levelUnit: 64,
  levelUsed: 256,
  levelCursor: 768,
  keyChunkUnit: 2048,
} as const;

/** From one level's counter to the next: a cache line. */
export const LINE_WORDS = 16;

const LANES_AT = 40_960;
export const ROOT_UNITS = unitsFor(LANES_AT + MAX_LANES * LANE_BYTES);

/** A root as this process sees it. */
export class Root {
  readonly unit: number;
  readonly words: Int32Array;
  readonly #mapped: Mapped;

  constructor(pages: Pages, unit: number) {
    this.unit = unit;
    this.#mapped = pages.map(unit, ROOT_UNITS);
    this.words = new Int32Array(this.#mapped.buffer);
  }

  get buffer(): ArrayBufferLike {
    return this.#mapped.buffer;
  }

  laneAt(lane: number): number {
    return LANES_AT + lane * LANE_BYTES;
  }

  release(): void {
    this.#mapped.release();
  }
}

/** The root that counts now. */
export function currentRoot(pages: Pages): number {
  return Atomics.load(pages.header, HEADER.root);
}

/** Makes a fresh root the one that counts. @returns the one before; 0 at the beginning */
export function startRoot(pages: Pages): number {
  return Atomics.exchange(pages.header, HEADER.root, allocateUnits(pages, ROOT_UNITS));
}
