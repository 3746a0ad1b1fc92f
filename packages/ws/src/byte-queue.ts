/** Small pieces share a block of this size. */
const BLOCK_BYTES = 16 * 1024;

interface Block {
  readonly bytes: Buffer;
  start: number;
  end: number;
}

/**
 * Bytes that the transport did not take yet: copied in, taken out from the front in pieces of any size.
 *
 * ```
 *   ├▒▒▒▒ start ██████ end ▒▒▒┤  ├ start ███████████████ end ┤  ├ start ███ end ▒▒▒▒▒┤
 *    sent        waiting   free                                    append goes here ▲
 * ```
 */
export class ByteQueue {
  #blocks: Block[] = [];
  #length = 0;

  get length(): number {
    return this.#length;
  }

  append(bytes: Uint8Array, start: number, end: number): void {
    this.#length += end - start;
    let at = start;
    const last = this.#blocks.at(-1);
    if (last !== undefined && last.end < last.bytes.length) {
      const fits = Math.min(end - at, last.bytes.length - last.end);
      last.bytes.set(bytes.subarray(at, at + fits), last.end);
      last.end += fits;
      at += fits;
    }
    if (at === end) return;
    const block = Buffer.allocUnsafeSlow(Math.max(BLOCK_BYTES, end - at));
    block.set(bytes.subarray(at, end), 0);
    this.#blocks.push({ bytes: block, start: 0, end: end - at });
  }

  /**
   * Offers the bytes in order until a piece is not taken as a whole.
   *
   * @param take gets `bytes[start, end)` and returns how many it took
   */
  drain(take: (bytes: Uint8Array, start: number, end: number) => number): void {
    while (this.#blocks.length > 0) {
      const block = this.#blocks[0]!;
      const taken = take(block.bytes, block.start, block.end);
      block.start += taken;
      this.#length -= taken;
      if (block.start < block.end) return;
      this.#blocks.shift();
    }
  }

  clear(): void {
    this.#blocks = [];
    this.#length = 0;
  }
}
