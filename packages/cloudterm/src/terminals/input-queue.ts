/** Input that the other side has not taken yet, in the order in which it came. */
export class InputQueue {
  readonly #pieces: Buffer[] = [];
  #at = 0;
  #bytes = 0;

  get byteLength(): number {
    return this.#bytes;
  }

  /** Copies. */
  append(bytes: Uint8Array, start: number, end: number): void {
    if (end <= start) return;
    this.#pieces.push(Buffer.from(bytes.subarray(start, end)));
    this.#bytes += end - start;
  }

  /** Hands pieces over until one is not taken as a whole. @param take returns how many bytes it took */
  drain(take: (bytes: Uint8Array, start: number, end: number) => number): void {
    while (this.#pieces.length > 0) {
      const piece = this.#pieces[0]!;
      const taken = take(piece, this.#at, piece.length);
      this.#at += taken;
      this.#bytes -= taken;
      if (this.#at < piece.length) return;
      this.#pieces.shift();
      this.#at = 0;
    }
  }

  clear(): void {
    this.#pieces.length = 0;
    this.#at = this.#bytes = 0;
  }
}
