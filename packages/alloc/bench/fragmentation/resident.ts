import { closeSync, openSync, readSync } from "node:fs";
import type { Region } from "@tz/sys";

const PAGE_BYTES = 4096;
/** Of an entry of pagemap: the page is in memory. */
const PRESENT_BYTE = 7;
const PRESENT_BIT = 0x80;

/**
 * Bytes of these mappings that the kernel has in memory, page by page from `/proc/self/pagemap`: sums by mapping
 * (smaps) would count neighbours that the kernel joined to one with ours.
 */
export function residentBytes(regions: Iterable<Region>): number {
  const file = openSync("/proc/self/pagemap", "r");
  let pages = 0;
  for (const region of regions) {
    const entries = Buffer.alloc((region.byteLength / PAGE_BYTES) * 8);
    const length = readSync(file, entries, 0, entries.length, (region.address / PAGE_BYTES) * 8);
    if (length !== entries.length) throw new Error(`pagemap gave ${length} of ${entries.length} bytes`);
    for (let at = PRESENT_BYTE; at < length; at += 8) if ((entries[at]! & PRESENT_BIT) !== 0) pages++;
  }
  closeSync(file);
  return pages * PAGE_BYTES;
}
