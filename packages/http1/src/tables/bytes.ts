/** The bytes that HTTP/1.1's grammar names. */
export const HTAB = 0x09;
export const LF = 0x0a;
export const CR = 0x0d;
export const SP = 0x20;
export const DQUOTE = 0x22;
export const ASTERISK = 0x2a;
export const COMMA = 0x2c;
export const SLASH = 0x2f;
export const COLON = 0x3a;
export const SEMICOLON = 0x3b;
export const EQUALS = 0x3d;
export const QUESTION = 0x3f;
export const BACKSLASH = 0x5c;
export const DEL = 0x7f;

/** Bits of {@link BYTE_CLASS}. */
export const TOKEN = 1;
export const TARGET = 2;
export const VALUE = 4;
export const REG_NAME = 8;
export const DIGIT = 16;
export const HEX = 32;

const tokenMarks = "!#$%&'*+-.^_`|~";
/**
 * Reserved and unreserved of RFC 3986 without `#`, and `% [ ] { } | ^ \ backquote`: RFC 3986 has no place for
 * the latter in a path or query, but URLs that browsers make by the WHATWG URL standard carry them unescaped.
 */
const targetMarks = "-._~!$&'()*+,;=:@/?%[]{}|^\\`";
const regNameMarks = "-._~!$&'()*+,;=%";

/** For each byte the classes that it belongs to (RFC 9110 §5.6.2, §5.5; RFC 3986 §3.2.2, §3.3). */
export const BYTE_CLASS: Uint8Array = (() => {
  const classes = new Uint8Array(256);
  for (let byte = 0; byte < 256; byte++) {
    const text = String.fromCharCode(byte);
    const alphanumeric = /^[0-9A-Za-z]$/.test(text);
    let bits = 0;
    if (alphanumeric || (byte < 128 && tokenMarks.includes(text))) bits |= TOKEN;
    if (alphanumeric || (byte < 128 && targetMarks.includes(text))) bits |= TARGET;
    if (alphanumeric || (byte < 128 && regNameMarks.includes(text))) bits |= REG_NAME;
    // field-vchar with obs-text, SP and HTAB
    if (byte === HTAB || (byte >= SP && byte !== DEL)) bits |= VALUE;
    if (byte >= 0x30 && byte <= 0x39) bits |= DIGIT;
    if (/^[0-9A-Fa-f]$/.test(text)) bits |= HEX;
    classes[byte] = bits;
  }
  return classes;
})();
