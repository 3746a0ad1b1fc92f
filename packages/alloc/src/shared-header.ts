import { AllocError } from "./errors.js";
import { bytesOf, type MemorySource } from "./memory.js";

/**
 * The first cache line of every shared structure, in 32-bit words: what it is, so that nobody works in memory
 * that holds something else, and its measures, so that all who attach agree.
 *
 * ```
 *  │ magic │ kind │ measure 0 │ measure 1 │ … │ measure 13 │
 * ```
 */
export const LINE_BYTES = 64;
/** Words that different threads write are kept this far apart: CPUs fetch lines in pairs. */
export const APART_BYTES = 128;
const MAGIC = 0x545a_0001;
export const MEASURES_MAX = 14;

export const KINDS = { SharedSlabPool: 1, SpscRing: 2, MpmcQueue: 3 } as const;
export type SharedKind = keyof typeof KINDS;

export interface SharedMemoryViews {
  readonly bytes: Uint8Array;
  readonly words: Int32Array;
}

/** @throws AllocError `TZ_ALLOC_REGION` when the memory is shorter than `bytesNeeded` */
export function viewsOf(kind: SharedKind, memory: MemorySource, bytesNeeded: number): SharedMemoryViews {
  const bytes = bytesOf(kind, memory);
  if (bytes.length < bytesNeeded) {
    throw new AllocError(
      "TZ_ALLOC_REGION",
      `${kind}: memory must have ${bytesNeeded} bytes, got ${bytes.length}`,
    );
  }
  return { bytes, words: new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length >>> 2) };
}

/** Clears `bytesNeeded` of the memory and notes the measures. {@link publishHeader} makes it attachable. */
export function beginHeader(
  kind: SharedKind,
  views: SharedMemoryViews,
  bytesNeeded: number,
  measures: number[],
): void {
  Atomics.store(views.words, 0, 0);
  views.bytes.fill(0, 0, bytesNeeded);
  Atomics.store(views.words, 1, KINDS[kind]);
  measures.forEach((measure, i) => {
    Atomics.store(views.words, 2 + i, measure);
  });
}

/** The last step of creation: from here on the structure can be attached. */
export function publishHeader(views: SharedMemoryViews): void {
  Atomics.store(views.words, 0, MAGIC);
}

/**
 * The measures of a structure that was created in this memory.
 *
 * @throws AllocError `TZ_ALLOC_REGION` when there is none, or one of another kind
 */
export function readHeader(kind: SharedKind, memory: MemorySource): number[] {
  const { words } = viewsOf(kind, memory, LINE_BYTES);
  if (Atomics.load(words, 0) !== MAGIC || Atomics.load(words, 1) !== KINDS[kind]) {
    throw new AllocError("TZ_ALLOC_REGION", `${kind}: the memory does not hold a ${kind} (create it first)`);
  }
  return Array.from({ length: MEASURES_MAX }, (_, i) => Atomics.load(words, 2 + i));
}
