import { randomInt } from "node:crypto";
import type { MemorySource } from "@tz/alloc";
import { CacheError } from "../errors.js";
import { HEADER, HEADER_WORDS, LAYOUT_VERSION, MAGIC, type SharedLayout } from "./layout.js";
import { PageHeap } from "./page-heap.js";
import { stretchOf, viewsOf } from "./shared-memory.js";

/**
 * Writes the header and the pools. All else begins as zeros, untouched, so that a large cache costs nothing at first.
 *
 * @throws CacheError `TZ_CACHE_BUFFER`
 */
export function createMemory(memory: MemorySource, layout: SharedLayout): void {
  const stretch = stretchOf(memory);
  if (stretch.byteLength < layout.byteLength) {
    const message = `memory has ${stretch.byteLength} bytes, must have ${layout.byteLength}: see SharedCache.byteLength`;
    throw new CacheError("TZ_CACHE_BUFFER", message);
  }
  const views = viewsOf(stretch, layout);
  const { header } = views;
  if (header.some((word) => word !== 0) || views.workers.some((word) => word !== 0))
    throw new CacheError(
      "TZ_CACHE_BUFFER",
      "memory is not fresh: it must be zeros, and nobody must have used it",
    );
  header[HEADER.version] = LAYOUT_VERSION;
  header[HEADER.maxEntries] = layout.maxEntries;
  header[HEADER.maxWorkers] = layout.maxWorkers;
  header[HEADER.maxEntryBytes] = layout.maxEntryBytes;
  header[HEADER.pageBytes] = layout.pageBytes;
  header[HEADER.pages] = layout.pages;
  header[HEADER.hashSeed] = randomInt(2 ** 32) | 0;
  PageHeap.create(views);
  // Last: from here on others may attach.
  Atomics.store(header.subarray(0, HEADER_WORDS), HEADER.magic, MAGIC);
}
