/**
 * Writes the head of a plain 200 in front of the body that lies in a slot, as bytes: no string is made.
 *
 * ```
 *   [ before | length \r\n | Last-Modified: date \r\n | ETag: W/"…" \r\n | after ][ body ]
 *     fixed    digits        29 bytes                  digits             fixed
 * ```
 *
 * A slot keeps what lay in it: when the next head has its parts in the same places, only digits and date are written.
 */
import { httpDate } from "@tz/http1";
import type { ColdSlot } from "./cold-slots.js";
import { HEAD_BYTES } from "./cold-slots.js";
import type { FileTimes, HeadParts } from "./head-parts.js";

const ZERO = 0x30;
/** From 9 to `a` in the digits of base 36. */
const LETTERS = 0x61 - 10;
const DASH = 0x2d;
const DOT = 0x2e;
const QUOTE = 0x22;
const CR = 0x0d;
const LF = 0x0a;

const DATE_BYTES = 29;
const bytesOf = (text: string): Uint8Array => Buffer.from(text, "latin1");
const DATE_NAME = bytesOf("Last-Modified: ");
const TAG_START = bytesOf('ETag: W/"');
const CRLF_BYTES = 2;
/** `-`, `.`, the closing quote and CRLF. */
const TAG_REST_BYTES = 5;
/** Larger numbers do not divide as 32-bit integers. */
const SECONDS_MAX = 0x7fffffff;

/** Files of one deployment have few dates. A power of two. */
const DATES = 64;

export class HeadWriter {
  readonly #hasDate: boolean;
  readonly #hasTag: boolean;
  readonly #dateSeconds = new Float64Array(DATES).fill(Number.NaN);
  readonly #dates: Uint8Array[] = new Array(DATES).fill(DATE_NAME);

  constructor(options: { readonly lastModified: boolean; readonly etag: unknown }) {
    this.#hasDate = options.lastModified;
    this.#hasTag = options.etag !== false;
  }

  /** @returns the length of the head; 0, with nothing written, when it does not fit or has unusual numbers */
  write(slot: ColdSlot, parts: HeadParts, file: FileTimes, nowMs: number): number {
    const { byteLength, mtimeSeconds, mtimeNanoseconds } = file;
    if (mtimeSeconds > SECONDS_MAX || mtimeSeconds < 0) return 0;
    const { before, after } = parts;
    const dateSeconds = this.#hasDate && mtimeSeconds * 1000 <= nowMs ? mtimeSeconds : -1;
    const dateBytes = dateSeconds < 0 ? 0 : DATE_NAME.length + DATE_BYTES + CRLF_BYTES;
    const lengthDigits = digits(byteLength, 10);
    const tagBytes = this.#hasTag
      ? TAG_START.length +
        digits(byteLength, 36) +
        digits(mtimeSeconds, 36) +
        digits(mtimeNanoseconds, 36) +
        TAG_REST_BYTES
      : 0;
    const total = before.length + lengthDigits + CRLF_BYTES + dateBytes + tagBytes + after.length;
    if (total > HEAD_BYTES) return 0;
    const start = HEAD_BYTES - total;
    const { bytes, layout } = slot;
    const isSame =
      layout.parts === parts &&
      layout.start === start &&
      layout.lengthDigits === lengthDigits &&
      layout.dateSeconds < 0 === dateSeconds < 0;
    let at = start + before.length;
    if (!isSame) {
      bytes.set(before, start);
      bytes.set(after, HEAD_BYTES - after.length);
    }
    at = number(bytes, at + lengthDigits, byteLength, 10);
    at = endLine(bytes, at);
    if (dateSeconds >= 0) {
      if (!isSame) bytes.set(DATE_NAME, at);
      at += DATE_NAME.length;
      if (!isSame || layout.dateSeconds !== dateSeconds) bytes.set(this.#date(dateSeconds), at);
      at = endLine(bytes, at + DATE_BYTES);
    }
    if (this.#hasTag) {
      if (!isSame) bytes.set(TAG_START, at);
      at = number(bytes, at + TAG_START.length + digits(byteLength, 36), byteLength, 36);
      bytes[at++] = DASH;
      at = number(bytes, at + digits(mtimeSeconds, 36), mtimeSeconds, 36);
      bytes[at++] = DOT;
      at = number(bytes, at + digits(mtimeNanoseconds, 36), mtimeNanoseconds, 36);
      bytes[at++] = QUOTE;
      endLine(bytes, at);
    }
    layout.parts = parts;
    layout.start = start;
    layout.lengthDigits = lengthDigits;
    layout.dateSeconds = dateSeconds;
    return total;
  }

  #date(seconds: number): Uint8Array {
    const index = seconds & (DATES - 1);
    if (this.#dateSeconds[index] !== seconds) {
      this.#dateSeconds[index] = seconds;
      this.#dates[index] = bytesOf(httpDate(seconds * 1000));
    }
    return this.#dates[index]!;
  }
}

/** How many digits a number below 2^31 has. */
function digits(value: number, base: number): number {
  let count = 1;
  for (let rest = value | 0; rest >= base; rest = (rest / base) | 0) count++;
  return count;
}

/** Writes the digits that end at `end`; returns `end`. */
function number(bytes: Uint8Array, end: number, value: number, base: number): number {
  let at = end;
  let rest = value | 0;
  do {
    const next = (rest / base) | 0;
    const digit = rest - next * base;
    bytes[--at] = digit < 10 ? ZERO + digit : LETTERS + digit;
    rest = next;
  } while (rest > 0);
  return end;
}

function endLine(bytes: Uint8Array, at: number): number {
  bytes[at] = CR;
  bytes[at + 1] = LF;
  return at + CRLF_BYTES;
}
