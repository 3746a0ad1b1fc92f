import {
  FIELD_HASH_LETTERS,
  FIELD_HASH_SHAPE,
  FIELD_HASH_SHIFT,
  FIELD_HASH_SLOTS,
} from "./field-hash.generated.js";
import { FIELD, FIELD_NAMES, UNKNOWN_FIELD } from "./fields.js";

const CR = 0x0d;
const LF = 0x0a;

/**
 * A perfect hash over the well-known names: from the last four letters, the first one and the length. A name of
 * two or three letters takes the CRLF in front of it along, as the SIMD scanner does that loads four bytes.
 */
function slotOf(bytes: Uint8Array, start: number, end: number): number {
  const length = end - start;
  const fourth = length > 3 ? bytes[end - 4]! : length === 3 ? LF : CR;
  const third = length > 2 ? bytes[end - 3]! : length === 2 ? LF : 0;
  const second = length > 1 ? bytes[end - 2]! : 0;
  const letters = fourth | (third << 8) | (second << 16) | (bytes[end - 1]! << 24) | 0x20202020;
  const shape = bytes[start]! | 0x20 | (length << 8);
  return (Math.imul(letters, FIELD_HASH_LETTERS) + Math.imul(shape, FIELD_HASH_SHAPE)) >>> FIELD_HASH_SHIFT;
}

const names: readonly Uint8Array[] = FIELD_NAMES.map((name) =>
  Uint8Array.from(name, (letter) => letter.charCodeAt(0)),
);

/** Slot → id. Read by the plain scanner here and copied into WebAssembly memory for the SIMD scanner. */
export const FIELD_SLOTS: Uint8Array = (() => {
  const slots = new Uint8Array(FIELD_HASH_SLOTS).fill(UNKNOWN_FIELD);
  for (const id of Object.values(FIELD)) slots[slotOf(names[id]!, 0, names[id]!.length)] = id;
  return slots;
})();

/** The id of the token in `bytes[start, end)`, any case; {@link UNKNOWN_FIELD} when it is not well known. */
export function fieldIdAt(bytes: Uint8Array, start: number, end: number): number {
  const id = FIELD_SLOTS[slotOf(bytes, start, end)]!;
  if (id === UNKNOWN_FIELD) return id;
  const name = names[id]!;
  const { length } = name;
  if (end - start !== length) return UNKNOWN_FIELD;
  // In a token only a letter becomes a letter under `| 0x20`, and `-` only from itself: this is an exact comparison.
  for (let i = 0; i < length; i++) if ((bytes[start + i]! | 0x20) !== name[i]) return UNKNOWN_FIELD;
  return id;
}
