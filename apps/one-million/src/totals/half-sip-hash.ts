/**
 * HalfSipHash-1-3 (Aumasson and Bernstein): a keyed hash of 32 bits. Nobody who does not know the key can send user
 * names that all fall into one place of the table.
 * @param key0 first half of the key
 * @param key1 second half
 */
export function halfSipHash(
  bytes: Uint8Array,
  start: number,
  end: number,
  key0: number,
  key1: number,
): number {
  let v0 = key0 | 0;
  let v1 = key1 | 0;
  let v2 = 0x6c796765 ^ key0;
  let v3 = 0x74656462 ^ key1;
  const length = end - start;
  const whole = start + (length & ~3);
  // The words of the message, then the last one with the length, then one of zero bits and two more for the end.
  for (let position = start, left = 4; left > 0; position += 4) {
    let word = 0;
    if (position < whole) {
      word =
        bytes[position]! |
        (bytes[position + 1]! << 8) |
        (bytes[position + 2]! << 16) |
        (bytes[position + 3]! << 24);
    } else if (left === 4) {
      word = length << 24;
      for (let i = whole, shift = 0; i < end; i++, shift += 8) word |= bytes[i]! << shift;
      left--;
    } else {
      if (left === 3) v2 ^= 0xff;
      left--;
    }
    v3 ^= word;
    v0 = (v0 + v1) | 0;
    v1 = (v1 << 5) | (v1 >>> 27);
    v1 ^= v0;
    v0 = (v0 << 16) | (v0 >>> 16);
    v2 = (v2 + v3) | 0;
    v3 = (v3 << 8) | (v3 >>> 24);
    v3 ^= v2;
    v0 = (v0 + v3) | 0;
    v3 = (v3 << 7) | (v3 >>> 25);
    v3 ^= v0;
    v2 = (v2 + v1) | 0;
    v1 = (v1 << 13) | (v1 >>> 19);
    v1 ^= v2;
    v2 = (v2 << 16) | (v2 >>> 16);
    v0 ^= word;
  }
  return v1 ^ v3;
}
