import { ERROR } from "../errors.js";
import { RELAX } from "../relaxations.js";
import { BYTE_CLASS, COLON, CR, DEL, HTAB, LF, SP, TOKEN } from "../tables/bytes.js";
import { fieldIdAt } from "../tables/field-hash.js";
import { afterLineEnd, atEnd, fail, isLineEnd, type ScanRules } from "./rules.js";
import * as T from "./table.js";

/**
 * Scans field lines and the empty line from `from`; offsets and the result count from `start`. The table must
 * have been cleared by `clear`.
 * @param countBefore lines of this head that are in the table already; a complete result then lacks them in its masks
 * @returns the length with the empty line, 0 when it is incomplete, or a negated error id
 */
export function scanFieldLines(
  bytes: Uint8Array,
  table: Uint16Array,
  start: number,
  from: number,
  end: number,
  rules: ScanRules,
  countBefore = 0,
): number {
  const stop = Math.min(end, start + rules.maxHeadBytes);
  let mask = 0;
  let repeated = 0;
  let count = countBefore;
  for (let i = from; ; ) {
    if (i >= stop) return atEnd(table, start, i, rules);
    const first = bytes[i]!;
    if (first === CR || (first === LF && (rules.relax & RELAX.bareLf) !== 0)) {
      const next = afterLineEnd(bytes, table, start, i, stop, rules);
      if (next <= 0) return next;
      table[T.MASK] = mask;
      table[T.MASK + 1] = mask >>> 16;
      table[T.REPEATED] = repeated;
      table[T.REPEATED + 1] = repeated >>> 16;
      return next - start;
    }
    if (first === SP || first === HTAB)
      return fail(table, start, i, count === 0 ? ERROR.spaceBeforeField : ERROR.obsFold);
    if (count === rules.maxFields) return fail(table, start, i, ERROR.tooManyFields);

    const record = T.RECORDS + count * T.RECORD_SIZE;
    const value = scanName(bytes, table, record, start, i, stop, rules);
    if (value <= 0) return value;
    const next = scanValue(bytes, table, record, start, value, stop, rules);
    if (next <= 0) return next;

    const id = fieldIdAt(bytes, i, start + table[record + T.NAME_END]!);
    table[record + T.FIELD_ID] = id;
    table[T.LINE_INDEX + (id & 127)] = count;
    if (id < 32) {
      const bit = 1 << id;
      repeated |= mask & bit;
      mask |= bit;
    }
    table[T.COUNT] = ++count;
    i = next;
  }
}

/** `field-name ":"`: the position behind it, 0, or a negated error id. */
function scanName(
  bytes: Uint8Array,
  table: Uint16Array,
  record: number,
  start: number,
  name: number,
  stop: number,
  rules: ScanRules,
): number {
  const classes = BYTE_CLASS;
  let i = name;
  while (i < stop && (classes[bytes[i]!]! & TOKEN) !== 0) i++;
  table[record] = name - start;
  table[record + T.NAME_END] = i - start;
  if ((rules.relax & RELAX.spaceBeforeColon) !== 0 && i > name) {
    while (i < stop && (bytes[i] === SP || bytes[i] === HTAB)) i++;
  }
  if (i >= stop) return atEnd(table, start, i, rules);
  if (bytes[i] === COLON && i > name) return i + 1;
  return fail(table, start, i, nameError(bytes[i]!, i === name));
}

/** `OWS field-value OWS CRLF`: the position behind it, 0, or a negated error id. */
function scanValue(
  bytes: Uint8Array,
  table: Uint16Array,
  record: number,
  start: number,
  from: number,
  stop: number,
  rules: ScanRules,
): number {
  let i = from;
  for (;;) {
    i = afterValueBytes(bytes, i, stop);
    if (i >= stop) return atEnd(table, start, i, rules);
    const byte = bytes[i]!;
    if (!isLineEnd(byte)) {
      if (byte === 0 || (rules.relax & RELAX.controlCharacters) === 0)
        return fail(table, start, i, ERROR.badFieldValue);
      i++;
      continue;
    }
    const next = afterLineEnd(bytes, table, start, i, stop, rules);
    if (next <= 0) return next;
    if ((rules.relax & RELAX.obsFold) !== 0) {
      if (next >= stop) return atEnd(table, start, next, rules);
      if (bytes[next] === SP || bytes[next] === HTAB) {
        let folded = next;
        while (folded < stop && (bytes[folded] === SP || bytes[folded] === HTAB)) folded++;
        bytes.fill(SP, i, folded);
        i = folded;
        continue;
      }
    }
    trim(bytes, table, record, start, from, i);
    return next;
  }
}

/** Steps over visible characters, spaces, tabs and bytes from 0x80 on: the longest loop there is. */
function afterValueBytes(bytes: Uint8Array, from: number, stop: number): number {
  for (let i = from; i < stop; i++) {
    const byte = bytes[i]!;
    if (byte < SP ? byte !== HTAB : byte === DEL) return i;
  }
  return stop;
}

/** The value without the white space around it; an empty one stands where its line ends. */
function trim(
  bytes: Uint8Array,
  table: Uint16Array,
  record: number,
  start: number,
  from: number,
  to: number,
): void {
  let value = from;
  let end = to;
  while (value < end && (bytes[value] === SP || bytes[value] === HTAB)) value++;
  while (end > value && (bytes[end - 1] === SP || bytes[end - 1] === HTAB)) end--;
  table[record + T.VALUE_START] = value - start;
  table[record + T.VALUE_END] = end - start;
}

function nameError(byte: number, empty: boolean): number {
  if (isLineEnd(byte)) return empty ? ERROR.bareLf : ERROR.missingColon;
  if (empty) return ERROR.badFieldName;
  return byte === SP || byte === HTAB ? ERROR.spaceBeforeColon : ERROR.badFieldName;
}
