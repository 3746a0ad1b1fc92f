/**
 * Where cached answers live. With system calls, memory whose address does not move, so that the executor sends
 * head and body with one `writev`; otherwise ordinary buffers.
 *
 * ```
 *   regions of 1 MiB   [ answer | answer |  free  | answer | … ]   [ … ]
 *                        └ address of the region + offset, until free()
 * ```
 *
 * Regions are large because each costs an entry in a sorted registry; answers are small, so an allocator
 * divides them.
 */
import { type ChunkSource, type MemoryStatistics, SizeClassAllocator } from "@tz/alloc";
import type { ResponseHead } from "@tz/http1";
import { Region } from "@tz/sys";

export interface Block {
  readonly bytes: Uint8Array;
  /** `undefined` when the bytes have no address to give to the kernel. */
  readonly address: number | undefined;
  /** The memory may be used for something else afterwards. */
  free(): void;
}

export interface AnswerMemory {
  /** Blocks have addresses. */
  readonly isAddressed: boolean;
  /** Other processes have these blocks too. */
  readonly isShared?: boolean;
  allocate(byteLength: number): Block;
  /** A block that has these bytes already, perhaps together with others; `undefined`: allocate one. */
  place?(head: ResponseHead, body: Uint8Array): Block | undefined;
  /** All goes back once the last block is free. */
  close(): void;
  /** Where it is not the engine's own heap. */
  statistics?(): MemoryStatistics | undefined;
}

export const heapMemory: AnswerMemory = {
  isAddressed: false,
  allocate(byteLength) {
    return { bytes: new Uint8Array(byteLength), address: undefined, free() {} };
  },
  close() {},
};

/** The most that an allocator spans; what does not fit gets a region of its own. */
const LIMIT_BYTES = 2 ** 32;
const CHUNK_BYTES = 1024 * 1024;
/** Larger answers would leave much of a region unused. */
const SHARED_BYTES_MAX = CHUNK_BYTES / 4;

export class RegionMemory implements AnswerMemory {
  readonly isAddressed = true;
  readonly #regions = new Map<ArrayBufferLike, Region>();
  readonly #allocator: SizeClassAllocator<"null">;
  #blocks = 0;
  #isClosed = false;

  constructor() {
    const source: ChunkSource = {
      map: (byteLength) => {
        const region = Region.allocate(byteLength);
        this.#regions.set(region.bytes.buffer, region);
        return region;
      },
      unmap: (memory) => this.#release(memory as Region),
    };
    this.#allocator = new SizeClassAllocator({
      name: "answers",
      chunkBytes: CHUNK_BYTES,
      limitBytes: LIMIT_BYTES,
      source,
      atCapacity: "null",
    });
  }

  statistics(): MemoryStatistics {
    return this.#allocator.statistics();
  }

  allocate(byteLength: number): Block {
    if (byteLength === 0 || byteLength > SHARED_BYTES_MAX)
      return aloneIn(Region.allocate(byteLength || 1), byteLength);
    const offset = this.#allocator.allocate(byteLength);
    if (offset === null) return aloneIn(Region.allocate(byteLength), byteLength);
    const bytes = this.#allocator.view(offset);
    const region = this.#regions.get(bytes.buffer)!;
    this.#blocks++;
    const address = region.address + (bytes.byteOffset - region.bytes.byteOffset);
    return new SharedBlock(this, offset, bytes, address);
  }

  /** @internal */
  free(offset: number): void {
    this.#allocator.free(offset);
    this.#blocks--;
    this.#releaseAll();
  }

  close(): void {
    this.#isClosed = true;
    this.#releaseAll();
  }

  #releaseAll(): void {
    if (!this.#isClosed || this.#blocks > 0) return;
    for (const region of [...this.#regions.values()]) this.#release(region);
  }

  #release(region: Region): void {
    this.#regions.delete(region.bytes.buffer);
    region.release();
  }
}

class SharedBlock implements Block {
  readonly bytes: Uint8Array;
  readonly address: number;
  readonly #memory: RegionMemory;
  readonly #offset: number;

  constructor(memory: RegionMemory, offset: number, bytes: Uint8Array, address: number) {
    this.#memory = memory;
    this.#offset = offset;
    this.bytes = bytes;
    this.address = address;
  }

  free(): void {
    this.#memory.free(this.#offset);
  }
}

function aloneIn(region: Region, byteLength: number): Block {
  return {
    bytes: region.bytes.subarray(0, byteLength),
    address: region.address,
    free: () => region.release(),
  };
}
