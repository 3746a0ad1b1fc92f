/** Blocks begin at multiples of this in the memory, so that a place fits 32 bits: 64 × 2^32 = 256 GiB. */
export const UNIT_BYTES = 64;
export const CLASS_BYTES_MIN = 128;
/** Each slot of a page has so many bytes in the page's table of owners. */
export const OWNER_BYTES = 4;

/** Classes between a power of two and the next. */
const PER_DOUBLING = 4;

/**
 * The block sizes of a page of `pageBytes`, ascending. Small ones four to a doubling (at most a fifth of a block is
 * waste); from an eighth of a page on they are what a page divides into, so that no page has a useless end.
 *
 * ```
 *   128 192 256 320 384 448 512 640 768 896 1024 …   page/8 page/7 page/6 page/5 page/4 page/3 page/2 page
 * ```
 */
export function classSizes(pageBytes: number): Int32Array {
  const sizes: number[] = [];
  const largeFrom = slotBytes(pageBytes, 8);
  for (let size = CLASS_BYTES_MIN; size < largeFrom; ) {
    sizes.push(size);
    const step = 2 ** Math.floor(Math.log2(size)) / PER_DOUBLING;
    size += Math.max(UNIT_BYTES, step);
  }
  for (let parts = 8; parts >= 1; parts--) sizes.push(slotBytes(pageBytes, parts));
  return Int32Array.from(sizes);
}

/** The largest block so that `parts` of them and their owners fit a page. */
function slotBytes(pageBytes: number, parts: number): number {
  return Math.floor((pageBytes - parts * OWNER_BYTES) / parts / UNIT_BYTES) * UNIT_BYTES;
}

/** The first class that holds so many bytes; -1 when none does. */
export function classFor(sizes: Int32Array, bytes: number): number {
  let low = 0;
  let high = sizes.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sizes[middle]! >= bytes) high = middle;
    else low = middle + 1;
  }
  return low < sizes.length ? low : -1;
}

/** How many slots of a size a page has. */
export function slotsOfPage(pageBytes: number, size: number): number {
  return Math.floor(pageBytes / (size + OWNER_BYTES));
}
