/**
 * The reference scanner: one byte after the other, in the order of the grammar. It decides what is an error
 * and where; the SIMD scanner only recognizes what is right and leaves the rest to this one.
 */
import { ERROR } from "../errors.js";
import { FIELDS_MAX, HEAD_BYTES_MAX, type HeadLimits } from "../options.js";
import { BYTE_CLASS, COLON, CR, DIGIT, HTAB, LF, SP, TARGET, TOKEN, VALUE } from "../tables/bytes.js";
import { fieldIdAt } from "../tables/field-hash.js";
import * as T from "./table.js";

/** Empty lines that are skipped before a request line (RFC 9112 §2.2 asks for "at least one"). */
export const EMPTY_LINES_MAX = 4;

/** What the table can hold; the limits of a scan that has none of its own. */
export const TABLE_LIMITS: HeadLimits = {
  maxRequestLineBytes: HEAD_BYTES_MAX,
  maxHeadBytes: HEAD_BYTES_MAX,
  maxFields: FIELDS_MAX,
};

const VERSION_PREFIX = Uint8Array.from("HTTP/", (letter) => letter.charCodeAt(0));

/**
 * Scans a request head in `bytes[start, end)`.
 *
 * An error is reported at the first byte which no valid head can have there, so the answer for a prefix never
 * changes when more bytes come: it is "incomplete" until it is final.
 *
 * @returns the head's length with the empty line, 0 when it is incomplete, or a negated error id
 */
export function scanRequestPlain(
  bytes: Uint8Array,
  table: Uint16Array,
  start: number,
  end: number,
  limits: HeadLimits,
): number {
  clear(table);
  const stop = Math.min(end, start + limits.maxHeadBytes);
  let i = start;
  for (let lines = 0; i < stop && bytes[i] === CR; lines++) {
    if (i + 1 >= stop) return atEnd(table, start, i + 1, limits);
    if (bytes[i + 1] !== LF) return fail(table, start, i + 1, ERROR.bareCr);
    if (lines === EMPTY_LINES_MAX) return fail(table, start, i, ERROR.emptyLines);
    i += 2;
  }

  const line = i;
  const lineStop = Math.min(stop, line + limits.maxRequestLineBytes);
  table[T.METHOD_START] = i - start;
  while (i < lineStop && (BYTE_CLASS[bytes[i]!]! & TOKEN) !== 0) i++;
  if (i === lineStop) return atLineStop(table, start, line, i, end, limits);
  if (bytes[i] !== SP || i === line) return fail(table, start, i, lineError(bytes[i]!, ERROR.badMethod));
  table[T.METHOD_END] = i - start;

  const target = ++i;
  table[T.TARGET_START] = target - start;
  while (i < lineStop && (BYTE_CLASS[bytes[i]!]! & TARGET) !== 0) i++;
  if (i === lineStop) return atLineStop(table, start, line, i, end, limits);
  if (bytes[i] !== SP || i === target) {
    const missing = i > target && (bytes[i] === CR || bytes[i] === LF);
    return fail(table, start, i, missing ? ERROR.missingVersion : ERROR.badTarget);
  }
  table[T.TARGET_END] = i - start;

  const version = ++i;
  for (; i < version + 8; i++) {
    if (i === lineStop) return atLineStop(table, start, line, i, end, limits);
    const at = i - version;
    const byte = bytes[i]!;
    const good =
      at < 5 ? byte === VERSION_PREFIX[at] : at === 6 ? byte === 0x2e : (BYTE_CLASS[byte]! & DIGIT) !== 0;
    if (!good) {
      return fail(
        table,
        start,
        i,
        at === 0 && (byte === CR || byte === LF) ? ERROR.missingVersion : ERROR.badVersion,
      );
    }
  }
  if (bytes[version + 5] !== 0x31) return fail(table, start, i - 1, ERROR.unsupportedVersion);
  // A higher minor version is served as the highest that is known (RFC 9110 §2.5).
  table[T.MINOR_VERSION] = bytes[version + 7] === 0x30 ? 0 : 1;

  // The line's CR may stand right at the limit.
  if (i >= stop) return atEnd(table, start, i, limits);
  if (bytes[i] !== CR) {
    if (i >= line + limits.maxRequestLineBytes) return fail(table, start, i, ERROR.requestLineTooLong);
    return fail(table, start, i, bytes[i] === LF ? ERROR.bareLf : ERROR.badVersion);
  }
  if (i + 1 >= stop) return atEnd(table, start, i + 1, limits);
  if (bytes[i + 1] !== LF) return fail(table, start, i + 1, ERROR.bareCr);
  return scanFieldLines(bytes, table, start, i + 2, end, limits);
}

