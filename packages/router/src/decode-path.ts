import { PERCENT, protectedByte, QUESTION } from "./path-alphabet.js";

/** A percent sign without two hexadecimal digits, or bytes that are not UTF-8. */
export const BAD_ENCODING = -1;
/** The string has other characters; they have to become UTF-8 first. */
export const NOT_ASCII = -2;

/**
 * Decodes the path in `from[start, end)`, up to its query, into `to` from 0 on (RFC 3986 §2.1), each segment
 * once. An encoded `/`, `?` or `%` becomes its protected byte and so stays inside its segment.
 * `to` needs room for `end - start` bytes and may be `from` itself when `start` is 0.
 *
 * @returns the number of decoded bytes, or {@link BAD_ENCODING}
 */
export function decodePath(from: Uint8Array, start: number, end: number, to: Uint8Array): number {
  let length = 0;
  let allBits = 0;
  for (let i = start; i < end; i++) {
    let byte = from[i]!;
    if (byte === QUESTION) break;
    if (byte === PERCENT) {
      if (i + 2 >= end) return BAD_ENCODING;
      byte = (hexDigit(from[i + 1]!) << 4) | hexDigit(from[i + 2]!);
      // Above it no byte begins a character, and the protected bytes are among those.
      if (byte < 0 || byte > UTF8_BYTE_MAX) return BAD_ENCODING;
      byte = protectedByte(byte);
      i += 2;
    } else if (byte > UTF8_BYTE_MAX) {
      return BAD_ENCODING;
    }
    allBits |= byte;
    to[length++] = byte;
  }
  return allBits < 0x80 || isUtf8(to, length) ? length : BAD_ENCODING;
}

/**
 * {@link decodePath} for a string of ASCII characters, without copying it first.
 *
 * @returns also {@link NOT_ASCII}
 */
export function decodeAsciiPath(text: string, to: Uint8Array): number {
  let length = 0;
  let allBits = 0;
  for (let i = 0; i < text.length; i++) {
    let byte = text.charCodeAt(i);
    if (byte === QUESTION) break;
    if (byte > 0x7f) return NOT_ASCII;
    if (byte === PERCENT) {
      if (i + 2 >= text.length) return BAD_ENCODING;
      byte = (hexDigit(text.charCodeAt(i + 1)) << 4) | hexDigit(text.charCodeAt(i + 2));
      if (byte < 0 || byte > UTF8_BYTE_MAX) return BAD_ENCODING;
      byte = protectedByte(byte);
      i += 2;
    }
    allBits |= byte;
    to[length++] = byte;
  }
  return allBits < 0x80 || isUtf8(to, length) ? length : BAD_ENCODING;
}

const UTF8_BYTE_MAX = 0xf4;

/** The digit's value; so negative when it is none that no `|` makes it positive again. */
function hexDigit(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const letter = byte | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -256;
}

/** Well-formed UTF-8 (RFC 3629 §4) between protected bytes, which count as ASCII. */
function isUtf8(bytes: Uint8Array, length: number): boolean {
  let i = 0;
  while (i < length) {
    const lead = bytes[i++]!;
    if (lead < 0x80 || lead > UTF8_BYTE_MAX) continue;
    if (lead < 0xc2) return false;
    const tails = lead < 0xe0 ? 1 : lead < 0xf0 ? 2 : 3;
    if (i + tails > length) return false;
    // The first tail excludes overlong forms, surrogates and what lies above U+10FFFF.
    const low = lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80;
    const high = lead === 0xed ? 0x9f : lead === 0xf4 ? 0x8f : 0xbf;
    if (bytes[i]! < low || bytes[i]! > high) return false;
    for (let tail = 1; tail < tails; tail++) if ((bytes[i + tail]! & 0xc0) !== 0x80) return false;
    i += tails;
  }
  return true;
}
