/** No route with this path and method. Non-negative results are the id of a leaf. */
export const NO_MATCH = -1;
/** The path has encoded or non-ASCII bytes: decode it, then ask again. */
export const NEEDS_DECODING = -2;

/** The path to match, and what is written about it. */
export const PATH_END_SLOT = 0;
export const ALLOWED_SLOT = 1;
/** Start and end of each captured parameter follow from here. */
export const FIRST_CAPTURE_SLOT = 2;

/** Bytes above it need decoding first; a decoded path has nothing left to decode. */
export const RAW_BYTE_MAX = 0x7f;
export const DECODED_BYTE_MAX = 0xff;

/**
 * Finds the leaf of `bytes[start, end)`.
 *
 * @param view the memory of `bytes`, from its first byte to its last
 * @param bit the method's bit
 * @param byteMax {@link RAW_BYTE_MAX} or {@link DECODED_BYTE_MAX}
 * @param offsets receives the position where the path ends, the methods that other leaves of this path have
 *   (added to what is there), and the captures
 */
export type ByteMatcher = (
  bytes: Uint8Array,
  view: DataView,
  start: number,
  end: number,
  bit: number,
  byteMax: number,
  offsets: Int32Array,
) => number;
