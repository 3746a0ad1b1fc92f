import { AllocError } from "./errors.js";
import { bytesOf, type ChunkSource, type MemorySource } from "./memory.js";

/** A piece of memory that arenas bump through. */
export interface Chunk {
  readonly memory: MemorySource;
  readonly bytes: Uint8Array;
}

/**
 * Chunks for arenas, bounded in bytes: those of the standard size are kept for the next arena that asks, larger
 * ones (for one allocation that did not fit) go back to the source.
 */
export class ChunkPool {
  readonly chunkBytes: number;
  readonly limitBytes: number;
  readonly #source: ChunkSource;
  readonly #structure: string;
  readonly #free: Chunk[] = [];
  /** The one chunk is the caller's memory: there is nothing to give back. */
  #fixed = false;
  #mappedBytes = 0;
  #mappedMaxBytes = 0;

  constructor(structure: string, source: ChunkSource, chunkBytes: number, limitBytes: number) {
    this.#structure = structure;
    this.#source = source;
    this.chunkBytes = chunkBytes;
    this.limitBytes = limitBytes;
  }

  /** One chunk that exists already and is never given back: an arena over memory of the caller. */
  static over(structure: string, memory: MemorySource): ChunkPool {
    const bytes = bytesOf(structure, memory);
    const pool = new ChunkPool(structure, { map: () => memory }, bytes.length, bytes.length);
    pool.#fixed = true;
    pool.#free.push({ memory, bytes });
    pool.#mappedBytes = bytes.length;
    pool.#mappedMaxBytes = bytes.length;
    return pool;
  }

  get mappedBytes(): number {
    return this.#mappedBytes;
  }

  get mappedMaxBytes(): number {
    return this.#mappedMaxBytes;
  }

  /** A chunk of `bytes` at least, or `undefined` when that would pass the limit. */
  take(bytes: number): Chunk | undefined {
    if (bytes <= this.chunkBytes) {
      const free = this.#free.pop();
      if (free !== undefined) return free;
    }
    const wanted = Math.max(bytes, this.chunkBytes);
    if (this.#mappedBytes + wanted > this.limitBytes) this.trim();
    // Near the limit a chunk may be smaller than the standard, as long as what is asked for fits.
    const size = Math.min(wanted, this.limitBytes - this.#mappedBytes);
    if (size < bytes) return undefined;
    const memory = this.#source.map(size);
    const all = bytesOf(this.#structure, memory);
    if (all.length < size) {
      throw new AllocError(
        "TZ_ALLOC_REGION",
        `${this.#structure}: the chunk source was asked for ${size} bytes and gave ${all.length}`,
      );
    }
    this.#mappedBytes += size;
    this.#mappedMaxBytes = Math.max(this.#mappedMaxBytes, this.#mappedBytes);
    return { memory, bytes: all.subarray(0, size) };
  }

  give(chunk: Chunk): void {
    if (this.#fixed || chunk.bytes.length === this.chunkBytes) this.#free.push(chunk);
    else this.#unmap(chunk);
  }

  /** Gives the free chunks back to the source; returns their bytes. */
  trim(): number {
    if (this.#fixed) return 0;
    let bytes = 0;
    for (let chunk = this.#free.pop(); chunk !== undefined; chunk = this.#free.pop()) {
      bytes += chunk.bytes.length;
      this.#unmap(chunk);
    }
    return bytes;
  }

  #unmap(chunk: Chunk): void {
    this.#mappedBytes -= chunk.bytes.length;
    this.#source.unmap?.(chunk.memory);
  }
}
