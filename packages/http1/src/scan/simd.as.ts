/**
 * The SIMD scanner, in AssemblyScript (WebAssembly v128). It recognizes heads that are right and gives up (-1) on
 * everything else, which the plain scanner then judges; so it decides no error, and an incomplete head is 0.
 *
 * It reads up to 64 bytes beyond `end`. What lies there may steer it, but never into a result: every line's end
 * is compared with `end` before the line counts, and whatever looks wrong is given up.
 *
 * All constants live in the caller's memory at `region` (written by simd.ts), because the memory is imported and
 * this module must not place data segments in it.
 */

// Layout of the region; `scan/table.ts` and `simd.ts` say the same (checked by a test).
const COUNT: usize = 0;
const METHOD_START: usize = 2;
const METHOD_END: usize = 4;
const TARGET_START: usize = 6;
const TARGET_END: usize = 8;
const MINOR_VERSION: usize = 10;
const MASK: usize = 12;
const REPEATED: usize = 16;
const LAST_LINE: usize = 22;
const HINTS: usize = 24;
const HINT_GET: u32 = 1;
const HINT_HOST: u32 = 2;
const LINE_INDEX: usize = 32;
const RECORDS: usize = 288;
const RECORD_BYTES: usize = 10;
const FIELDS_MAX: u32 = 512;
const SLOTS: usize = 5440;
const NAMES: usize = 5952;
const HASH_LETTERS: u32 = 0xd0dcab9f;
const HASH_SHAPE: u32 = 0x86729e65;
const HASH_SHIFT: u32 = 23;
const UNKNOWN_FIELD: u32 = 255;

const HEAD_BYTES_MAX: usize = 65535;
const CRLF: u32 = 0x0a0d;
const HTTP_1_1: u64 = 0x312e312f50545448;
const HTTP_1_0: u64 = 0x302e312f50545448;

let region: usize = 0;

/** Where the region lies: once, before the first scan. */
export function init(at: usize): void {
  region = at;
}

/** Bit i is set when byte i cannot stand in a token (RFC 9110 §5.6.2): a table per low nibble, a bit per high nibble. */
// @ts-ignore: decorator
@inline
function notToken(v: v128): u32 {
  const low = i8x16.swizzle(i8x16(-24, -4, -8, -4, -4, -4, -4, -4, -8, -8, -12, 84, -48, 84, -12, 112), v128.and(v, i8x16.splat(0x0f)));
  const high = i8x16.swizzle(i8x16(0, 0, 4, 8, 16, 32, 64, -128, 0, 0, 0, 0, 0, 0, 0, 0), v128.and(i16x8.shr_u(v, 4), i8x16.splat(0x0f)));
  return i8x16.bitmask(i8x16.eq(v128.and(low, high), i8x16.splat(0)));
}

/** Bit i is set when byte i cannot stand in a request target (see TARGET in tables/bytes.ts). */
// @ts-ignore: decorator
@inline
function notTarget(v: v128): u32 {
  const low = i8x16.swizzle(i8x16(-8, -4, -8, -8, -4, -4, -4, -4, -4, -4, -4, -4, -12, -4, -12, 124), v128.and(v, i8x16.splat(0x0f)));
  const high = i8x16.swizzle(i8x16(0, 0, 4, 8, 16, 32, 64, -128, 0, 0, 0, 0, 0, 0, 0, 0), v128.and(i16x8.shr_u(v, 4), i8x16.splat(0x0f)));
  return i8x16.bitmask(i8x16.eq(v128.and(low, high), i8x16.splat(0)));
}

/** Bit i is set when byte i is no letter, digit, dot or hyphen. */
// @ts-ignore: decorator
@inline
function notDomain(v: v128): u32 {
  const low = i8x16.swizzle(i8x16(-88, -8, -8, -8, -8, -8, -8, -8, -8, -8, -16, 80, 80, 84, 84, 80), v128.and(v, i8x16.splat(0x0f)));
  const high = i8x16.swizzle(i8x16(0, 0, 4, 8, 16, 32, 64, -128, 0, 0, 0, 0, 0, 0, 0, 0), v128.and(i16x8.shr_u(v, 4), i8x16.splat(0x0f)));
  return i8x16.bitmask(i8x16.eq(v128.and(low, high), i8x16.splat(0)));
}

