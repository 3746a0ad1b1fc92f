import { readFileSync } from "node:fs";
import type { Region } from "@tz/sys";

/**
 * Bytes that the kernel has in memory for these mappings, from `/proc/self/smaps`. The kernel may have joined
 * neighbours to one mapping, so that what lies between two regions of a mapping counts, too (it is never touched).
 */
export function residentBytes(regions: Iterable<Region>): number {
  const starts = [...regions].map((region) => region.address);
  let total = 0;
  let counts = false;
  for (const line of readFileSync("/proc/self/smaps", "utf8").split("\n")) {
    const range = /^([0-9a-f]+)-([0-9a-f]+) /.exec(line);
    if (range !== null) {
      const from = Number.parseInt(range[1]!, 16);
      const to = Number.parseInt(range[2]!, 16);
      counts = starts.some((start) => start >= from && start < to);
    } else if (counts && line.startsWith("Rss:")) total += Number(/\d+/.exec(line)![0]) * 1024;
  }
  return total;
}
