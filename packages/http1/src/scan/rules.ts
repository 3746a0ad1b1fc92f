import { ERROR } from "../errors.js";
import { FIELDS_MAX, HEAD_BYTES_MAX, type HeadLimits } from "../options.js";
import { RELAX } from "../relaxations.js";
import { CR, LF } from "../tables/bytes.js";
import * as T from "./table.js";

/** What the plain scanner works by: the limits, and bits of RELAX. */
export interface ScanRules extends HeadLimits {
  readonly relax: number;
}

/** What the table can hold, without any relaxation: the rules of a scan that has none of its own. */
export const TABLE_RULES: ScanRules = {
  maxRequestLineBytes: HEAD_BYTES_MAX,
  maxHeadBytes: HEAD_BYTES_MAX,
  maxFields: FIELDS_MAX,
  relax: 0,
};

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

export function fail(table: Uint16Array, start: number, at: number, error: number): number {
  table[T.ERROR_OFFSET] = at - start;
  return -error;
}

/** The bytes are used up at `i`: too large when the limit is why, incomplete otherwise. */
export function atEnd(table: Uint16Array, start: number, i: number, rules: ScanRules): number {
  return i - start >= rules.maxHeadBytes ? fail(table, start, i, ERROR.headTooLarge) : 0;
}

/**
 * Steps over the line end at `i`, where a byte is that is CR or LF.
 * @returns the position behind it, 0 when it is incomplete, or a negated error id
 */
export function afterLineEnd(
  bytes: Uint8Array,
  table: Uint16Array,
  start: number,
  i: number,
  stop: number,
  rules: ScanRules,
): number {
  if (bytes[i] === LF)
    return (rules.relax & RELAX.bareLf) !== 0 ? i + 1 : fail(table, start, i, ERROR.bareLf);
  if (i + 1 >= stop) return atEnd(table, start, i + 1, rules);
  return bytes[i + 1] === LF ? i + 2 : fail(table, start, i + 1, ERROR.bareCr);
}

export function isLineEnd(byte: number): boolean {
  return byte === CR || byte === LF;
}
