import { ERROR } from "../errors.js";
import { RELAX } from "../relaxations.js";
import { BYTE_CLASS, DIGIT, SP, VALUE } from "../tables/bytes.js";
import { afterLineEnd, atEnd, fail, isLineEnd, type ScanRules } from "./rules.js";

const VERSION_PREFIX = Uint8Array.from("HTTP/1.", (letter) => letter.charCodeAt(0));
const MINOR_AT = VERSION_PREFIX.length;
const SPACE_AT = MINOR_AT + 1;
const STATUS_AT = SPACE_AT + 1;
const STATUS_END = STATUS_AT + 3;

/** The parts of a status line; absolute indices into the bytes. */
export interface StatusLine {
  minorVersion: number;
  status: number;
  reasonStart: number;
  reasonEnd: number;
}

/**
 * `HTTP-version SP status-code SP [ reason-phrase ] CRLF` (RFC 9112 §4) from `start` on, into `line`.
 * @returns the position behind it, 0 when it is incomplete, or a negated error id
 */
export function scanStatusLine(
  bytes: Uint8Array,
  table: Uint16Array,
  start: number,
  end: number,
  rules: ScanRules,
  line: StatusLine,
): number {
  const stop = Math.min(end, start + rules.maxHeadBytes);
  const lineStop = Math.min(stop, start + rules.maxRequestLineBytes);
  let i = start;
  for (; i < start + STATUS_END; i++) {
    if (i >= lineStop) return atLineStop(table, start, i, end, rules);
    if (!isStatusLineByte(bytes[i]!, i - start)) return fail(table, start, i, ERROR.badStatusLine);
  }
  line.minorVersion = bytes[start + MINOR_AT] === 0x30 ? 0 : 1;
  line.status = (bytes[i - 3]! - 0x30) * 100 + (bytes[i - 2]! - 0x30) * 10 + bytes[i - 1]! - 0x30;
  if (line.status < 100 || line.status > 599) return fail(table, start, i - 1, ERROR.badStatus);

  if (i >= lineStop) return atLineStop(table, start, i, end, rules);
  if (bytes[i] === SP) i++;
  else if ((rules.relax & RELAX.missingReasonSpace) === 0 || !isLineEnd(bytes[i]!))
    return fail(table, start, i, ERROR.badStatusLine);
  line.reasonStart = i;
  while (i < lineStop && (BYTE_CLASS[bytes[i]!]! & VALUE) !== 0) i++;
  line.reasonEnd = i;
  if (i >= stop) return atEnd(table, start, i, rules);
  if (isLineEnd(bytes[i]!)) return afterLineEnd(bytes, table, start, i, stop, rules);
  return i >= start + rules.maxRequestLineBytes
    ? atLineStop(table, start, i, end, rules)
    : fail(table, start, i, ERROR.badStatusLine);
}

function isStatusLineByte(byte: number, at: number): boolean {
  if (at < MINOR_AT) return byte === VERSION_PREFIX[at];
  return at === SPACE_AT ? byte === SP : (BYTE_CLASS[byte]! & DIGIT) !== 0;
}

function atLineStop(table: Uint16Array, start: number, i: number, end: number, rules: ScanRules): number {
  if (i - start >= rules.maxRequestLineBytes && i < end)
    return fail(table, start, i, ERROR.statusLineTooLong);
  return atEnd(table, start, i, rules);
}
