const NO_BYTES = new Uint8Array(0);
/** A block in more frames than this is an attack (CVE-2024-27316). */
const MAX_CONTINUATIONS = 32;
const FIRST_BYTES = 1024;

/** A header block that comes in several frames: HEADERS and the CONTINUATION frames behind it (RFC 9113 §6.10). */
export class HeaderBlock {
  /** Whose it is; 0 when none is being received. */
  stream = 0;
  /** Of the HEADERS frame. */
  flags = 0;
  byteLength = 0;
  /** What came so far lies in front. */
  bytes: Uint8Array = NO_BYTES;
  #continuations = 0;

  begin(stream: number, flags: number, bytes: Uint8Array, start: number, end: number): void {
    this.stream = stream;
    this.flags = flags;
    this.byteLength = 0;
    this.#continuations = 0;
    this.#keep(bytes, start, end);
  }

  /** A CONTINUATION frame. @returns `false` when it makes the block longer than `maxBytes`, or of too many pieces */
  add(bytes: Uint8Array, start: number, end: number, maxBytes: number): boolean {
    this.#continuations++;
    if (this.#continuations > MAX_CONTINUATIONS || this.byteLength + end - start > maxBytes) return false;
    this.#keep(bytes, start, end);
    return true;
  }

  #keep(bytes: Uint8Array, start: number, end: number): void {
    const length = this.byteLength + end - start;
    if (length > this.bytes.byteLength) {
      const larger = new Uint8Array(Math.max(length * 2, FIRST_BYTES));
      larger.set(this.bytes.subarray(0, this.byteLength));
      this.bytes = larger;
    }
    this.bytes.set(bytes.subarray(start, end), this.byteLength);
    this.byteLength = length;
  }

  /** None is being received any more. */
  clear(): void {
    this.stream = 0;
    this.bytes = NO_BYTES;
  }
}
