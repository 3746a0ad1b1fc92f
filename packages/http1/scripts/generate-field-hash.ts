/**
 * Finds the multipliers of the perfect hash over the well-known field names and writes
 * `src/tables/field-hash.generated.ts`. Run after a change of `FIELD`: `npm --prefix packages/http1 run generate`.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { FIELD_NAMES } from "../src/tables/fields.js";

const SLOT_BITS = 9;
const TRIES = 50_000_000;

const names = FIELD_NAMES.filter((name) => name !== "");
/** The last four letters (a name shorter than that follows a line's CRLF), and the first with the length. */
const keys = names.map((name) => {
  const [a, b, c, d] = [...`\r\n${name}`.slice(-4)].map((letter) => letter.charCodeAt(0));
  const letters = (a! | (b! << 8) | (c! << 16) | (d! << 24) | 0x20202020) >>> 0;
  const shape = name.charCodeAt(0) | 0x20 | (name.length << 8);
  return { letters, shape };
});
for (const [i, key] of keys.entries()) {
  const twin = keys.findIndex(
    (other, k) => k < i && other.letters === key.letters && other.shape === key.shape,
  );
  if (twin >= 0)
    throw new Error(`${names[twin]} and ${names[i]} look the same to the hash: choose other letters`);
}

// A fixed linear congruential sequence: the same names give the same file.
let state = 1;
const next = () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0);
let found: { letters: number; shape: number } | undefined;
for (let tries = 0; tries < TRIES && found === undefined; tries++) {
  const candidate = { letters: (next() | 1) >>> 0, shape: (next() | 1) >>> 0 };
  const slots = new Set(
    keys.map(
      (key) =>
        (Math.imul(key.letters, candidate.letters) + Math.imul(key.shape, candidate.shape)) >>>
        (32 - SLOT_BITS),
    ),
  );
  if (slots.size === keys.length) found = candidate;
}
if (found === undefined) throw new Error("No multipliers found: raise SLOT_BITS");

writeFileSync(
  new URL("../src/tables/field-hash.generated.ts", import.meta.url),
  `// Written by scripts/generate-field-hash.ts from FIELD; do not edit.

export const FIELD_HASH_LETTERS = 0x${found.letters.toString(16)};
export const FIELD_HASH_SHAPE = 0x${found.shape.toString(16)};
export const FIELD_HASH_SHIFT = ${32 - SLOT_BITS};
export const FIELD_HASH_SLOTS = ${1 << SLOT_BITS};
`,
);
// The SIMD kernel is another language and cannot import them.
const kernel = new URL("../src/scan/simd.as.ts", import.meta.url);
writeFileSync(
  kernel,
  readFileSync(kernel, "utf8")
    .replace(/(const HASH_LETTERS: u32 = )\w+/, `$10x${found.letters.toString(16)}`)
    .replace(/(const HASH_SHAPE: u32 = )\w+/, `$10x${found.shape.toString(16)}`),
);
