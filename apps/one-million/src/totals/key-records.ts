/**
 * The names of users, each written once and never moved.
 *
 * ```
 *   record   hash (4 bytes) │ length (4 bytes) │ UTF-8 … │ padding to 16 bytes
 *   number   chunk · 65,536 + place in units of 16 bytes + 1
 * ```
 *
 * A worker fills chunks of its own, so writing needs no atomics; publishing the record's number in the table of users
 * makes it visible.
 */
import { allocateUnits, type Mapped, type Pages, StoreFullError, UNIT_BYTES } from "../memory/pages.js";
import { MAX_KEY_CHUNKS, ROOT, type Root } from "./root.js";

const GRAIN_BYTES = 16;
const HEAD_BYTES = 8;
export const KEY_CHUNK_UNITS = 16;
const CHUNK_BYTES = KEY_CHUNK_UNITS * UNIT_BYTES;
const CHUNK_GRAINS = CHUNK_BYTES / GRAIN_BYTES;

/** Longest name of a user in bytes of UTF-8. */
export const MAX_KEY_BYTES = 1024;

interface Chunk {
  readonly words: Int32Array;
  readonly bytes: Uint8Array;
  readonly mapped: Mapped;
}

export class KeyRecords {
  readonly #pages: Pages;
  readonly #root: Root;
  readonly #chunks: (Chunk | undefined)[] = [];
  /** The chunk that this worker fills; -1 before the first. */
  #filling = -1;
  #nextGrain = CHUNK_GRAINS;
  #lastGrains = 0;

  constructor(pages: Pages, root: Root) {
    this.#pages = pages;
    this.#root = root;
  }

  /**
   * Writes a record that nobody sees yet.
   * @returns its number, above 0
   * @throws StoreFullError
   */
  write(hash: number, bytes: Uint8Array, start: number, end: number): number {
    const length = end - start;
    const grains = Math.ceil((HEAD_BYTES + length) / GRAIN_BYTES);
    if (this.#nextGrain + grains > CHUNK_GRAINS) this.#takeChunk();
    const chunk = this.#chunk(this.#filling);
    const at = this.#nextGrain * GRAIN_BYTES;
    chunk.words[at >>> 2] = hash;
    chunk.words[(at >>> 2) + 1] = length;
    for (let from = start, to = at + HEAD_BYTES; from < end; ) chunk.bytes[to++] = bytes[from++]!;
    const record = this.#filling * CHUNK_GRAINS + this.#nextGrain + 1;
    this.#nextGrain += grains;
    this.#lastGrains = grains;
    return record;
  }

  /** Takes back the record that was written last, which must not have been published. */
  takeBack(): void {
    this.#nextGrain -= this.#lastGrains;
    this.#lastGrains = 0;
  }

  hashOf(record: number): number {
    const at = record - 1;
    return this.#chunk(Math.floor(at / CHUNK_GRAINS)).words[(at % CHUNK_GRAINS) * (GRAIN_BYTES / 4)]!;
  }

  /** Whether a record has this name: all of it is compared, not only the hash. */
  equals(record: number, hash: number, bytes: Uint8Array, start: number, end: number): boolean {
    const at = record - 1;
    const chunk = this.#chunk(Math.floor(at / CHUNK_GRAINS));
    const word = (at % CHUNK_GRAINS) * (GRAIN_BYTES / 4);
    if (chunk.words[word] !== hash || chunk.words[word + 1] !== end - start) return false;
    for (let from = start, to = word * 4 + HEAD_BYTES; from < end; ) {
      if (chunk.bytes[to++] !== bytes[from++]) return false;
    }
    return true;
  }

  /** The name of a record. */
  nameOf(record: number): Uint8Array {
    const at = record - 1;
    const { words, bytes } = this.#chunk(Math.floor(at / CHUNK_GRAINS));
    const word = (at % CHUNK_GRAINS) * (GRAIN_BYTES / 4);
    return bytes.slice(word * 4 + HEAD_BYTES, word * 4 + HEAD_BYTES + words[word + 1]!);
  }

  release(): void {
    for (const chunk of this.#chunks) chunk?.mapped.release();
    this.#chunks.length = 0;
  }

  #takeChunk(): void {
    const { words } = this.#root;
    const index = Atomics.add(words, ROOT.keyChunks, 1);
    if (index >= MAX_KEY_CHUNKS) {
      Atomics.sub(words, ROOT.keyChunks, 1);
      throw new StoreFullError(`names of users fill all ${MAX_KEY_CHUNKS} chunks of ${CHUNK_BYTES} bytes`);
    }
    const unit = allocateUnits(this.#pages, KEY_CHUNK_UNITS);
    // Mapped by its own number: what the root says may be discarded meanwhile, and this chunk is written.
    this.#chunks[index] = this.#map(unit);
    Atomics.store(words, ROOT.keyChunkUnit + index, unit);
    this.#filling = index;
    this.#nextGrain = 0;
  }

  #chunk(index: number): Chunk {
    const known = this.#chunks[index];
    if (known !== undefined) return known;
    const chunk = this.#map(Atomics.load(this.#root.words, ROOT.keyChunkUnit + index));
    this.#chunks[index] = chunk;
    return chunk;
  }

  #map(unit: number): Chunk {
    const mapped = this.#pages.map(unit, KEY_CHUNK_UNITS);
    return { mapped, words: new Int32Array(mapped.buffer), bytes: new Uint8Array(mapped.buffer) };
  }
}
