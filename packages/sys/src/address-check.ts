/**
 * Checker mode: with `TZ_CHECK=1` in the environment at import, every wrapper that hands memory to the
 * kernel first proves that the whole range lies in one live region. Without it the exported functions are
 * the bare calls. A wrong address is silent heap corruption otherwise, so all tests run checked.
 */
import { BadAddressError } from "./errors.js";
import { bytesAt } from "./region-registry.js";

export const checking: boolean = process.env.TZ_CHECK === "1";

/** `plain` as it is, or with `check` run on its arguments first when checking. */
export function checked<A extends unknown[], R>(
  plain: (...values: A) => R,
  check: (...values: A) => void,
): (...values: A) => R {
  if (!checking) return plain;
  return (...values: A): R => {
    check(...values);
    return plain(...values);
  };
}

/** Throws {@link BadAddressError} unless the range lies in one live region. No bytes need no memory. */
export function checkRange(syscall: string, address: number, length: number): void {
  if (length !== 0) liveBytes(syscall, address, length);
}

function liveBytes(syscall: string, address: number, length: number): Uint8Array {
  const bytes = bytesAt(address, length);
  if (typeof bytes === "string") throw new BadAddressError(syscall, address, length, bytes);
  return bytes;
}

/** The 64-bit word at an offset. Lengths and addresses of user memory are exact as Numbers. */
function wordAt(bytes: Uint8Array, offset: number): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return view.getUint32(offset, true) + view.getUint32(offset + 4, true) * 2 ** 32;
}

/** Two 64-bit words per entry, on both processors: address and length. */
export const IOVEC_BYTES = 16;

/** Checks an array of `struct iovec` and every range that it names. */
export function checkVector(syscall: string, address: number, count: number): void {
  if (count === 0) return;
  const entries = liveBytes(syscall, address, count * IOVEC_BYTES);
  for (let offset = 0; offset < entries.byteLength; offset += IOVEC_BYTES) {
    checkRange(syscall, wordAt(entries, offset), wordAt(entries, offset + 8));
  }
}

/** `struct msghdr`: name, namelen, iov, iovlen, control, controllen, flags; 56 bytes on both processors. */
export const MSGHDR_BYTES = 56;

/** Checks a `struct msghdr`, its vector, its name and its control bytes. */
export function checkMessage(syscall: string, address: number): void {
  const header = liveBytes(syscall, address, MSGHDR_BYTES);
  // The upper half of the name length's word is padding.
  if (wordAt(header, 0) !== 0) checkRange(syscall, wordAt(header, 0), wordAt(header, 8) % 2 ** 32);
  checkVector(syscall, wordAt(header, 16), wordAt(header, 24));
  if (wordAt(header, 32) !== 0) checkRange(syscall, wordAt(header, 32), wordAt(header, 40));
}
