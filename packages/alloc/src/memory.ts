import { AllocError, shown } from "./errors.js";

/**
 * Memory that a structure works in: an `ArrayBuffer`, a `SharedArrayBuffer` (threads), any view of one, anything
 * with `bytes` (a mapped region, shared between processes), or with `buffer` (a `WebAssembly.Memory` whose
 * initial and maximum size are equal: growing one detaches what is handed out here).
 *
 * The giver keeps the memory mapped for as long as the structure is used.
 */
export type MemorySource =
  | ArrayBufferLike
  | ArrayBufferView
  | { readonly bytes: Uint8Array }
  | { readonly buffer: ArrayBufferLike };

/** Where growing structures take their memory from, a chunk at a time. */
export interface ChunkSource {
  /** `bytes` of memory at least. Its content does not matter. */
  map(bytes: number): MemorySource;
  /** Takes back what `map` gave. When it is missing, the memory is left to the garbage collector. */
  unmap?(memory: MemorySource): void;
  /**
   * Tells that a range, aligned to the page size of the structure, holds nothing: its pages may be dropped and
   * read as anything later (`madvise` with `MADV_DONTNEED`). When it is missing, only whole chunks go back.
   */
  purge?(memory: MemorySource, offsetBytes: number, bytes: number): void;
}

/** Chunks are plain array buffers. */
export const arrayBufferSource: ChunkSource = { map: (bytes) => new ArrayBuffer(bytes) };

/**
 * The bytes of a memory source.
 *
 * @throws AllocError `TZ_ALLOC_REGION` when it is none, or does not begin at a multiple of 8 in its buffer.
 */
export function bytesOf(structure: string, memory: MemorySource): Uint8Array {
  const bytes = findBytes(memory);
  if (bytes === undefined) {
    throw new AllocError(
      "TZ_ALLOC_REGION",
      `${structure}: memory must be a buffer, a view or a region, got ${shown(memory)}`,
    );
  }
  if (bytes.byteOffset % 8 !== 0) {
    throw new AllocError(
      "TZ_ALLOC_REGION",
      `${structure}: memory must begin at a multiple of 8 in its buffer, got ${bytes.byteOffset}`,
    );
  }
  return bytes;
}

function findBytes(memory: MemorySource): Uint8Array | undefined {
  if (memory instanceof Uint8Array) return memory;
  if (ArrayBuffer.isView(memory)) return new Uint8Array(memory.buffer, memory.byteOffset, memory.byteLength);
  if (isBuffer(memory)) return new Uint8Array(memory);
  if (typeof memory !== "object" || memory === null) return undefined;
  if ("bytes" in memory && memory.bytes instanceof Uint8Array) return memory.bytes;
  if ("buffer" in memory && isBuffer(memory.buffer)) return new Uint8Array(memory.buffer);
  return undefined;
}

function isBuffer(value: unknown): value is ArrayBufferLike {
  return value instanceof ArrayBuffer || value instanceof SharedArrayBuffer;
}
