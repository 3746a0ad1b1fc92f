import { CloudtermError, shown } from "../errors.js";

export interface TerminalSize {
  readonly columns: number;
  readonly rows: number;
}

/** Larger ones serve nobody and cost programs memory by the cell. */
const CELLS_MAX = 1000;

export const DEFAULT_SIZE: TerminalSize = { columns: 80, rows: 24 };

/** The size, or `undefined` when it is none: 0, -1, NaN, 1e9, fractions, strings. */
export function sizeOf(columns: unknown, rows: unknown): TerminalSize | undefined {
  return isCells(columns) && isCells(rows) ? { columns, rows } : undefined;
}

/** @throws CloudtermError `TZ_CLOUDTERM_SIZE` */
export function checkedSize(columns: unknown, rows: unknown): TerminalSize {
  const size = sizeOf(columns, rows);
  if (size !== undefined) return size;
  throw new CloudtermError(
    "TZ_CLOUDTERM_SIZE",
    `columns ${shown(columns)}, rows ${shown(rows)}; allowed: whole numbers from 1 to ${CELLS_MAX}`,
  );
}

function isCells(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 1 && (value as number) <= CELLS_MAX;
}
