import {
  CODE_BITS,
  CODE_ENDS,
  CODES,
  END_OF_STRING,
  LONGEST_CODE,
  SYMBOL_BASES,
  SYMBOLS,
} from "./huffman-code.js";

/** What begins with eight bits: symbol and length of its code, 0 where the code is longer. */
const SHORT = new Uint16Array(256);
for (let first = 0; first < 256; first++) {
  for (let bits = 5; bits <= 8; bits++) {
    const place = SYMBOL_BASES[bits]! + (first >> (8 - bits));
    if (first * 2 ** (LONGEST_CODE - 8) >= CODE_ENDS[bits]! || SHORT[first] !== 0) continue;
    SHORT[first] = (bits << 8) | SYMBOLS[place]!;
  }
}
/** The first eight bits of a long code are taken off first: so many may follow. */
const LONG_REST_BITS = LONGEST_CODE - 8;
const LONG_REST_MASK = 2 ** LONG_REST_BITS - 1;
const SHORTEST_LONG_CODE = 10;

/** The string is not what an encoder makes. */
export const HUFFMAN_INVALID = -1;
/** There is no room for it. */
export const HUFFMAN_TOO_LONG = -2;

/**
 * Decodes `source[start, end)` into `target` from `at` on (RFC 7541 §5.2). Both may be one memory, in different places.
 * @param limit where in `target` it must end
 * @returns where it ended, {@link HUFFMAN_INVALID} or {@link HUFFMAN_TOO_LONG}
 */
export function huffmanDecode(
  source: Uint8Array,
  start: number,
  end: number,
  target: Uint8Array,
  at: number,
  limit: number,
): number {
  /** The lowest `bits` of it are still to be read. */
  let held = 0;
  let bits = 0;
  let next = start;
  for (;;) {
    while (bits <= 24 && next < end) {
      held = (held << 8) | source[next++]!;
      bits += 8;
    }
    const short =
      SHORT[bits >= 8 ? (held >>> (bits - 8)) & 0xff : ((held << (8 - bits)) | (0xff >> bits)) & 0xff]!;
    const length = short >> 8;
    if (length !== 0 && length <= bits) {
      if (at === limit) return HUFFMAN_TOO_LONG;
      target[at++] = short & 0xff;
      bits -= length;
      continue;
    }
    // Padding is less than a byte of ones, and nothing is behind it.
    if (bits < 8) return (held & ((1 << bits) - 1)) === (1 << bits) - 1 ? at : HUFFMAN_INVALID;
    const first = (held >>> (bits - 8)) & 0xff;
    bits -= 8;
    while (bits <= 24 && next < end) {
      held = (held << 8) | source[next++]!;
      bits += 8;
    }
    const rest =
      bits >= LONG_REST_BITS
        ? (held >>> (bits - LONG_REST_BITS)) & LONG_REST_MASK
        : ((held << (LONG_REST_BITS - bits)) | (LONG_REST_MASK >> bits)) & LONG_REST_MASK;
    const code = first * 2 ** LONG_REST_BITS + rest;
    let size = SHORTEST_LONG_CODE;
    while (code >= CODE_ENDS[size]!) size++;
    const symbol = SYMBOLS[SYMBOL_BASES[size]! + (code >>> (LONGEST_CODE - size))]!;
    if (size - 8 > bits || symbol === END_OF_STRING) return HUFFMAN_INVALID;
    if (at === limit) return HUFFMAN_TOO_LONG;
    target[at++] = symbol;
    bits -= size - 8;
  }
}

/** How many bytes {@link huffmanEncode} makes of a text. @param text ISO-8859-1 */
export function huffmanLength(text: string): number {
  let bits = 0;
  for (let i = 0; i < text.length; i++) bits += CODE_BITS[text.charCodeAt(i) & 0xff]!;
  return (bits + 7) >> 3;
}

/** Writes the code of a text. @returns where it ends */
export function huffmanEncode(text: string, target: Uint8Array, at: number): number {
  let held = 0;
  let bits = 0;
  for (let i = 0; i < text.length; i++) {
    const symbol = text.charCodeAt(i) & 0xff;
    let code = CODES[symbol]!;
    let left = CODE_BITS[symbol]!;
    // Never more than 7 bits and 24 more in the word.
    while (left > 16) {
      left -= 8;
      held = (held << 8) | ((code >>> left) & 0xff);
      code &= 2 ** left - 1;
      target[at++] = (held >>> bits) & 0xff;
    }
    held = (held << left) | code;
    bits += left;
    while (bits >= 8) {
      bits -= 8;
      target[at++] = (held >>> bits) & 0xff;
    }
  }
  if (bits > 0) target[at++] = ((held << (8 - bits)) | (0xff >> bits)) & 0xff;
  return at;
}
