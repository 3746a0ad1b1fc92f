import type { Stretch } from "./shared-memory.js";
import { UNIT_BYTES } from "./size-classes.js";

/** A window begins every 2^24 units, which is 1 GiB, and reaches over the largest block behind its end. */
const WINDOW_SHIFT = 24;
const WINDOW_MASK = 2 ** WINDOW_SHIFT - 1;
const WINDOW_BYTES = 2 ** WINDOW_SHIFT * UNIT_BYTES;
const OVERLAP_BYTES = 64 * 2 ** 20;

/**
 * The bytes of blocks, by unit. In windows, because on Node 20 one view ends at 4 GiB.
 *
 * ```
 *   memory   │ 1 GiB           │ 1 GiB           │ …
 *   window 0 ├─────────────────┼──▶
 *   window 1                   ├─────────────────┼──▶
 * ```
 */
export class BlockMemory {
  readonly #windows: Uint8Array[] = [];

  constructor({ buffer, byteOffset, byteLength }: Stretch) {
    for (let at = 0; at < byteLength; at += WINDOW_BYTES)
      this.#windows.push(
        new Uint8Array(buffer, byteOffset + at, Math.min(WINDOW_BYTES + OVERLAP_BYTES, byteLength - at)),
      );
  }

  /** The view that holds the block at a unit, from {@link indexOf} on. */
  windowOf(unit: number): Uint8Array {
    return this.#windows[unit >>> WINDOW_SHIFT]!;
  }

  indexOf(unit: number): number {
    return (unit & WINDOW_MASK) * UNIT_BYTES;
  }

  /** Whether `length` bytes behind `skip` bytes of a block are the given ones. */
  equals(unit: number, skip: number, other: Uint8Array, otherStart: number, length: number): boolean {
    const bytes = this.windowOf(unit);
    const start = this.indexOf(unit) + skip;
    for (let i = 0; i < length; i++) if (bytes[start + i] !== other[otherStart + i]) return false;
    return true;
  }
}
