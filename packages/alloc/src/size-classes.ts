/** Granularity of extents and slabs. Power of two; offsets of extents are multiples of it. */
export const UNIT_BYTES = 512;
/** The smallest class: less would need more bookkeeping than memory. */
export const CLASS_BYTES_MIN = 16;
/** The largest class; what is larger is an extent of whole units, so that rounding wastes at most 511 bytes. */
export const CLASS_BYTES_MAX = 4096;
/** Distance of the smallest classes, and the alignment of every allocation. */
export const QUANTUM_BYTES = 8;
/** A slab is at least this long, and as much longer as keeps its tail small. */
const SLAB_BYTES_MIN = 4096;
/** Gaps shorter than this are left: the bookkeeping of a slab in them would be worth more. */
const GAP_UNITS_MIN = 2;
/** Classes above need two bytes a slot for the waste: with one class a doubling a slot of 256 can waste 127. */
const TWO_BYTES_ABOVE = 256;
/** Part of a slab that may be left over behind its last slot. */
const SLAB_TAIL_MAX = 0.02;

/**
 * The sizes that small allocations are rounded up to.
 *
 * ```
 *  16 24 32 40 48 56 64 │ 72 80 88 96 104 112 120 128 │ 144 160 … 256 │ 288 … 512 │ …   … 4096
 *       step 8          │ step 8 = 64 / 8             │ step 16       │ step 32   │
 * ```
 *
 * With n classes per doubling, classes from p = 2^k on are p + i × p / n. The worst request is one byte above a
 * class: it wastes p / n − 1 bytes of p + p / n, that is less than 1 / n of the request and 1 / (n + 1) of the
 * class. So n = 8 keeps waste below 12.5 % of the request (11.1 % of the class). n = 4, jemalloc's spacing, gives
 * 25 % (20 %) in the worst case, and 12.5 % on the average of requests spread evenly over the first class after a
 * power of two. Below 64 bytes the quantum rules whatever n is: at most 7 bytes, and requests below 10 bytes take
 * a slot of 16.
 */
export class SizeClasses {
  readonly sizes: Int32Array;
  /** Class of a request, by `(bytes + 7) >> 3`. */
  readonly classOf: Uint8Array;
  /** By class: units of a slab. */
  readonly slabUnits: Int32Array;
  /**
   * By class: shorter lengths that leave little behind the last slot, shortest first, in units. A slab takes a gap
   * of such a length before it takes a piece of a longer one.
   */
  readonly gapUnits: readonly (readonly number[])[];

  constructor(perDoubling: number) {
    const sizes: number[] = [];
    for (let size = CLASS_BYTES_MIN; size <= CLASS_BYTES_MAX; ) {
      sizes.push(size);
      size += Math.max(QUANTUM_BYTES, 2 ** Math.floor(Math.log2(size)) / perDoubling);
    }
    this.sizes = Int32Array.from(sizes);
    this.classOf = new Uint8Array(CLASS_BYTES_MAX / QUANTUM_BYTES + 1);
    for (let i = 0, sizeClass = 0; i < this.classOf.length; i++) {
      if (i * QUANTUM_BYTES > sizes[sizeClass]!) sizeClass++;
      this.classOf[i] = sizeClass;
    }
    this.slabUnits = Int32Array.from(sizes, slabUnitsFor);
    this.gapUnits = sizes.map((size, i) => {
      const lengths: number[] = [];
      for (let units = GAP_UNITS_MIN; units < this.slabUnits[i]!; units++)
        if (fits(units, size)) lengths.push(units);
      return lengths;
    });
  }

  get count(): number {
    return this.sizes.length;
  }
}

/** Words of bookkeeping of a slab: one bit a slot for "free", then a byte or two a slot for what was not asked for. */
export function slabWords(slots: number, size: number): number {
  return bitmapWords(slots) + ((slots * wasteBytes(size) + 3) >> 2);
}

export function bitmapWords(slots: number): number {
  return (slots + 31) >> 5;
}

/** Bytes that hold the waste of a slot: more than 255 is only possible in large classes. */
export function wasteBytes(size: number): number {
  return size > TWO_BYTES_ABOVE ? 2 : 1;
}

/** The most waste that the bookkeeping of a class can hold. */
export function wasteMax(size: number): number {
  return size > TWO_BYTES_ABOVE ? 0xffff : 0xff;
}

function slabUnitsFor(size: number): number {
  let units = SLAB_BYTES_MIN / UNIT_BYTES;
  while (!fits(units, size)) units++;
  return units;
}

/** True when slots of `size` fill a slab of `units` but for a small tail. */
function fits(units: number, size: number): boolean {
  const bytes = units * UNIT_BYTES;
  return bytes >= size && bytes % size <= bytes * SLAB_TAIL_MAX;
}
