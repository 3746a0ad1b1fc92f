/**
 * The bytes of a decoded path. Percent-decoding happens once, before the walk, and must not turn an encoded
 * `/`, `%` or `?` into syntax. Those three therefore decode to bytes that UTF-8 never uses (RFC 3629 §1):
 *
 * ```
 *   %3F ─▶ 0xFD      %25 ─▶ 0xFE      %2F ─▶ 0xFF
 * ```
 *
 * Static labels, automata and parameter values speak this alphabet; it leaves as ordinary characters only when
 * a parameter becomes a string.
 */
export const ENCODED_QUESTION = 0xfd;
export const ENCODED_PERCENT = 0xfe;
export const ENCODED_SLASH = 0xff;

export const SLASH = 0x2f;
export const QUESTION = 0x3f;
export const PERCENT = 0x25;

/** Byte of the decoded alphabet for a character that was percent-encoded. */
export function protectedByte(byte: number): number {
  if (byte === SLASH) return ENCODED_SLASH;
  if (byte === PERCENT) return ENCODED_PERCENT;
  return byte === QUESTION ? ENCODED_QUESTION : byte;
}

/** The character's own byte again. */
export function plainByte(byte: number): number {
  if (byte < ENCODED_QUESTION) return byte;
  if (byte === ENCODED_SLASH) return SLASH;
  return byte === ENCODED_PERCENT ? PERCENT : QUESTION;
}

/** Lower-case form of an ASCII letter, every other byte as it is. */
export function lowerCase(byte: number): number {
  return byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte;
}
