import { IOVEC_BYTES } from "./address-check.js";
import { BadArgumentError } from "./errors.js";
import { Region } from "./region.js";

/** The kernel takes at most IOV_MAX entries in a call. */
const MAX_ENTRIES = 1024;

/**
 * An array of `struct iovec` for `writev`, `readv`, `sendmsg`. Setting an entry allocates nothing.
 *
 * ```
 *   address ──▶ [ address, length ][ address, length ] …   64-bit words, `capacity` entries
 * ```
 */
export class IoVector {
  readonly capacity: number;
  readonly address: number;
  readonly #region: Region;
  readonly #words: Uint32Array;

  /** @throws BadArgumentError when the capacity is not between 1 and 1024 */
  constructor(capacity: number) {
    if (!Number.isInteger(capacity) || capacity < 1 || capacity > MAX_ENTRIES) {
      throw new BadArgumentError("iovec", "capacity", capacity, `an integer from 1 to ${MAX_ENTRIES}`);
    }
    this.capacity = capacity;
    this.#region = Region.allocate(capacity * IOVEC_BYTES);
    this.address = this.#region.address;
    this.#words = this.#region.u32;
  }

  /** Entry `index` becomes `length` bytes (below 4 GiB) at `address`. */
  set(index: number, address: number, length: number): void {
    const words = this.#words;
    const word = index << 2;
    words[word] = address >>> 0;
    words[word + 1] = address / 4294967296;
    words[word + 2] = length;
  }

  /** The address of entry `index`: where a call starts when entries before it are sent already. */
  addressOf(index: number): number {
    return this.#region.addressOf(index * IOVEC_BYTES);
  }

  entryAddress(index: number): number {
    const word = index << 2;
    return this.#words[word]! + this.#words[word + 1]! * 4294967296;
  }

  entryLength(index: number): number {
    return this.#words[(index << 2) + 2]!;
  }

  release(): void {
    this.#region.release();
  }
}
