import { AllocError } from "./errors.js";

/** The byte that debug mode leaves in memory that nobody holds. */
export const POISON_BYTE = 0xdd;

export function poison(bytes: Uint8Array, start: number, end: number): void {
  bytes.fill(POISON_BYTE, start, end);
}

/**
 * Checks that nobody wrote to poisoned memory.
 *
 * @throws AllocError `TZ_ALLOC_POISON`, naming the first byte that differs.
 */
export function checkPoison(
  structure: string,
  what: string,
  bytes: Uint8Array,
  start: number,
  end: number,
): void {
  for (let i = start; i < end; i++) {
    if (bytes[i] === POISON_BYTE) continue;
    const found = bytes[i]!.toString(16).padStart(2, "0");
    throw new AllocError(
      "TZ_ALLOC_POISON",
      `${structure}: byte ${i - start} of ${what} was written (0x${found}) while nobody held it`,
    );
  }
}
