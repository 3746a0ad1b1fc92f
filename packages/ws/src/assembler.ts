/** The first block of a message that comes in pieces; a peer that announces much and sends little costs this. */
const FIRST_BYTES = 4096;

/**
 * Joins the pieces of one message. It grows with what was received, never with what was announced: at most four
 * times the bytes at hand, and never above the announced total.
 */
export class Assembler {
  #bytes: Uint8Array;
  #length = 0;

  constructor(expectedBytes: number) {
    this.#bytes = Buffer.allocUnsafeSlow(Math.min(expectedBytes, FIRST_BYTES));
  }

  get bytes(): Uint8Array {
    return this.#bytes;
  }

  get length(): number {
    return this.#length;
  }

  /** @param announcedBytes what is known to come after this piece */
  append(bytes: Uint8Array, start: number, end: number, announcedBytes: number): void {
    const needed = this.#length + end - start;
    if (needed > this.#bytes.length) this.#grow(needed, needed + announcedBytes);
    const whole = start === 0 && end === bytes.length;
    this.#bytes.set(whole ? bytes : bytes.subarray(start, end), this.#length);
    this.#length = needed;
  }

  #grow(needed: number, announced: number): void {
    const capacity = announced > needed ? Math.min(announced, needed * 4) : needed * 2;
    const grown = Buffer.allocUnsafeSlow(capacity);
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
  }
}
