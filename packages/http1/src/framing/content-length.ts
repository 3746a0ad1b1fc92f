import { ERROR } from "../errors.js";

/**
 * `Content-Length = 1*DIGIT` (RFC 9110 §8.6), as a Number that is exact.
 * @returns the length, or a negated error id
 */
export function parseContentLength(bytes: Uint8Array, start: number, end: number): number {
  if (start === end) return -ERROR.badContentLength;
  let length = 0;
  let overflow = false;
  for (let i = start; i < end; i++) {
    const digit = bytes[i]! - 0x30;
    if (digit < 0 || digit > 9) return -ERROR.badContentLength;
    length = length * 10 + digit;
    // Rounding only ever happens beyond this bound, and from there on the number only grows.
    if (length > Number.MAX_SAFE_INTEGER) overflow = true;
  }
  return overflow ? -ERROR.contentLengthTooLarge : length;
}
