export type ScannerKind = "simd" | "plain";

/**
 * Finds the parts of a head in `bytes` and writes their offsets to `table` (see `scan/table.ts`). One scanner
 * serves one thread; a scan overwrites what the scan before has written.
 *
 * {@link SCAN_FENCE_BYTES} must be readable behind `end`: the SIMD scanner reads ahead. Their content does not matter.
 */
export interface HeadScanner {
  readonly kind: ScannerKind;
  /** Where heads are scanned; with a `memory`, all of it. */
  readonly bytes: Uint8Array;
  readonly table: Uint16Array;
  /**
   * A request head in `bytes[start, end)`.
   * @returns its length (leading empty lines and the final one included), 0 when it is incomplete, or a negated
   *   error id
   */
  scan(start: number, end: number): number;
  /**
   * Field lines and the empty line in `bytes[from, end)`, behind the CRLF of another line; offsets and the result
   * count from `start`.
   * @returns as {@link scan}
   */
  scanFields(start: number, from: number, end: number): number;
}

/** How many bytes of a memory a scanner takes from its `tableOffset` on: its table and constants. */
export const SCANNER_BYTES = 16_384;

/** Bytes that must be readable behind the last byte to scan. */
export const SCAN_FENCE_BYTES = 64;
