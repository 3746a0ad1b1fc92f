/**
 * DEFLATE (RFC 1951) decoded bit by bit, to see how far back the matches of a stream reach: zlib itself does not
 * check that against the window.
 */
const LENGTH_BASE = [
  3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195,
  227, 258,
];
const LENGTH_EXTRA = [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0];
const DISTANCE_BASE = [
  1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097,
  6145, 8193, 12289, 16385, 24577,
];
const CODE_ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

class Bits {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get atEnd(): boolean {
    return this.#at + 7 >= this.#bytes.length * 8;
  }

  bit(): number {
    const byte = this.#bytes[this.#at >> 3];
    if (byte === undefined) throw new Error("the stream ends inside a block");
    return (byte >> (this.#at++ & 7)) & 1;
  }

  number(count: number): number {
    let value = 0;
    for (let i = 0; i < count; i++) value |= this.bit() << i;
    return value;
  }

  toByte(): void {
    this.#at = (this.#at + 7) & ~7;
  }
}

/** Canonical Huffman codes by `length:code`. */
function codesOf(lengths: readonly number[]): Map<string, number> {
  const codes = new Map<string, number>();
  let code = 0;
  for (let length = 1; length <= 15; length++) {
    code <<= 1;
    lengths.forEach((own, symbol) => {
      if (own === length) codes.set(`${length}:${code++}`, symbol);
    });
  }
  return codes;
}

function readSymbol(bits: Bits, codes: Map<string, number>): number {
  let code = 0;
  for (let length = 1; length <= 15; length++) {
    code = (code << 1) | bits.bit();
    const symbol = codes.get(`${length}:${code}`);
    if (symbol !== undefined) return symbol;
  }
  throw new Error("no such code");
}

const FIXED_LENGTHS = Array.from({ length: 288 }, (_, i) => (i < 144 ? 8 : i < 256 ? 9 : i < 280 ? 7 : 8));
const FIXED = { literals: codesOf(FIXED_LENGTHS), distances: codesOf(new Array<number>(30).fill(5)) };

function readTables(bits: Bits): typeof FIXED {
  const [literals, distances, codes] = [bits.number(5) + 257, bits.number(5) + 1, bits.number(4) + 4];
  const codeLengths = new Array<number>(19).fill(0);
  for (let i = 0; i < codes; i++) codeLengths[CODE_ORDER[i]!] = bits.number(3);
  const table = codesOf(codeLengths);
  const lengths: number[] = [];
  while (lengths.length < literals + distances) {
    const symbol = readSymbol(bits, table);
    if (symbol < 16) lengths.push(symbol);
    else if (symbol === 16) lengths.push(...new Array<number>(3 + bits.number(2)).fill(lengths.at(-1)!));
    else lengths.push(...new Array<number>(symbol === 17 ? 3 + bits.number(3) : 11 + bits.number(7)).fill(0));
  }
  return { literals: codesOf(lengths.slice(0, literals)), distances: codesOf(lengths.slice(literals)) };
}

/** @returns the text, and the longest distance of a match */
export function tinyInflate(stream: Uint8Array): { text: Buffer; distanceMax: number } {
  const bits = new Bits(stream);
  const text: number[] = [];
  let distanceMax = 0;
  while (!bits.atEnd) {
    const final = bits.bit();
    const kind = bits.number(2);
    if (kind === 0) {
      bits.toByte();
      const length = bits.number(16);
      bits.number(16);
      for (let i = 0; i < length; i++) text.push(bits.number(8));
    } else {
      const { literals, distances } = kind === 1 ? FIXED : readTables(bits);
      for (let symbol = readSymbol(bits, literals); symbol !== 256; symbol = readSymbol(bits, literals)) {
        if (symbol < 256) {
          text.push(symbol);
          continue;
        }
        const length = LENGTH_BASE[symbol - 257]! + bits.number(LENGTH_EXTRA[symbol - 257]!);
        const code = readSymbol(bits, distances);
        const distance = DISTANCE_BASE[code]! + bits.number(code < 4 ? 0 : (code >> 1) - 1);
        distanceMax = Math.max(distanceMax, distance);
        for (let i = 0; i < length; i++) text.push(text[text.length - distance]!);
      }
    }
    if (final === 1) bits.toByte();
  }
  return { text: Buffer.from(text), distanceMax };
}
