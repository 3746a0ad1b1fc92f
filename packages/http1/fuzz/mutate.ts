/** Changes to an input: bytes flipped, taken out, doubled, words put in, two inputs joined. */
export class Mutator {
  #state: number;
  readonly #words: readonly Buffer[];
  readonly #maxBytes: number;

  constructor(seed: number, words: readonly string[], maxBytes: number) {
    this.#state = seed >>> 0 || 1;
    this.#words = words.map((word) => Buffer.from(word, "latin1"));
    this.#maxBytes = maxBytes;
  }

  /** From 0 to below `bound`: xorshift32. */
  below(bound: number): number {
    let x = this.#state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#state = x >>> 0;
    return this.#state % Math.max(1, bound);
  }

  mutate(input: Buffer, other: Buffer): Buffer {
    let result = input;
    for (let times = 1 + this.below(5); times > 0; times--) result = this.#once(result, other);
    return result.subarray(0, this.#maxBytes);
  }

  #once(input: Buffer, other: Buffer): Buffer {
    const at = this.below(input.length + 1);
    const length = 1 + this.below(Math.min(16, input.length + 1));
    const word = this.#words[this.below(this.#words.length)]!;
    switch (this.below(8)) {
      case 0:
        return this.#put(input, at, at + 1, Buffer.of(this.below(256)));
      case 1:
        return this.#put(input, at, at + 1, Buffer.of((input[at] ?? 0) ^ (1 << this.below(8))));
      case 2:
        return this.#put(input, at, at + length, Buffer.alloc(0));
      case 3:
        return this.#put(input, at, at, input.subarray(at, at + length));
      case 4:
        return this.#put(input, at, at + length, word);
      case 5: {
        const from = this.below(other.length + 1);
        return this.#put(
          input,
          at,
          at + this.below(input.length),
          other.subarray(from, from + this.below(64)),
        );
      }
      case 6: {
        const line = Math.max(0, input.lastIndexOf("\n", at - 1) + 1);
        const end = input.indexOf("\n", at) + 1 || input.length;
        return this.below(2) === 0
          ? this.#put(input, line, end, Buffer.alloc(0))
          : this.#put(input, line, line, input.subarray(line, end));
      }
      default:
        return this.#put(input, at, at, word);
    }
  }

  #put(input: Buffer, from: number, to: number, text: Buffer): Buffer {
    return Buffer.concat([input.subarray(0, from), text, input.subarray(Math.max(from, to))]);
  }
}
