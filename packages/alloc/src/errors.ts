/** Every code that this package throws, with what it means. The README's table is pinned to it by a test. */
export const ALLOC_ERROR_CODES = {
  TZ_ALLOC_OPTION: "an option is unknown, of the wrong type or out of its bounds",
  TZ_ALLOC_SIZE: "a size, count or delay is not a number within its bounds",
  TZ_ALLOC_ALIGNMENT: "an alignment is not a power of two within its bounds",
  TZ_ALLOC_CAPACITY: "the structure is full and its behaviour at capacity is to throw",
  TZ_ALLOC_ADDRESS: "an offset, slot or object that this structure did not hand out",
  TZ_ALLOC_DOUBLE_FREE: "something that was already given back is given back again",
  TZ_ALLOC_STALE: "memory is used after the reset that ended its life (debug mode)",
  TZ_ALLOC_POISON: "memory was written after it was given back (debug mode)",
  TZ_ALLOC_REGION: "a memory region is too small, not aligned, or does not hold this structure",
  TZ_ALLOC_OWNER: "an owner id is out of range, or its row is held by another live owner",
} as const;

export type AllocErrorCode = keyof typeof ALLOC_ERROR_CODES;

/**
 * The one error class of this package. Match on `code`, which is stable; the message names the value and the
 * bound. After it was thrown the structure is in the state it had before the call.
 */
export class AllocError extends Error {
  override readonly name = "AllocError";
  readonly code: AllocErrorCode;

  constructor(code: AllocErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** How a bad value is shown in a message: strings quoted, objects by their kind, nothing long. */
export function shown(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}…` : value);
  if (typeof value === "bigint") return `${value}n`;
  if (typeof value === "function") return "a function";
  if (typeof value === "object" && value !== null)
    return `an object (${value.constructor?.name ?? "null prototype"})`;
  return String(value);
}
