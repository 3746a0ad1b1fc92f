/**
 * The reference scanner: one byte after the other, in the order of the grammar. It decides what is an error
 * and where; the SIMD scanner only recognizes what is right and leaves the rest to this one.
 *
 * An error is reported at the first byte which no valid head can have there, so the answer for a prefix never
 * changes when more bytes come: it is "incomplete" until it is final.
 */
import { ERROR } from "../errors.js";
import { RELAX } from "../relaxations.js";
import { BYTE_CLASS, CR, DEL, DIGIT, HTAB, LF, SP, TARGET, TOKEN } from "../tables/bytes.js";
import { scanFieldLines } from "./plain-fields.js";
import { afterLineEnd, atEnd, clear, fail, isLineEnd, type ScanRules } from "./rules.js";
import * as T from "./table.js";

/** Empty lines that are skipped before a request line (RFC 9112 §2.2 asks for "at least one"). */
export const EMPTY_LINES_MAX = 4;

const VERSION_PREFIX = Uint8Array.from("HTTP/", (letter) => letter.charCodeAt(0));
const VERSION_LENGTH = "HTTP/1.1".length;
const DOT = 0x2e;

/**
 * Scans a request head in `bytes[start, end)`.
 * @returns the head's length with the empty line, 0 when it is incomplete, or a negated error id
 */
export function scanRequestPlain(
  bytes: Uint8Array,
  table: Uint16Array,
  start: number,
  end: number,
  rules: ScanRules,
): number {
  clear(table);
  const stop = Math.min(end, start + rules.maxHeadBytes);
  const lenient = (rules.relax & RELAX.bareLf) !== 0;
  let i = start;
  for (let lines = 0; i < stop && (bytes[i] === CR || (lenient && bytes[i] === LF)); lines++) {
    const next = afterLineEnd(bytes, table, start, i, stop, rules);
    if (next <= 0) return next;
    if (lines === EMPTY_LINES_MAX) return fail(table, start, i, ERROR.emptyLines);
    i = next;
  }
  const fields = scanRequestLine(bytes, table, start, i, end, rules);
  return fields <= 0 ? fields : scanFieldLines(bytes, table, start, fields, end, rules);
}

/** `method SP request-target SP HTTP-version CRLF`: the position behind it, 0, or a negated error id. */
function scanRequestLine(
  bytes: Uint8Array,
  table: Uint16Array,
  start: number,
  line: number,
  end: number,
  rules: ScanRules,
): number {
  const stop = Math.min(end, start + rules.maxHeadBytes);
  const lineStop = Math.min(stop, line + rules.maxRequestLineBytes);
  const loose = (rules.relax & RELAX.looseRequestLine) !== 0;
  let i = line;
  table[T.METHOD_START] = i - start;
  while (i < lineStop && (BYTE_CLASS[bytes[i]!]! & TOKEN) !== 0) i++;
  if (i === lineStop) return atLineStop(table, start, line, i, end, rules);
  if (i === line || !isSeparator(bytes[i]!, loose)) {
    return fail(table, start, i, bytes[i] === LF ? ERROR.bareLf : ERROR.badMethod);
  }
  table[T.METHOD_END] = i - start;

  i = afterSeparator(bytes, i, lineStop, loose);
  const target = i;
  table[T.TARGET_START] = target - start;
  const raw = (rules.relax & RELAX.rawTarget) !== 0;
  while (i < lineStop && isTargetByte(bytes[i]!, raw)) i++;
  if (i === lineStop) return atLineStop(table, start, line, i, end, rules);
  if (i === target || !isSeparator(bytes[i]!, loose)) {
    return fail(table, start, i, i > target && isLineEnd(bytes[i]!) ? ERROR.missingVersion : ERROR.badTarget);
  }
  table[T.TARGET_END] = i - start;

  i = afterSeparator(bytes, i, lineStop, loose);
  for (const version = i; i < version + VERSION_LENGTH; i++) {
    if (i === lineStop) return atLineStop(table, start, line, i, end, rules);
    if (!isVersionByte(bytes[i]!, i - version)) {
      return fail(
        table,
        start,
        i,
        i === version && isLineEnd(bytes[i]!) ? ERROR.missingVersion : ERROR.badVersion,
      );
    }
  }
  if (bytes[i - 3] !== 0x31) return fail(table, start, i - 1, ERROR.unsupportedVersion);
  // A higher minor version is served as the highest that is known (RFC 9110 §2.5).
  table[T.MINOR_VERSION] = bytes[i - 1] === 0x30 ? 0 : 1;
  if (loose) while (i < lineStop && isSeparator(bytes[i]!, loose)) i++;

  // The line's CR may stand right at the limit.
  if (i >= stop) return atEnd(table, start, i, rules);
  if (isLineEnd(bytes[i]!)) return afterLineEnd(bytes, table, start, i, stop, rules);
  return fail(
    table,
    start,
    i,
    i >= line + rules.maxRequestLineBytes ? ERROR.requestLineTooLong : ERROR.badVersion,
  );
}

/** The request line is not over at `i`, where its bytes, its limit or the head's limit end. */
function atLineStop(
  table: Uint16Array,
  start: number,
  line: number,
  i: number,
  end: number,
  rules: ScanRules,
): number {
  if (i - line >= rules.maxRequestLineBytes && i < end)
    return fail(table, start, i, ERROR.requestLineTooLong);
  return atEnd(table, start, i, rules);
}

function isSeparator(byte: number, loose: boolean): boolean {
  return byte === SP || (loose && byte === HTAB);
}

function afterSeparator(bytes: Uint8Array, i: number, stop: number, loose: boolean): number {
  let next = i + 1;
  if (loose) while (next < stop && isSeparator(bytes[next]!, loose)) next++;
  return next;
}

function isTargetByte(byte: number, raw: boolean): boolean {
  return (BYTE_CLASS[byte]! & TARGET) !== 0 || (raw && byte > SP && byte !== DEL);
}

/** `"HTTP" "/" DIGIT "." DIGIT`, byte by byte. */
function isVersionByte(byte: number, at: number): boolean {
  if (at < VERSION_PREFIX.length) return byte === VERSION_PREFIX[at];
  return at === 6 ? byte === DOT : (BYTE_CLASS[byte]! & DIGIT) !== 0;
}
