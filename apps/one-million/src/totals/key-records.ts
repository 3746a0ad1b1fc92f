/**
 * The names of users, each written once and never moved.
 *
 * ```
 *   record   hash │ state │ sequence │ UTF-8 … │ padding to 16 bytes      4 bytes each
 *   state    length of the name · 256 + (0, or the lane whose event brings this user, + 1)
 *   number   chunk · 65,536 + place in units of 16 bytes + 1
 * ```
 *
 * A worker fills chunks of its own, so writing needs no atomics; publishing the record's number in the table of users
 * makes it visible. Until that worker's event is known to be counted the state names its lane, and the sequence number
 * is the one that the lane moves on from by that event: whoever finds the record can count the event (see totals.ts).
 */
import { allocateUnits, type Mapped, type Pages, StoreFullError, UNIT_BYTES } from "../memory/pages.js";
import { MAX_KEY_CHUNKS, ROOT, type Root } from "./root.js";

const GRAIN_BYTES = 16;
const HEAD_BYTES = 12;
const STATE_WORD = 1;
const SEQUENCE_WORD = 2;
/** In the state, below the length. */
const OWNER_BITS = 8;
const OWNER_MASK = (1 << OWNER_BITS) - 1;
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
  #wasSettled = false;

  constructor(pages: Pages, root: Root) {
    this.#pages = pages;
    this.#root = root;
  }

  /**
   * Writes a record that nobody sees yet.
   * @param lane whose event brings this user
   * @param sequence of that lane before the event
   * @returns its number, above 0
   * @throws StoreFullError
   */
  write(hash: number, bytes: Uint8Array, start: number, end: number, lane: number, sequence: number): number {
    const length = end - start;
    const grains = Math.ceil((HEAD_BYTES + length) / GRAIN_BYTES);
    if (this.#nextGrain + grains > CHUNK_GRAINS) this.#takeChunk();
    const chunk = this.#chunk(this.#filling);
    const at = this.#nextGrain * GRAIN_BYTES;
    chunk.words[at >>> 2] = hash;
    chunk.words[(at >>> 2) + STATE_WORD] = (length << OWNER_BITS) | (lane + 1);
    chunk.words[(at >>> 2) + SEQUENCE_WORD] = sequence;
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
    return this.#word(record, 0);
  }

  /** Of the record that {@link equals} found last: it was settled then, and so it stays. */
  get wasSettled(): boolean {
    return this.#wasSettled;
  }

  /** The lane whose event brings this user, until {@link settle}; -1 from then on. */
  laneOf(record: number): number {
    return (this.#word(record, STATE_WORD) & OWNER_MASK) - 1;
  }

  /** What that lane's sequence is before the event. */
  sequenceOf(record: number): number {
    return this.#word(record, SEQUENCE_WORD);
  }

  /** Says that the event which brought this user is counted. */
  settle(record: number): void {
    const at = record - 1;
    const { words } = this.#chunk(Math.floor(at / CHUNK_GRAINS));
    const word = (at % CHUNK_GRAINS) * (GRAIN_BYTES / 4) + STATE_WORD;
    Atomics.store(words, word, words[word]! & ~OWNER_MASK);
  }

  /** Whether a record has this name: all of it is compared, not only the hash. */
  equals(record: number, hash: number, bytes: Uint8Array, start: number, end: number): boolean {
    const at = record - 1;
    const chunk = this.#chunk(Math.floor(at / CHUNK_GRAINS));
    const word = (at % CHUNK_GRAINS) * (GRAIN_BYTES / 4);
    if (chunk.words[word] !== hash) return false;
    const state = Atomics.load(chunk.words, word + STATE_WORD);
    if (state >>> OWNER_BITS !== end - start) return false;
    for (let from = start, to = word * 4 + HEAD_BYTES; from < end; ) {
      if (chunk.bytes[to++] !== bytes[from++]) return false;
    }
    this.#wasSettled = (state & OWNER_MASK) === 0;
    return true;
  }

  /** The name of a record. */
  nameOf(record: number): Uint8Array {
    const at = record - 1;
    const { words, bytes } = this.#chunk(Math.floor(at / CHUNK_GRAINS));
    const word = (at % CHUNK_GRAINS) * (GRAIN_BYTES / 4);
    const length = words[word + STATE_WORD]! >>> OWNER_BITS;
    return bytes.slice(word * 4 + HEAD_BYTES, word * 4 + HEAD_BYTES + length);
  }

  release(): void {
    for (const chunk of this.#chunks) chunk?.mapped.release();
    this.#chunks.length = 0;
  }

  #word(record: number, index: number): number {
    const at = record - 1;
    const { words } = this.#chunk(Math.floor(at / CHUNK_GRAINS));
    return Atomics.load(words, (at % CHUNK_GRAINS) * (GRAIN_BYTES / 4) + index);
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
