/** The symbol that ends nothing: it must not occur (RFC 7541 §5.2). */
export const END_OF_STRING = 256;

/**
 * The length in bits of each symbol's code (RFC 7541 appendix B), from 0 on, `END_OF_STRING` last. The code is
 * canonical: lengths are all that is to be known.
 */
// biome-ignore format: sixteen symbols a line, as in the table of ASCII
const LENGTHS = [
  13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28,
  28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28,
  6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6,
  5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10,
  13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7,
  7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6,
  15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5,
  6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28,
  20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23,
  24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24,
  22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23,
  21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
  26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25,
  19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27,
  20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23,
  26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26,
  30,
];

export const LONGEST_CODE = 30;

/** Code of each symbol, and its length. */
export const CODES = new Uint32Array(LENGTHS.length);
export const CODE_BITS = Uint8Array.from(LENGTHS);
/** All symbols, shortest code first. */
export const SYMBOLS = new Uint16Array(LENGTHS.length);
/** For each length: the code behind its last one, moved up to `LONGEST_CODE` bits, and how its codes map to `SYMBOLS`. */
export const CODE_ENDS = new Uint32Array(LONGEST_CODE + 1);
export const SYMBOL_BASES = new Int32Array(LONGEST_CODE + 1);

{
  let code = 0;
  let place = 0;
  for (let bits = 1; bits <= LONGEST_CODE; bits++) {
    code *= 2;
    SYMBOL_BASES[bits] = place - code;
    for (let symbol = 0; symbol < LENGTHS.length; symbol++) {
      if (LENGTHS[symbol] !== bits) continue;
      CODES[symbol] = code++;
      SYMBOLS[place++] = symbol;
    }
    CODE_ENDS[bits] = code * 2 ** (LONGEST_CODE - bits);
  }
}
