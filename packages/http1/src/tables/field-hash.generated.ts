// Written by scripts/generate-field-hash.ts from FIELD; do not edit.

export const FIELD_HASH_LETTERS = 0xd0dcab9f;
export const FIELD_HASH_SHAPE = 0x86729e65;
export const FIELD_HASH_SHIFT = 23;
export const FIELD_HASH_SLOTS = 512;
