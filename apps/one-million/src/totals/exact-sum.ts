/**
 * The sum of any doubles, exact: a number of 2,176 bits in units of 2^-1074 (the smallest double), as 68 digits of
 * 32 bits. Digits are doubles that may grow beyond 2^32 and be negative; they are carried over now and then.
 *
 * ```
 *   digit      0 … 33 … 65  66 67
 *   weight  2^-1074 … 2^1006 …     digit i counts 2^(32 i - 1074)
 *                   ▲
 *             a value touches at most three digits
 * ```
 *
 * Kulisch, Computer Arithmetic and Validity; the result is rounded once, to nearest, ties to even.
 */
export const SUM_DIGITS = 68;

/** After so many values the digits must be carried: each adds less than 2^32 to a digit, which holds 2^53. */
export const VALUES_PER_CARRY = 2 ** 20;

const BASE = 2 ** 32;
const FRACTION_BITS = 1074;

const double = new Float64Array(1);
const words = new Uint32Array(double.buffer);
/** Which word of a double holds its sign. */
const HIGH = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1 ? 1 : 0;

/** Adds a finite value to the sum whose first digit is `digits[at]`. */
export function addToSum(digits: Float64Array, at: number, value: number): void {
  double[0] = value;
  const high = words[HIGH]!;
  const low = words[1 - HIGH]!;
  const exponent = (high >>> 20) & 0x7ff;
  const top = exponent === 0 ? high & 0xfffff : (high & 0xfffff) | 0x100000;
  const position = exponent === 0 ? 0 : exponent - 1;
  const digit = at + (position >>> 5);
  const shift = position & 31;
  const sign = high >>> 31 === 1 ? -1 : 1;
  digits[digit] = digits[digit]! + sign * ((low << shift) >>> 0);
  if (shift === 0) {
    digits[digit + 1] = digits[digit + 1]! + sign * top;
  } else {
    digits[digit + 1] = digits[digit + 1]! + sign * (((low >>> (32 - shift)) | (top << shift)) >>> 0);
    digits[digit + 2] = digits[digit + 2]! + sign * (top >>> (32 - shift));
  }
}

/** Brings every digit but the last below 2^32 without changing the sum. */
export function carrySum(digits: Float64Array, at: number): void {
  const last = at + SUM_DIGITS - 1;
  for (let i = at; i < last; i++) {
    const carry = Math.floor(digits[i]! / BASE);
    if (carry === 0) continue;
    digits[i] = digits[i]! - carry * BASE;
    digits[i + 1] = digits[i + 1]! + carry;
  }
}

/** The sum in units of 2^-1074. */
export function sumAsInteger(digits: Float64Array, at: number): bigint {
  let sum = 0n;
  for (let i = SUM_DIGITS - 1; i >= 0; i--) sum = (sum << 32n) + BigInt(digits[at + i]!);
  return sum;
}

/**
 * The double nearest to `sum` · 2^-1074 / `count`, for sums so large that the quotient has more bits than a double.
 */
export function roundQuotient(sum: bigint, count: number): number {
  const divisor = BigInt(count);
  const magnitude = sum < 0n ? -sum : sum;
  // What is left of the division matters only where the quotient is just between two doubles.
  const quotient = (magnitude / divisor) | (magnitude % divisor === 0n ? 0n : 1n);
  return roundSum(sum < 0n ? -quotient : quotient);
}

/** The double nearest to `sum` · 2^-1074; an infinity beyond the largest. */
export function roundSum(sum: bigint): number {
  const negative = sum < 0n;
  let magnitude = negative ? -sum : sum;
  let power = -FRACTION_BITS;
  const extra = magnitude.toString(2).length - 53;
  if (extra > 0) {
    const rest = magnitude & ((1n << BigInt(extra)) - 1n);
    const half = 1n << BigInt(extra - 1);
    magnitude >>= BigInt(extra);
    if (rest > half || (rest === half && (magnitude & 1n) === 1n)) magnitude++;
    power += extra;
  }
  // 53 bits at a power where they are all representable: both factors and each product are exact.
  const value = Number(magnitude) * 2 ** Math.max(power, -1022) * 2 ** Math.min(power + 1022, 0);
  return negative ? -value : value;
}
