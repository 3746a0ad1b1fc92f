// Written by scripts/generate-field-hash.ts from FIELD; do not edit.

/** Slots of the perfect hash are the top bits of `key * FIELD_HASH_MULTIPLIER`. */
export const FIELD_HASH_MULTIPLIER = 0x22a25de7;
export const FIELD_HASH_SHIFT = 23;
export const FIELD_HASH_SLOTS = 512;
/** The longest well-known name, in bytes. */
export const FIELD_NAME_BYTES_MAX = 32;
