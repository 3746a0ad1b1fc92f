import { madvise, mmap, type Region } from "@tz/sys";
import type { ChunkSource, MemorySource } from "../../src/index.js";

const MADV_DONTNEED = 4;

/** Chunks of the kernel's: anonymous mappings, whose pages go back with `madvise` and which can be counted. */
export class MappedSource implements ChunkSource {
  readonly regions = new Set<Region>();
  purges = 0;
  purgedBytes = 0;

  map(bytes: number): Region {
    const region = mmap({ byteLength: bytes });
    this.regions.add(region);
    return region;
  }

  unmap(memory: MemorySource): void {
    const region = memory as Region;
    this.regions.delete(region);
    region.release();
  }

  purge(memory: MemorySource, offsetBytes: number, bytes: number): void {
    const region = memory as Region;
    const result = madvise(region.addressOf(offsetBytes, bytes), bytes, MADV_DONTNEED);
    if (result < 0) throw new Error(`madvise failed with ${result}`);
    this.purges++;
    this.purgedBytes += bytes;
  }
}
