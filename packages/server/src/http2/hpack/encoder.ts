import { huffmanEncode, huffmanLength } from "./huffman.js";
import { STATIC_FIELDS, STATIC_NAMES } from "./static-table.js";

/**
 * Header blocks of answers without a table of the connection's own: a block that was made once serves all connections.
 * Names come from the static table where they are there, strings are Huffman-coded where that is shorter.
 */

const NOT_INDEXED_MASK = 0x0f;
/** Secrets are not to be put into tables on their way (RFC 7541 §7.1.3). */
const NEVER_INDEXED = 0x10;
const SECRETS = new Set(["set-cookie", "authorization", "proxy-authorization"]);
/** "The table is empty": for a peer that allows none. */
export const EMPTY_TABLE = 0x20;

/** The most that {@link encodeField} writes. */
export function encodedLengthMax(name: string, value: string): number {
  return name.length + value.length + 16;
}

/** Writes a field. @param name in lower case @returns where it ends */
export function encodeField(name: string, value: string, target: Uint8Array, at: number): number {
  const whole = STATIC_FIELDS.get(`${name}=${value}`);
  if (whole !== undefined) {
    target[at++] = 0x80 | whole;
    return at;
  }
  const index = STATIC_NAMES.get(name) ?? 0;
  const form = SECRETS.has(name) ? NEVER_INDEXED : 0;
  at = encodeInteger(index, NOT_INDEXED_MASK, form, target, at);
  if (index === 0) at = encodeString(name, target, at);
  return encodeString(value, target, at);
}

export function encodeInteger(
  value: number,
  mask: number,
  form: number,
  target: Uint8Array,
  at: number,
): number {
  if (value < mask) {
    target[at++] = form | value;
    return at;
  }
  target[at++] = form | mask;
  let rest = value - mask;
  while (rest >= 0x80) {
    target[at++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  target[at++] = rest;
  return at;
}

/** @param text ISO-8859-1 */
export function encodeString(text: string, target: Uint8Array, at: number): number {
  const coded = huffmanLength(text);
  if (coded < text.length) {
    return huffmanEncode(text, target, encodeInteger(coded, 0x7f, 0x80, target, at));
  }
  at = encodeInteger(text.length, 0x7f, 0, target, at);
  for (let i = 0; i < text.length; i++) target[at++] = text.charCodeAt(i);
  return at;
}
