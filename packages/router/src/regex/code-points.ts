/** Code points from `low` to `high`, both included. */
export type CodePointRange = readonly [low: number, high: number];

/** One byte range for each byte of an UTF-8 sequence: 1 to 4 of them. */
export type ByteSequence = readonly (readonly [low: number, high: number])[];

const MAX_CODE_POINT = 0x10ffff;

/** Sorted, without overlaps, neighbours joined. */
export function normalizeRanges(ranges: readonly CodePointRange[]): CodePointRange[] {
  const sorted = [...ranges].sort((a, b) => a[0] - b[0]);
  const joined: [number, number][] = [];
  for (const [low, high] of sorted) {
    const last = joined.at(-1);
    if (last !== undefined && low <= last[1] + 1) last[1] = Math.max(last[1], high);
    else joined.push([low, high]);
  }
  return joined;
}

/** Every code point that is in none of `ranges`. */
export function invertRanges(ranges: readonly CodePointRange[]): CodePointRange[] {
  const inverted: CodePointRange[] = [];
  let next = 0;
  for (const [low, high] of normalizeRanges(ranges)) {
    if (low > next) inverted.push([next, low - 1]);
    next = high + 1;
  }
  if (next <= MAX_CODE_POINT) inverted.push([next, MAX_CODE_POINT]);
  return inverted;
}

/** Where the length of the UTF-8 form changes, and the surrogates, which have none (RFC 3629 §3). */
const BLOCKS: readonly CodePointRange[] = [
  [0, 0x7f],
  [0x80, 0x7ff],
  [0x800, 0xd7ff],
  [0xe000, 0xffff],
  [0x10000, MAX_CODE_POINT],
];

/** The UTF-8 byte sequences of exactly the code points in `range`, as few as needed. */
export function utf8Sequences(range: CodePointRange): ByteSequence[] {
  const sequences: ByteSequence[] = [];
  for (const [blockLow, blockHigh] of BLOCKS) {
    const low = Math.max(range[0], blockLow);
    const high = Math.min(range[1], blockHigh);
    if (low <= high) splitBlock(low, high, sequences);
  }
  return sequences;
}

/**
 * Splits until every trailing byte is either fixed or takes all 64 values: only then is a range of code points
 * the same as the product of its byte ranges.
 */
function splitBlock(low: number, high: number, into: ByteSequence[]): void {
  for (let bits = 6; bits <= 18; bits += 6) {
    const mask = (1 << bits) - 1;
    if (low >>> bits === high >>> bits) continue;
    if ((low & mask) !== 0) {
      splitBlock(low, low | mask, into);
      splitBlock((low | mask) + 1, high, into);
      return;
    }
    if ((high & mask) !== mask) {
      splitBlock(low, (high & ~mask) - 1, into);
      splitBlock(high & ~mask, high, into);
      return;
    }
  }
  const first = encode(low);
  const last = encode(high);
  into.push(first.map((byte, index) => [byte, last[index]!] as const));
}

function encode(codePoint: number): number[] {
  if (codePoint < 0x80) return [codePoint];
  if (codePoint < 0x800) return [0xc0 | (codePoint >>> 6), tail(codePoint)];
  if (codePoint < 0x10000) return [0xe0 | (codePoint >>> 12), tail(codePoint >>> 6), tail(codePoint)];
  return [0xf0 | (codePoint >>> 18), tail(codePoint >>> 12), tail(codePoint >>> 6), tail(codePoint)];
}

function tail(bits: number): number {
  return 0x80 | (bits & 0x3f);
}
