/**
 * Masking of RFC 6455 §5.3 in plain TypeScript: the reference that the kernel is tested against, and what runs
 * where WebAssembly does not.
 *
 * A key is the four key bytes as a little-endian word: its low byte masks the first payload byte.
 */

/** The key as it applies `bytes` bytes further on. */
export function rotateKey(key: number, bytes: number): number {
  const bits = (bytes & 3) << 3;
  return bits === 0 ? key : (key >>> bits) | (key << (32 - bits));
}

/** The key at `at`, as it stands in a frame's head. */
export function readKey(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
}

/**
 * XORs `bytes[start, end)` with the key, in place, byte by byte.
 *
 * @returns true when every byte is ASCII afterwards
 */
export function maskBytes(bytes: Uint8Array, start: number, end: number, key: number): boolean {
  let seen = 0;
  let rest = key;
  for (let at = start; at < end; at++) {
    seen |= bytes[at]! ^= rest & 0xff;
    rest = (rest >>> 8) | (rest << 24);
  }
  return (seen & 0x80) === 0;
}

/**
 * As {@link maskBytes}, four words a turn.
 *
 * @param words the same memory as `bytes`, from the same first byte
 */
export function maskWords(
  bytes: Uint8Array,
  words: Int32Array,
  start: number,
  end: number,
  key: number,
): boolean {
  const aligned = Math.min(end, (start + 3) & ~3);
  let ascii = maskBytes(bytes, start, aligned, key);
  const wordKey = rotateKey(key, aligned - start) | 0;
  const wordEnd = end >> 2;
  let seen = 0;
  let word = aligned >> 2;
  for (; word + 4 <= wordEnd; word += 4) {
    const a = words[word]! ^ wordKey;
    const b = words[word + 1]! ^ wordKey;
    const c = words[word + 2]! ^ wordKey;
    const d = words[word + 3]! ^ wordKey;
    words[word] = a;
    words[word + 1] = b;
    words[word + 2] = c;
    words[word + 3] = d;
    seen |= a | b | c | d;
  }
  for (; word < wordEnd; word++) seen |= words[word]! ^= wordKey;
  if (aligned < end) {
    const tail = Math.max(aligned, word << 2);
    ascii = maskBytes(bytes, tail, end, rotateKey(key, tail - start)) && ascii;
  }
  return ascii && (seen & 0x80808080) === 0;
}
