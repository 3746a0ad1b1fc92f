import { AllocError, shown } from "./errors.js";
import { isPowerOfTwo } from "./options.js";

/** @throws AllocError `TZ_ALLOC_SIZE` */
export function refuseSize(structure: string, name: string, value: unknown, max: number): never {
  throw new AllocError(
    "TZ_ALLOC_SIZE",
    `${structure}: ${name} must be an integer from 1 to ${max}, got ${shown(value)}`,
  );
}

/** @throws AllocError `TZ_ALLOC_SIZE` */
export function checkSize(structure: string, name: string, value: number, max: number): void {
  if (!(value >= 1 && value <= max && Number.isInteger(value))) refuseSize(structure, name, value, max);
}

/** @throws AllocError `TZ_ALLOC_ALIGNMENT` */
export function checkAlignment(structure: string, alignment: number, max: number): void {
  if (isPowerOfTwo(alignment) && alignment <= max) return;
  throw new AllocError(
    "TZ_ALLOC_ALIGNMENT",
    `${structure}: alignment must be a power of two from 1 to ${max}, got ${shown(alignment)}`,
  );
}
