/**
 * XOR of a byte range with the 4-byte masking key of RFC 6455 §5.3, in place, 64 bytes a turn.
 * AssemblyScript; `npm --prefix packages/ws run kernel` compiles it into `kernel.bytes.ts`.
 *
 * @param at first byte
 * @param end one past the last byte
 * @param key the four key bytes read as a little-endian word, already rotated so that its low byte masks `at`
 * @returns 0 when every byte after the XOR is ASCII, anything else when one has its high bit set
 */
export function mask(at: usize, end: usize, key: u32): u32 {
  const keys = i32x4.splat(key);
  let seen = i32x4.splat(0);
  while (at + 64 <= end) {
    const a = v128.xor(v128.load(at), keys);
    const b = v128.xor(v128.load(at, 16), keys);
    const c = v128.xor(v128.load(at, 32), keys);
    const d = v128.xor(v128.load(at, 48), keys);
    v128.store(at, a);
    v128.store(at, b, 16);
    v128.store(at, c, 32);
    v128.store(at, d, 48);
    seen = v128.or(seen, v128.or(v128.or(a, b), v128.or(c, d)));
    at += 64;
  }
  while (at + 16 <= end) {
    const a = v128.xor(v128.load(at), keys);
    v128.store(at, a);
    seen = v128.or(seen, a);
    at += 16;
  }
  let high: u32 = i8x16.bitmask(seen);
  if (at + 8 <= end) {
    const word = load<u64>(at) ^ (((<u64>key) << 32) | (<u64>key));
    store<u64>(at, word);
    high |= (<u32>(word >> 32) | <u32>word) & 0x80808080;
    at += 8;
  }
  if (at + 4 <= end) {
    const word = load<u32>(at) ^ key;
    store<u32>(at, word);
    high |= word & 0x80808080;
    at += 4;
  }
  while (at < end) {
    const byte = (<u32>load<u8>(at)) ^ (key & 0xff);
    store<u8>(at, <u8>byte);
    high |= byte & 0x80;
    key >>>= 8;
    at += 1;
  }
  return high;
}

/** memmove inside the one memory: ranges may overlap. A call costs less than `Uint8Array.prototype.copyWithin`. */
export function copy(to: usize, from: usize, length: usize): void {
  memory.copy(to, from, length);
}
