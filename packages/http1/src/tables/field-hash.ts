import { FIELD_HASH_MULTIPLIER, FIELD_HASH_SHIFT, FIELD_HASH_SLOTS } from "./field-hash.generated.js";
import { FIELD_NAMES, UNKNOWN_FIELD } from "./fields.js";

/** What tells the well-known names apart: the length and three letters, as one 32-bit number. */
function keyOf(length: number, quarter: number, threeQuarters: number, last: number): number {
  return quarter | (threeQuarters << 8) | (last << 16) | 0x202020 | (length << 24);
}

/** Slot → id. Read by the plain scanner here and copied into WebAssembly memory for the SIMD scanner. */
export const FIELD_SLOTS: Uint8Array = (() => {
  const slots = new Uint8Array(FIELD_HASH_SLOTS).fill(UNKNOWN_FIELD);
  for (const [id, name] of FIELD_NAMES.entries()) {
    const { length } = name;
    const key = keyOf(
      length,
      name.charCodeAt(length >> 2),
      name.charCodeAt((length * 3) >> 2),
      name.charCodeAt(length - 1),
    );
    slots[Math.imul(key, FIELD_HASH_MULTIPLIER) >>> FIELD_HASH_SHIFT] = id;
  }
  return slots;
})();

const names: readonly Uint8Array[] = FIELD_NAMES.map((name) =>
  Uint8Array.from(name, (letter) => letter.charCodeAt(0)),
);

/** The id of the token in `bytes[start, end)`, any case; {@link UNKNOWN_FIELD} when it is not well known. */
export function fieldIdAt(bytes: Uint8Array, start: number, end: number): number {
  const length = end - start;
  const key = keyOf(
    length,
    bytes[start + (length >> 2)]!,
    bytes[start + ((length * 3) >> 2)]!,
    bytes[end - 1]!,
  );
  const id = FIELD_SLOTS[Math.imul(key, FIELD_HASH_MULTIPLIER) >>> FIELD_HASH_SHIFT]!;
  if (id === UNKNOWN_FIELD) return id;
  const name = names[id]!;
  if (name.length !== length) return UNKNOWN_FIELD;
  // In a token only a letter becomes a letter under `| 0x20`, and `-` only from itself: this is an exact comparison.
  for (let i = 0; i < length; i++) if ((bytes[start + i]! | 0x20) !== name[i]) return UNKNOWN_FIELD;
  return id;
}
