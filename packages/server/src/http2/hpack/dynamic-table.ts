import type { FieldEntry } from "./field-entry.js";
import { STATIC_ENTRIES } from "./static-table.js";

/**
 * The fields that a peer has sent before, newest first (RFC 7541 §2.3.2).
 *
 * ```
 *   index   62       63       64        of `#count` entries
 *           newest ───────▶ oldest      a ring: `#newest` is where index 62 is
 * ```
 */
export class DynamicTable {
  #ring: (FieldEntry | undefined)[] = new Array(8).fill(undefined);
  #newest = 0;
  #count = 0;
  #byteLength = 0;
  #maxBytes: number;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get count(): number {
    return this.#count;
  }

  /** What its entries count. */
  get byteLength(): number {
    return this.#byteLength;
  }

  /** The entry of an index in both tables; `undefined` when there is none. */
  find(index: number): FieldEntry | undefined {
    if (index <= STATIC_ENTRIES.length) return STATIC_ENTRIES[index - 1];
    const place = index - STATIC_ENTRIES.length - 1;
    if (place >= this.#count) return undefined;
    return this.#ring[(this.#newest + place) & (this.#ring.length - 1)];
  }

  /** Adds an entry in front; those that have no room any more go. One that is larger than the table empties it. */
  add(entry: FieldEntry): void {
    const { byteLength } = entry;
    this.makeRoom(byteLength);
    if (byteLength > this.#maxBytes) return;
    if (this.#count === this.#ring.length) this.#grow();
    this.#newest = (this.#newest - 1) & (this.#ring.length - 1);
    this.#ring[this.#newest] = entry;
    this.#count++;
    this.#byteLength += byteLength;
  }

  /** Whether an entry of this size would stay. */
  takes(byteLength: number): boolean {
    return byteLength <= this.#maxBytes;
  }

  resize(maxBytes: number): void {
    this.#maxBytes = maxBytes;
    this.makeRoom(0);
  }

  /** Drops the oldest entries until there is room for so many bytes. */
  makeRoom(byteLength: number): void {
    const mask = this.#ring.length - 1;
    while (this.#count > 0 && this.#byteLength + byteLength > this.#maxBytes) {
      const oldest = (this.#newest + this.#count - 1) & mask;
      this.#byteLength -= this.#ring[oldest]!.byteLength;
      this.#ring[oldest] = undefined;
      this.#count--;
    }
  }

  #grow(): void {
    const { length } = this.#ring;
    const ring = new Array<FieldEntry | undefined>(length * 2).fill(undefined);
    for (let i = 0; i < this.#count; i++) ring[i] = this.#ring[(this.#newest + i) & (length - 1)];
    this.#ring = ring;
    this.#newest = 0;
  }
}