/**
 * Scans field lines and the empty line from `from`; offsets and the result count from `start`.
 * The table must have been cleared by {@link clear}.
 * @param countBefore lines of this head that are in the table already; a complete result then lacks them in its masks
 */
export function scanFieldLines(
  bytes: Uint8Array,
  table: Uint16Array,
  start: number,
  from: number,
  end: number,
  limits: HeadLimits,
  countBefore = 0,
): number {
  const stop = Math.min(end, start + limits.maxHeadBytes);
  const { maxFields } = limits;
  let i = from;
  let mask = 0;
  let repeated = 0;
  let count = countBefore;
  let record = T.RECORDS + count * T.RECORD_SIZE;
  for (;;) {
    if (i >= stop) return atEnd(table, start, i, limits);
    const first = bytes[i]!;
    if (first === CR) {
      if (i + 1 >= stop) return atEnd(table, start, i + 1, limits);
      if (bytes[i + 1] !== LF) return fail(table, start, i + 1, ERROR.bareCr);
      table[T.MASK] = mask;
      table[T.MASK + 1] = mask >>> 16;
      table[T.REPEATED] = repeated;
      table[T.REPEATED + 1] = repeated >>> 16;
      return i + 2 - start;
    }
    if (first === SP || first === HTAB)
      return fail(table, start, i, count === 0 ? ERROR.spaceBeforeField : ERROR.obsFold);
    if (count === maxFields) return fail(table, start, i, ERROR.tooManyFields);

    const name = i;
    while (i < stop && (BYTE_CLASS[bytes[i]!]! & TOKEN) !== 0) i++;
    if (i >= stop) return atEnd(table, start, i, limits);
    if (bytes[i] !== COLON || i === name) return fail(table, start, i, nameError(bytes[i]!, i === name));
    const colon = i++;

    while (i < stop && (bytes[i] === SP || bytes[i] === HTAB)) i++;
    const value = i;
    while (i < stop && (BYTE_CLASS[bytes[i]!]! & VALUE) !== 0) i++;
    if (i >= stop) return atEnd(table, start, i, limits);
    if (bytes[i] !== CR) return fail(table, start, i, lineError(bytes[i]!, ERROR.badFieldValue));
    if (i + 1 >= stop) return atEnd(table, start, i + 1, limits);
    if (bytes[i + 1] !== LF) return fail(table, start, i + 1, ERROR.bareCr);
    let valueEnd = i;
    while (valueEnd > value && (bytes[valueEnd - 1] === SP || bytes[valueEnd - 1] === HTAB)) valueEnd--;
    i += 2;

    const id = fieldIdAt(bytes, name, colon);
    table[record] = name - start;
    table[record + T.NAME_END] = colon - start;
    table[record + T.VALUE_START] = value - start;
    table[record + T.VALUE_END] = valueEnd - start;
    table[record + T.FIELD_ID] = id;
    record += T.RECORD_SIZE;
    table[T.LINE_INDEX + (id & 127)] = count;
    if (id < 32) {
      const bit = 1 << id;
      repeated |= mask & bit;
      mask |= bit;
    }
    table[T.COUNT] = ++count;
  }
}

/** Empties the table for a new head. */
export function clear(table: Uint16Array): void {
  table[T.COUNT] = 0;
  table[T.MASK] = 0;
  table[T.MASK + 1] = 0;
  table[T.REPEATED] = 0;
  table[T.REPEATED + 1] = 0;
  table[T.ERROR_OFFSET] = 0;
  table[T.HINTS] = 0;
}

function fail(table: Uint16Array, start: number, at: number, error: number): number {
  table[T.ERROR_OFFSET] = at - start;
  return -error;
}

/** The bytes are used up at `i`: too large when the limit is why, incomplete otherwise. */
function atEnd(table: Uint16Array, start: number, i: number, limits: HeadLimits): number {
  return i - start >= limits.maxHeadBytes ? fail(table, start, i, ERROR.headTooLarge) : 0;
}

/** The request line is not over at `i`, where its bytes, its limit or the head's limit end. */
function atLineStop(
  table: Uint16Array,
  start: number,
  line: number,
  i: number,
  end: number,
  limits: HeadLimits,
): number {
  if (i - line >= limits.maxRequestLineBytes && i < end)
    return fail(table, start, i, ERROR.requestLineTooLong);
  return atEnd(table, start, i, limits);
}

/** An LF where the line cannot end has an error of its own. */
function lineError(byte: number, otherwise: number): number {
  return byte === LF ? ERROR.bareLf : otherwise;
}

function nameError(byte: number, empty: boolean): number {
  if (byte === LF || byte === CR) return empty ? ERROR.bareLf : ERROR.missingColon;
  if (empty) return ERROR.badFieldName;
  return byte === SP || byte === HTAB ? ERROR.spaceBeforeColon : ERROR.badFieldName;
}
