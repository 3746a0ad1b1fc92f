import { COMMA, HTAB, SP } from "../tables/bytes.js";

/** Lower-case bytes of a keyword, for {@link matchesAt}. */
export function keyword(text: string): Uint8Array {
  return Uint8Array.from(text, (letter) => letter.charCodeAt(0));
}

/** Whether `bytes[start, end)` is the keyword, in any case of its letters. */
export function matchesAt(bytes: Uint8Array, start: number, end: number, word: Uint8Array): boolean {
  if (end - start !== word.length) return false;
  for (let i = 0; i < word.length; i++) {
    const byte = bytes[start + i]!;
    const lower = byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte;
    if (lower !== word[i]) return false;
  }
  return true;
}

/**
 * Steps through `#element` (RFC 9110 §5.6.1): elements between commas, without white space around them.
 * Empty elements are stepped over, as a recipient must. No quoted strings: for lists of tokens only.
 */
export class TokenList {
  /** The element that {@link next} found. */
  start = 0;
  end = 0;
  #bytes: Uint8Array = new Uint8Array(0);
  #position = 0;
  #limit = 0;

  reset(bytes: Uint8Array, start: number, end: number): this {
    this.#bytes = bytes;
    this.#position = start;
    this.#limit = end;
    return this;
  }

  next(): boolean {
    const bytes = this.#bytes;
    const limit = this.#limit;
    let i = this.#position;
    while (i < limit && (bytes[i] === COMMA || bytes[i] === SP || bytes[i] === HTAB)) i++;
    if (i === limit) {
      this.#position = limit;
      return false;
    }
    this.start = i;
    while (i < limit && bytes[i] !== COMMA) i++;
    this.#position = i;
    while (bytes[i - 1] === SP || bytes[i - 1] === HTAB) i--;
    this.end = i;
    return true;
  }
}
