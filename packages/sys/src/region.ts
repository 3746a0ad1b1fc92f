/**
 * Memory whose address leaves JavaScript.
 *
 * An address given to the kernel does not keep its buffer alive, and V8 frees what nothing reaches: so such
 * memory belongs to a region, and a registry holds every region until `release()`.
 *
 * ```
 *   Region.allocate(n)      our ArrayBuffer                     release: the registry lets go
 *   Region.fromMemory(m)    a WebAssembly.Memory's bytes        release: the registry lets go
 *   Region.fromBuffer(b)    someone's ArrayBuffer               release: the registry lets go
 *   mmap(...)               pages of the kernel                 release: pages go back, see memory.ts
 * ```
 *
 * When checking, `allocate` puts pages around the memory that nobody may touch: guarded-pages.ts.
 */
import { markAsUntransferable } from "node:worker_threads";
import { checking } from "./address-check.js";
import { BadAddressError, BadArgumentError, ReleasedError } from "./errors.js";
import { guardedPages } from "./guarded-pages.js";
import { addressOfBytes } from "./native.js";
import { drop, hold } from "./region-registry.js";

export interface AllocateOptions {
  /** The address is a multiple of it: a power of two from 8 to 2 MiB. Default 16. */
  readonly alignment?: number;
}

const DEFAULT_ALIGNMENT_BYTES = 16;
const MIN_ALIGNMENT_BYTES = 8;
const MAX_ALIGNMENT_BYTES = 2 * 1024 * 1024;

export class Region {
  /** Where the region begins. Valid until `release()`. */
  readonly address: number;
  readonly byteLength: number;
  readonly #bytes: Uint8Array;
  readonly #onRelease: (() => void) | undefined;
  #view: DataView | undefined;
  #u32: Uint32Array | undefined;
  #i32: Int32Array | undefined;
  #released = false;

  /** @internal Use the static makers or `mmap`. */
  constructor(bytes: Uint8Array, address: number, onRelease?: () => void) {
    this.#bytes = bytes;
    this.address = address;
    this.byteLength = bytes.byteLength;
    this.#onRelease = onRelease;
    hold(this);
  }

  /**
   * Zeroed memory of our own.
   * @throws BadArgumentError for a length that is not a positive integer or a wrong alignment
   */
  static allocate(byteLength: number, options: AllocateOptions = {}): Region {
    const alignment = options.alignment ?? DEFAULT_ALIGNMENT_BYTES;
    if (!Number.isSafeInteger(byteLength) || byteLength < 1) {
      throw new BadArgumentError("region", "byteLength", byteLength, "a positive integer");
    }
    const isPowerOfTwo = Number.isInteger(alignment) && (alignment & (alignment - 1)) === 0;
    if (!isPowerOfTwo || alignment < MIN_ALIGNMENT_BYTES || alignment > MAX_ALIGNMENT_BYTES) {
      throw new BadArgumentError("region", "alignment", alignment, "a power of two from 8 to 2097152");
    }
    const pages = checking ? guardedPages(byteLength, alignment) : undefined;
    const buffer = pages?.buffer ?? new ArrayBuffer(byteLength + alignment - 1);
    // A transfer to another thread would take the memory away under the kernel.
    markAsUntransferable(buffer);
    if (pages !== undefined) return new Region(new Uint8Array(buffer), pages.address);
    const start = addressOfBytes(new Uint8Array(buffer));
    const skip = (alignment - (start % alignment)) % alignment;
    return new Region(new Uint8Array(buffer, skip, byteLength), start + skip);
  }

  /** The bytes of a `WebAssembly.Memory`. Its initial and maximum size must be equal: growing moves it. */
  static fromMemory(memory: { readonly buffer: ArrayBufferLike }): Region {
    return Region.fromBuffer(memory.buffer);
  }

  /** A whole buffer that someone else made; it must not be transferred, resized or detached before `release()`. */
  static fromBuffer(buffer: ArrayBufferLike): Region {
    const bytes = new Uint8Array(buffer);
    if (bytes.byteLength === 0) {
      throw new BadArgumentError("region", "buffer", "empty or detached", "a buffer with bytes");
    }
    return new Region(bytes, addressOfBytes(bytes));
  }

  get isReleased(): boolean {
    return this.#released;
  }

  get bytes(): Uint8Array {
    this.#mustLive();
    return this.#bytes;
  }

  get view(): DataView {
    this.#mustLive();
    this.#view ??= new DataView(this.#bytes.buffer, this.#bytes.byteOffset, this.byteLength);
    return this.#view;
  }

  /** The region as 32-bit words (the last incomplete word is left out). */
  get u32(): Uint32Array {
    this.#mustLive();
    this.#u32 ??= new Uint32Array(this.#bytes.buffer, this.#bytes.byteOffset, this.byteLength >>> 2);
    return this.#u32;
  }

  get i32(): Int32Array {
    this.#mustLive();
    this.#i32 ??= new Int32Array(this.#bytes.buffer, this.#bytes.byteOffset, this.byteLength >>> 2);
    return this.#i32;
  }

  /**
   * The address of `length` bytes at `offset`.
   * @throws BadAddressError when they are not all inside, ReleasedError after `release()`
   */
  addressOf(offset: number, length = 0): number {
    this.#mustLive();
    if (this.#bytes.byteLength !== this.byteLength) {
      throw new BadAddressError("region", this.address + offset, length, "its ArrayBuffer was detached");
    }
    if (!(offset >= 0 && length >= 0 && offset + length <= this.byteLength)) {
      throw new BadAddressError(
        "region",
        this.address + offset,
        length,
        `outside of ${this.byteLength} bytes`,
      );
    }
    return this.address + offset;
  }

  /** Lets the memory go. May be called again; everything else throws {@link ReleasedError} afterwards. */
  release(): void {
    if (this.#released) return;
    this.#released = true;
    drop(this);
    this.#onRelease?.();
  }

  #mustLive(): void {
    if (this.#released) throw new ReleasedError(`the region of ${this.byteLength} bytes at ${this.address}`);
  }
}
