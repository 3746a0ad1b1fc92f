const FIRST_BYTES = 16 * 1024;

/**
 * The last bytes of a terminal's output, by their number since its beginning.
 *
 * ```
 *   sequence   0 ............ start ============== end        (end - start <= limitBytes)
 *                             └── kept ──────────┘
 *   memory     [====end|start==========]   index = sequence mod capacity
 * ```
 *
 * It grows by doubling up to its limit: a terminal that is quiet costs 16 KiB.
 */
export class OutputRing {
  readonly #limitBytes: number;
  #bytes: Uint8Array;
  #start = 0;
  #end = 0;

  /** @param limitBytes a power of two */
  constructor(limitBytes: number, firstBytes = Math.min(FIRST_BYTES, limitBytes)) {
    this.#limitBytes = limitBytes;
    this.#bytes = new Uint8Array(firstBytes);
  }

  /** Number of the oldest byte that is kept. */
  get start(): number {
    return this.#start;
  }

  /** Number of the next byte that will come. */
  get end(): number {
    return this.#end;
  }

  /** Memory that it takes. */
  get capacityBytes(): number {
    return this.#bytes.byteLength;
  }

  append(bytes: Uint8Array, start: number, end: number): void {
    const length = end - start;
    this.#makeRoom(length);
    const capacity = this.#bytes.byteLength;
    // Of more than fits, only the last bytes stay; the others have their numbers all the same.
    const from = Math.max(start, end - capacity);
    let at = (this.#end + from - start) % capacity;
    for (let next = from; next < end; ) {
      const piece = Math.min(end - next, capacity - at);
      this.#bytes.set(bytes.subarray(next, next + piece), at);
      next += piece;
      at = (at + piece) % capacity;
    }
    this.#end += length;
    this.#start = Math.max(this.#start, this.#end - capacity);
  }

  /**
   * Copies bytes from number `sequence` on; it must not be before `start`.
   * @returns how many, at most `length`
   */
  copy(sequence: number, target: Uint8Array, targetStart: number, length: number): number {
    const count = Math.min(length, this.#end - sequence);
    const capacity = this.#bytes.byteLength;
    const at = sequence % capacity;
    const first = Math.min(count, capacity - at);
    target.set(this.#bytes.subarray(at, at + first), targetStart);
    if (first < count) target.set(this.#bytes.subarray(0, count - first), targetStart + first);
    return count;
  }

  /** The number of the first byte that begins a character (UTF-8) at or after `sequence`. */
  characterStart(sequence: number): number {
    let at = Math.max(sequence, this.#start);
    const last = Math.min(this.#end, at + 3);
    while (at < last && (this.#bytes[at % this.#bytes.byteLength]! & 0xc0) === 0x80) at++;
    return at;
  }

  #makeRoom(length: number): void {
    const held = this.#end - this.#start;
    const capacity = this.#bytes.byteLength;
    if (held + length <= capacity || capacity === this.#limitBytes) return;
    let grown = capacity;
    while (grown < held + length && grown < this.#limitBytes) grown *= 2;
    const bytes = new Uint8Array(grown);
    for (let sequence = this.#start; sequence < this.#end; ) {
      // Neither a piece of the old memory nor of the new one may wrap around.
      const at = sequence % capacity;
      const to = sequence % grown;
      const piece = Math.min(this.#end - sequence, capacity - at, grown - to);
      bytes.set(this.#bytes.subarray(at, at + piece), to);
      sequence += piece;
    }
    this.#bytes = bytes;
  }
}
