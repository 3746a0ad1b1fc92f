import { CacheError, shown } from "./errors.js";
import { BYTE_CACHE_NUMBERS } from "./options.js";

const BYTES_MAX = BYTE_CACHE_NUMBERS.maxBytes.max;

/**
 * The size of values that have one: `byteLength` of buffers and views, two bytes for each UTF-16 unit of a string.
 *
 * @throws CacheError `TZ_CACHE_SIZE` for everything else: give `bytes` with `set`, or the option `sizeOf`
 */
export function valueBytes(value: unknown): number {
  if (typeof value === "string") return value.length * 2;
  if (
    typeof value === "object" &&
    value !== null &&
    "byteLength" in value &&
    typeof value.byteLength === "number"
  )
    return value.byteLength;
  throw new CacheError(
    "TZ_CACHE_SIZE",
    `the size of ${shown(value)} is unknown: give "bytes", or the option "sizeOf"`,
  );
}

/**
 * A size as a policy takes it. Nothing is free: an empty value counts as one byte.
 *
 * @throws CacheError `TZ_CACHE_SIZE`
 */
export function checkedBytes(bytes: number): number {
  if (Number.isInteger(bytes) && bytes >= 0 && bytes <= BYTES_MAX) return bytes || 1;
  throw new CacheError(
    "TZ_CACHE_SIZE",
    `bytes is ${shown(bytes)}, must be an integer from 0 to ${BYTES_MAX}`,
  );
}
