import { scanRequestPlain } from "./plain.js";
import { scanFieldLines } from "./plain-fields.js";
import { clear, TABLE_RULES } from "./rules.js";
import type { HeadScanner } from "./scanner.js";

/** The reference scanner over any bytes. */
export class PlainScanner implements HeadScanner {
  readonly kind = "plain";
  readonly bytes: Uint8Array;
  readonly table: Uint16Array;

  constructor(bytes: Uint8Array, table: Uint16Array) {
    this.bytes = bytes;
    this.table = table;
  }

  scan(start: number, end: number): number {
    return scanRequestPlain(this.bytes, this.table, start, end, TABLE_RULES);
  }

  scanFields(start: number, from: number, end: number): number {
    clear(this.table);
    return scanFieldLines(this.bytes, this.table, start, from, end, TABLE_RULES);
  }
}
