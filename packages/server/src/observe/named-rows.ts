import type { CounterCells } from "./counter-cells.js";

/** What one row holds. */
export interface NamedRow {
  readonly name: string;
  readonly values: readonly number[];
}

/**
 * A table of rows with a name each, in the words of a block: routes, mounts, memory structures, paths.
 *
 * ```
 *   row:  version << 8 | length │ name, UTF-8, zero-padded │ cell │ cell │ …
 * ```
 *
 * One writer. It makes the length 0 while it writes a name, and counts the version up; a reader that finds another
 * version afterwards reads again.
 */
export class NamedRows {
  readonly capacity: number;
  readonly #cells: CounterCells;
  readonly #start: number;
  readonly #rowWords: number;
  readonly #nameBytes: number;
  readonly #columns: number;
  /** The writer's own memory of what it wrote. */
  readonly #names: string[] = [];

  /** @param start word of the first row */
  constructor(cells: CounterCells, start: number, shape: RowShape) {
    this.#cells = cells;
    this.#start = start;
    this.capacity = shape.rows;
    this.#nameBytes = shape.nameBytes;
    this.#columns = shape.columns;
    this.#rowWords = rowWords(shape);
  }

  /** The cell of a column, for counting in place. */
  cell(row: number, column: number): number {
    return this.#start + row * this.#rowWords + 1 + this.#nameBytes / 4 + 1 + column * 2;
  }

  /** Writes a row's name; longer ones are cut. */
  name(row: number, name: string): void {
    const { words } = this.#cells;
    const at = this.#start + row * this.#rowWords;
    const text = Buffer.from(name);
    const length = Math.min(text.byteLength, this.#nameBytes);
    const version = ((words[at]! >>> 8) + 1) & 0xff_ffff;
    Atomics.store(words, at, (version << 8) >>> 0);
    const target = new Uint8Array(words.buffer, words.byteOffset + (at + 1) * 4, this.#nameBytes);
    target.fill(0);
    target.set(text.subarray(0, length));
    Atomics.store(words, at, ((version << 8) | length) >>> 0);
  }

  /** Gives a row a name; one that had another name begins at 0. */
  claim(row: number, name: string): void {
    if (this.#names[row] === name) return;
    const before = this.#readRow(row);
    if (before?.name !== name) {
      this.name(row, name);
      for (let column = 0; column < this.#columns; column++) this.#cells.set(this.cell(row, column), 0);
    }
    this.#names[row] = name;
  }

  /** Writes a whole row. */
  put(row: number, name: string, values: readonly number[]): void {
    this.claim(row, name);
    values.forEach((value, column) => {
      this.#cells.set(this.cell(row, column), value);
    });
  }

  /** Takes the rows from `first` on out of sight. */
  truncate(first: number): void {
    this.#names.length = Math.min(this.#names.length, first);
    const { words } = this.#cells;
    for (let row = first; row < this.capacity; row++) {
      const at = this.#start + row * this.#rowWords;
      if ((words[at]! & 0xff) !== 0) Atomics.store(words, at, words[at]! & ~0xff);
    }
  }

  /** The rows that have a name. May be called by any thread or process. */
  read(): NamedRow[] {
    const rows: NamedRow[] = [];
    for (let row = 0; row < this.capacity; row++) {
      const found = this.#readRow(row);
      if (found !== undefined) rows.push(found);
    }
    return rows;
  }

  #readRow(row: number): NamedRow | undefined {
    const { words } = this.#cells;
    const at = this.#start + row * this.#rowWords;
    for (let i = 0; i < 100; i++) {
      const tag = Atomics.load(words, at);
      const length = tag & 0xff;
      if (length === 0) return undefined;
      const bytes = new Uint8Array(words.buffer, words.byteOffset + (at + 1) * 4, length);
      // A copy: shared memory is not decoded in place.
      const name = Buffer.from(Uint8Array.from(bytes)).toString("utf8");
      const values = Array.from({ length: this.#columns }, (_, column) =>
        this.#cells.read(this.cell(row, column)),
      );
      if (Atomics.load(words, at) === tag) return { name, values };
    }
    return undefined;
  }
}

export interface RowShape {
  readonly rows: number;
  /** A multiple of 4, at most 252. */
  readonly nameBytes: number;
  /** Cells of 64 bits in a row. */
  readonly columns: number;
}

/** Words of one row: the tag, the name, a word of padding, the cells. */
export function rowWords({ nameBytes, columns }: RowShape): number {
  return 1 + nameBytes / 4 + 1 + columns * 2;
}