/**
 * Whether [start, end) is a domain name or IPv4 address of up to 31 bytes, perhaps with a port of up to four
 * digits: nearly every Host there is. The rest of the grammar is `isAuthority`'s.
 */
// @ts-ignore: decorator
@inline
function isPlainHost(start: usize, end: usize): bool {
  const length = <u32>(end - start);
  const name = ctz(notDomain(v128.load(start)) | (notDomain(v128.load(start, 16)) << 16) | (1 << min<u32>(length, 31)));
  if (name == 0 || length > 31) return false;
  if (name == length) return true;
  if (load<u8>(start + name) != 0x3a || length - name > 5) return false;
  for (let i = start + name + 1; i < end; i++) if (<u32>load<u8>(i) - 0x30 > 9) return false;
  return true;
}

/** Bit i is set when byte i is a control character: the end of a line, or something that the plain scanner judges. */
// @ts-ignore: decorator
@inline
function control16(v: v128): u64 {
  return <u64>i8x16.bitmask(v128.or(i8x16.le_u(v, i8x16.splat(0x1f)), i8x16.eq(v, i8x16.splat(0x7f))));
}

/** The same for 64 bytes. */
// @ts-ignore: decorator
@inline
function control64(at: usize): u64 {
  return (
    control16(v128.load(at)) |
    (control16(v128.load(at, 16)) << 16) |
    (control16(v128.load(at, 32)) << 32) |
    (control16(v128.load(at, 48)) << 48)
  );
}

/** A request head in [start, end). Its length, 0 when incomplete, -1 when given up. */
export function scan(start: usize, end: usize): i32 {
  const stop = min(end, start + HEAD_BYTES_MAX);
  incomplete(0, 0);
  let block = start;
  let controls = control64(block);
  while (controls == 0) {
    block += 64;
    if (block >= stop) return 0;
    controls = control64(block);
  }
  const cr = block + <usize>ctz(controls);
  if (cr + 2 > stop) return cr >= stop || load<u8>(cr) == 0x0d ? 0 : -1;
  // "G / HTTP/1.1" is the shortest request line.
  if (cr < start + 12 || load<u16>(cr) != CRLF) return -1;

  store<u16>(region + METHOD_START, 0);
  let method = start + 3;
  let hints: u32 = HINT_GET;
  if (load<u32>(start) != 0x20544547) { // "GET "
    const bad = notToken(v128.load(start));
    if (bad == 0) return -1;
    hints = 0;
    method = start + <usize>ctz(bad);
    if (method == start || load<u8>(method) != 0x20) return -1;
  }
  store<u16>(region + METHOD_END, <u16>(method - start));
  const version = load<u64>(cr - 8);
  if (version == HTTP_1_1) store<u16>(region + MINOR_VERSION, 1);
  else if (version == HTTP_1_0) store<u16>(region + MINOR_VERSION, 0);
  else return -1;
  let i = method + 1;
  const target = cr - 9;
  if (i >= target || load<u8>(target) != 0x20) return -1;
  store<u16>(region + TARGET_START, <u16>(i - start));
  store<u16>(region + TARGET_END, <u16>(target - start));
  // The space behind the target ends this.
  while (true) {
    const bad = notTarget(v128.load(i));
    if (bad != 0) {
      if (i + <usize>ctz(bad) != target) return -1;
      break;
    }
    i += 16;
  }
  return fields(start, cr, stop, block, controls, hints);
}

/** Field lines and the empty line in [from, end), with offsets from `start`. */
export function scanFields(start: usize, from: usize, end: usize): i32 {
  const stop = min(end, start + HEAD_BYTES_MAX);
  if (from >= stop) return incomplete(0, from - start);
  // As if a line had ended right before.
  return fields(start, from - 2, stop, from - 2, control64(from - 2) | 3, 0);
}

/** The plain scanner looks at the last line, which is not over: it may be wrong already. */
// @ts-ignore: decorator
@inline
function incomplete(count: u32, line: usize): i32 {
  store<u16>(region + COUNT, <u16>count);
  store<u16>(region + LAST_LINE, <u16>line);
  return 0;
}

/**
 * @param cr where the line before the fields ends
 * @param block where the 64 bytes start whose control characters are the bits of `controls`
 */
