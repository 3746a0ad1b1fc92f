import { ftruncate, MADV_REMOVE, madvise, memfdCreate, mmap, orThrow, type Region } from "@tz/sys";
import { MAX_UNITS, type Mapped, type Pages, UNIT_BYTES } from "./pages.js";

/**
 * A file in memory that child processes inherit. It is as long as it can ever become from the start: it is sparse,
 * and pages come when they are written.
 * @throws SysError
 */
export function createMemoryFile(): number {
  const fd = memfdCreate("one-million", 0);
  ftruncate(fd, (MAX_UNITS + 1) * UNIT_BYTES);
  return fd;
}

/** Units of a memory file, mapped as they are asked for. */
export class MemfdPages implements Pages {
  readonly header: Int32Array;
  readonly #fd: number;
  readonly #regions = new Set<Region>();

  /** @throws SysError */
  constructor(fd: number) {
    this.#fd = fd;
    this.header = new Int32Array(this.map(0, 1).buffer);
  }

  map(unit: number, units: number): Mapped {
    const region = mmap({ fd: this.#fd, byteLength: units * UNIT_BYTES, offset: unit * UNIT_BYTES });
    this.#regions.add(region);
    return {
      buffer: region.bytes.buffer,
      release: () => {
        this.#regions.delete(region);
        region.release();
      },
    };
  }

  discard(unit: number, units: number): void {
    const region = mmap({ fd: this.#fd, byteLength: units * UNIT_BYTES, offset: unit * UNIT_BYTES });
    try {
      orThrow(madvise(region.address, region.byteLength, MADV_REMOVE), "madvise");
    } finally {
      region.release();
    }
  }

  close(): void {
    for (const region of this.#regions) region.release();
    this.#regions.clear();
  }
}
