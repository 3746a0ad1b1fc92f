import { Http1OptionError } from "../errors.js";
import { clear, scanFieldLines, scanRequestPlain, TABLE_LIMITS } from "./plain.js";
import { TABLE_LENGTH } from "./table.js";

export type ScannerKind = "simd" | "plain";

/**
 * Finds the parts of a head in `bytes` and writes their offsets to `table` (see `scan/table.ts`).
 * One scanner serves one thread; a scan overwrites what the scan before has written.
 */
export interface HeadScanner {
  readonly kind: ScannerKind;
  /** Where heads are scanned; with a `memory`, all of it. */
  readonly bytes: Uint8Array;
  readonly table: Uint16Array;
  /**
   * A request head in `bytes[start, end)`.
   * @returns its length (leading empty lines and the final one included), 0 when it is incomplete, or a negated error id
   */
  scan(start: number, end: number): number;
  /**
   * Field lines and the empty line in `bytes[from, end)`; offsets and the result count from `start`.
   * @returns as {@link scan}
   */
  scanFields(start: number, from: number, end: number): number;
}

/** A `WebAssembly.Memory`; its buffer must never grow or move (initial = maximum). */
export interface ScannerMemory {
  readonly buffer: ArrayBuffer | SharedArrayBuffer;
}

export interface ScannerOptions {
  /** Scan in place in this memory: what the SIMD scanner needs to work without a copy. */
  memory?: ScannerMemory;
  /** Scan in place in these bytes (plain scanner). */
  bytes?: Uint8Array;
  /** With `memory`: where {@link SCANNER_BYTES} bytes lie that only the scanner uses; a multiple of 16. */
  tableOffset?: number;
  /** `auto` takes SIMD where it is there. */
  kind?: ScannerKind | "auto";
}

/** How many bytes of the memory a scanner takes from its `tableOffset` on. */
export const SCANNER_BYTES = 16_384;

/** Bytes that must be readable behind the last byte to scan (their content does not matter): the SIMD scanner reads ahead. */
export const SCAN_FENCE_BYTES = 64;

class PlainScanner implements HeadScanner {
  readonly kind = "plain";
  readonly bytes: Uint8Array;
  readonly table: Uint16Array;
  constructor(bytes: Uint8Array, table: Uint16Array) {
    this.bytes = bytes;
    this.table = table;
  }
  scan(start: number, end: number): number {
    return scanRequestPlain(this.bytes, this.table, start, end, TABLE_LIMITS);
  }
  scanFields(start: number, from: number, end: number): number {
    clear(this.table);
    return scanFieldLines(this.bytes, this.table, start, from, end, TABLE_LIMITS);
  }
}

/**
 * Makes a scanner over a WebAssembly memory (`memory`, `tableOffset`) or over plain bytes (`bytes`); with
 * neither, over 64 KiB of its own.
 * @throws {Http1OptionError} when the options contradict each other or the table does not fit
 */
export function createScanner(options: ScannerOptions = {}): HeadScanner {
  const { memory, tableOffset = 0 } = options;
  if (memory !== undefined) {
    const { byteLength } = memory.buffer;
    if (
      !Number.isSafeInteger(tableOffset) ||
      tableOffset < 0 ||
      tableOffset % 16 !== 0 ||
      tableOffset + SCANNER_BYTES > byteLength
    ) {
      throw new Http1OptionError(
        "tableOffset",
        `tableOffset is ${tableOffset}; it must be a multiple of 16 from 0 to ${byteLength - SCANNER_BYTES} (bytes)`,
      );
    }
    return new PlainScanner(
      new Uint8Array(memory.buffer),
      new Uint16Array(memory.buffer, tableOffset, TABLE_LENGTH),
    );
  }
  return new PlainScanner(options.bytes ?? new Uint8Array(65_536), new Uint16Array(TABLE_LENGTH));
}