// @ts-ignore: decorator
@inline
function fields(start: usize, cr: usize, stop: usize, block: usize, controls: u64, hints: u32): i32 {
  const table = region;
  let record = table + RECORDS;
  let count: u32 = 0;
  let mask: u64 = 0;
  let repeated: u64 = 0;
  // Line ends come from the control bits and not from where the line before was found to end: so the processor
  // works on several lines at once.
  while (true) {
    const line = cr + 2;
    // Take away this line's CR and its LF, which may be the first bit of the next block.
    controls &= controls - 1;
    let carry = controls == 0;
    controls &= controls - 1;
    while (controls == 0) {
      block += 64;
      if (block >= stop) {
        return incomplete(count, line - start);
      }
      controls = control64(block);
      if (carry) {
        controls &= ~1;
        carry = false;
      }
    }
    cr = block + <usize>ctz(controls);
    if (cr + 2 > stop) {
      return cr >= stop || load<u8>(cr) == 0x0d ? incomplete(count, line - start) : -1;
    }
    if (load<u16>(cr) != CRLF) return -1;
    if (cr == line) {
      store<u16>(table + COUNT, <u16>count);
      store<u32>(table + MASK, <u32>mask);
      store<u32>(table + REPEATED, <u32>repeated);
      if ((mask & ~repeated & 1) != 0) {
        const host = table + RECORDS + <usize>load<u16>(table, LINE_INDEX) * RECORD_BYTES;
        if (isPlainHost(start + <usize>load<u16>(host, 4), start + <usize>load<u16>(host, 6))) hints |= HINT_HOST;
      }
      store<u16>(table + HINTS, <u16>hints);
      return <i32>(cr + 2 - start);
    }

    const a = v128.load(line);
    const b = v128.load(line, 16);
    const bad = notToken(a) | (notToken(b) << 16);
    let colon = line + <usize>ctz(bad);
    if (bad == 0) {
      while (true) {
        const more = notToken(v128.load(colon));
        colon += more == 0 ? 16 : <usize>ctz(more);
        if (more != 0) break;
      }
    }
    if (colon == line || load<u8>(colon) != 0x3a || count == FIELDS_MAX) return -1;

    // Which well-known name? See tables/field-hash.ts. The stored names end with a colon and zeros, so that one
    // comparison tells the length, too: all bytes up to and including the first that is not of a token are equal,
    // and none behind it. Entry 255 of the slots points at zeros.
    const letters = load<u32>(colon - 4) | 0x20202020;
    const shape = (<u32>load<u8>(line) | 0x20) | (<u32>(colon - line) << 8);
    const slot = (letters * HASH_LETTERS + shape * HASH_SHAPE) >> HASH_SHIFT;
    const candidate = <u32>load<u8>(table + slot, SLOTS);
    const known = table + (candidate << 5);
    const equal =
      i8x16.bitmask(i8x16.eq(v128.or(a, i8x16.splat(0x20)), v128.load(known, NAMES))) |
      (i8x16.bitmask(i8x16.eq(v128.or(b, i8x16.splat(0x20)), v128.load(known, NAMES + 16))) << 16);
    const id = (candidate | -(<u32>(equal != (bad ^ (bad - 1))))) & UNKNOWN_FIELD;

    let value = colon + 1;
    value += <usize>(load<u8>(value) == 0x20);
    while (load<u8>(value) == 0x20) value++;
    let valueEnd = cr;
    while (valueEnd > value && load<u8>(valueEnd - 1) == 0x20) valueEnd--;

    store<u16>(record, <u16>(line - start));
    store<u16>(record, <u16>(colon - start), 2);
    store<u16>(record, <u16>(value - start), 4);
    store<u16>(record, <u16>(valueEnd - start), 6);
    store<u16>(record, <u16>id, 8);
    record += RECORD_BYTES;
    store<u16>(table + ((id & 127) << 1), <u16>count, LINE_INDEX);
    // Only the low half counts: no id has its bit there by the shift's wrapping (see FIELD).
    const bit: u64 = (<u64>1) << (<u64>id);
    repeated |= mask & bit;
    mask |= bit;
    count++;
  }
  return -1; // never reached: the compiler wants a return behind the loop
}
