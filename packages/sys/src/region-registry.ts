/**
 * Every region whose address may be with the kernel, strongly held: V8 frees a buffer that no JavaScript
 * reaches, whatever the kernel still does with its address. Sorted by address, so that the checker finds
 * the region of a range by bisection.
 *
 * ```
 *   address ──▶  [0x10000 +64K] [0x7f10… +4K] [0x7f30… +6.4M]     (one entry per live region)
 * ```
 */
export interface HeldRange {
  readonly address: number;
  readonly byteLength: number;
  readonly bytes: Uint8Array;
}

const held: HeldRange[] = [];
let heldBytes = 0;
/** The longest range ever held: how far before an address a range that contains it can begin. */
let longestByteLength = 0;

/** The number of regions that begin at or before `address`. */
function countUpTo(address: number): number {
  let low = 0;
  let high = held.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (held[middle]!.address <= address) low = middle + 1;
    else high = middle;
  }
  return low;
}

export function hold(range: HeldRange): void {
  held.splice(countUpTo(range.address), 0, range);
  heldBytes += range.byteLength;
  longestByteLength = Math.max(longestByteLength, range.byteLength);
}

export function drop(range: HeldRange): void {
  for (let i = countUpTo(range.address) - 1; i >= 0 && held[i]!.address === range.address; i--) {
    if (held[i] !== range) continue;
    held.splice(i, 1);
    heldBytes -= range.byteLength;
    return;
  }
}

/** The bytes of a range that lies in one live region, or why there are none. */
export function bytesAt(address: number, length: number): Uint8Array | string {
  if (!Number.isSafeInteger(address) || address < 0) return "not an address";
  if (!Number.isSafeInteger(length) || length < 0) return "not a length";
  let why = "no live region begins at or before it";
  // Regions may overlap (two over one WebAssembly memory), so earlier and longer ones are asked too.
  for (let i = countUpTo(address) - 1; i >= 0; i--) {
    const range = held[i]!;
    if (address - range.address > longestByteLength) break;
    if (address + length > range.address + range.byteLength) {
      why = `the region there ends ${address + length - range.address - range.byteLength} bytes before`;
    } else if (range.bytes.byteLength !== range.byteLength) {
      why = "its ArrayBuffer was detached";
    } else {
      return range.bytes.subarray(address - range.address, address - range.address + length);
    }
  }
  return why;
}

/** How many regions are held, and their bytes. */
export interface RegionStats {
  readonly regions: number;
  readonly bytes: number;
}

export function regionStats(): RegionStats {
  return { regions: held.length, bytes: heldBytes };
}
