import { isUtf8 } from "node:buffer";

/**
 * Incremental UTF-8 validation (RFC 3629) that fails on the first byte that no valid text can have there.
 *
 * The state between two calls is one number, so a connection carries no decoder:
 *
 * ```
 *   0            between characters
 *   -1           failed
 *   otherwise    low << 16 | high << 8 | continuation bytes still to come,
 *                where the next byte must lie in [low, high]
 * ```
 *
 * Only the byte after the first has a range of its own (no overlong forms, no surrogates, nothing above
 * U+10FFFF); the others lie in [80, BF].
 */
export const UTF8_START = 0;
export const UTF8_FAILED = -1;

/** From here on the native check of whole characters is faster than the loop. */
const NATIVE_BYTES_MIN = 48;

function state(remaining: number, low: number, high: number): number {
  return remaining === 0 ? UTF8_START : (low << 16) | (high << 8) | remaining;
}

/** The state after the first byte of a character. */
function lead(byte: number): number {
  if (byte < 0x80) return UTF8_START;
  if (byte < 0xc2) return UTF8_FAILED;
  if (byte < 0xe0) return state(1, 0x80, 0xbf);
  if (byte < 0xf0) return state(2, byte === 0xe0 ? 0xa0 : 0x80, byte === 0xed ? 0x9f : 0xbf);
  if (byte < 0xf5) return state(3, byte === 0xf0 ? 0x90 : 0x80, byte === 0xf4 ? 0x8f : 0xbf);
  return UTF8_FAILED;
}

function step(from: number, byte: number): number {
  if (from === UTF8_START) return lead(byte);
  if (byte < from >>> 16 || byte > ((from >>> 8) & 0xff)) return UTF8_FAILED;
  return state((from & 0xff) - 1, 0x80, 0xbf);
}

/** Byte by byte: the reference, and what short ranges take. */
export function validateUtf8Bytes(from: number, bytes: Uint8Array, start: number, end: number): number {
  let now = from;
  for (let at = start; at < end && now !== UTF8_FAILED; at++) {
    const byte = bytes[at]!;
    if (byte >= 0x80 || now !== UTF8_START) now = step(now, byte);
  }
  return now;
}

/** Where the last character of the range begins when it may be cut, `end` otherwise. */
function lastBoundary(bytes: Uint8Array, start: number, end: number): number {
  for (let at = end - 1; at >= start && at >= end - 3; at--) {
    const byte = bytes[at]!;
    if (byte < 0x80) return end;
    if (byte >= 0xc0) return at;
  }
  return end;
}

/**
 * Continues from a state over `bytes[start, end)`.
 *
 * @returns the next state: {@link UTF8_FAILED} as soon as the text cannot become valid any more
 */
export function validateUtf8(from: number, bytes: Uint8Array, start: number, end: number): number {
  if (end - start < NATIVE_BYTES_MIN || from === UTF8_FAILED)
    return validateUtf8Bytes(from, bytes, start, end);
  let at = start;
  let now = from;
  while (now > UTF8_START) now = step(now, bytes[at++]!);
  if (now === UTF8_FAILED) return UTF8_FAILED;
  const boundary = lastBoundary(bytes, at, end);
  if (!isUtf8(bytes.subarray(at, boundary))) return UTF8_FAILED;
  return validateUtf8Bytes(UTF8_START, bytes, boundary, end);
}

/** True when the range is UTF-8 text that does not end inside a character. */
export function isUtf8Text(bytes: Uint8Array, start: number, end: number): boolean {
  return validateUtf8(UTF8_START, bytes, start, end) === UTF8_START;
}
