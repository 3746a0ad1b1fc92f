/**
 * Where a scan writes what it found: 16-bit numbers, offsets relative to the scan's `start`.
 *
 * ```
 *  0 count │ 1 method start │ 2 method end │ 3 target start │ 4 target end │ 5 minor version │ 6,7 mask │ 8,9 repeated
 *  10 error offset │ 11 last line, when incomplete │ 12 hints │ 16 … 143 for each id: the index of its last line
 *  144 … records of five: name start │ name end │ value start │ value end │ field id
 * ```
 * `mask` and `repeated` are 32-bit (low half first): ids below 32 that are there, and those there more than once.
 * A line index means something only when that line's record has the id: lines of earlier heads are not cleared.
 */
import { FIELDS_MAX } from "../options.js";

export const COUNT = 0;
export const METHOD_START = 1;
export const METHOD_END = 2;
export const TARGET_START = 3;
export const TARGET_END = 4;
export const MINOR_VERSION = 5;
export const MASK = 6;
export const REPEATED = 8;
export const ERROR_OFFSET = 10;
/** Written by the SIMD kernel for its wrapper: where the line starts that is not over; 0 for the request line. */
export const LAST_LINE = 11;
/** What the SIMD kernel has seen in passing, so that it need not be looked at again; 0 from the plain scanner. */
export const HINTS = 12;
/** The method is GET. */
export const HINT_GET = 1;
/** There is one Host, and it is valid and not empty. */
export const HINT_HOST = 2;
export const LINE_INDEX = 16;
export const RECORDS = 144;
export const RECORD_SIZE = 5;

/** Length of the table in 16-bit numbers. */
export const TABLE_LENGTH = RECORDS + FIELDS_MAX * RECORD_SIZE;

// Offsets inside a record.
/** @public Whole with the others, although it is added nowhere. */
export const NAME_START = 0;
export const NAME_END = 1;
export const VALUE_START = 2;
export const VALUE_END = 3;
export const FIELD_ID = 4;
