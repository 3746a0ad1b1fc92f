/**
 * Finds the multiplier of the perfect hash over the well-known field names and writes
 * `src/tables/field-hash.generated.ts`. Run after a change of `FIELD`: `node --import tsx scripts/generate-field-hash.ts`.
 */
import { writeFileSync } from "node:fs";
import { FIELD_NAMES } from "../src/tables/fields.js";

const SLOT_BITS = 9;

/** Length and three letters: enough to tell all names apart, and cheap to take from bytes. */
function keyOf(name: string): number {
  const length = name.length;
  const letters =
    name.charCodeAt(length >> 2) |
    (name.charCodeAt((length * 3) >> 2) << 8) |
    (name.charCodeAt(length - 1) << 16);
  return (letters | 0x202020 | (length << 24)) >>> 0;
}

const keys = FIELD_NAMES.map(keyOf);
const byKey = new Map<number, string>();
for (const [id, key] of keys.entries()) {
  const other = byKey.get(key);
  if (other !== undefined)
    throw new Error(`${other} and ${FIELD_NAMES[id]} share length and letters: choose other letters`);
  byKey.set(key, FIELD_NAMES[id]!);
}

// A fixed linear congruential sequence: the same input gives the same file.
let candidate = 1;
let multiplier = 0;
for (let tries = 0; tries < 50_000_000 && multiplier === 0; tries++) {
  candidate = (Math.imul(candidate, 1664525) + 1013904223) >>> 0;
  const slots = new Set(keys.map((key) => Math.imul(key, candidate | 1) >>> (32 - SLOT_BITS)));
  if (slots.size === keys.length) multiplier = (candidate | 1) >>> 0;
}
if (multiplier === 0) throw new Error("No multiplier found: raise SLOT_BITS");

const source = `// Written by scripts/generate-field-hash.ts from FIELD; do not edit.

/** Slots of the perfect hash are the top bits of \`key * FIELD_HASH_MULTIPLIER\`. */
export const FIELD_HASH_MULTIPLIER = 0x${multiplier.toString(16)};
export const FIELD_HASH_SHIFT = ${32 - SLOT_BITS};
export const FIELD_HASH_SLOTS = ${1 << SLOT_BITS};
/** The longest well-known name, in bytes. */
export const FIELD_NAME_BYTES_MAX = ${Math.max(...FIELD_NAMES.map((name) => name.length))};
`;
writeFileSync(new URL("../src/tables/field-hash.generated.ts", import.meta.url), source);
console.log(source);
