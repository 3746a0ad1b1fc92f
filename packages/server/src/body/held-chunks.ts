/** Pieces smaller than this are joined: each of its own costs a few hundred bytes of memory, whatever its length. */
export const JOINED_BYTES = 4096;

/**
 * Bytes of a body that its reader has not taken yet, in the pieces in which they came. A client that sends a byte at a time
 * must not make the server hold an object for each of them: small pieces are joined, behind the first one, which most
 * small bodies consist of.
 *
 * ```
 *   piece │ piece │ joined small pieces …    (≤ 4 KiB each)
 * ```
 */
export class HeldChunks {
  /** The one that came when nothing was held: mostly the only one. */
  #first: Uint8Array | null = null;
  #chunks: Uint8Array[] = [];
  /** Memory for small pieces: those in it follow all of the chunks. */
  #joined: Uint8Array | null = null;
  #joinedBytes = 0;
  byteLength = 0;

  /** Copies `bytes[start, end)`. */
  keep(bytes: Uint8Array, start: number, end: number): void {
    const length = end - start;
    if (this.byteLength === 0) {
      this.#first = bytes.slice(start, end);
      this.byteLength = length;
      return;
    }
    this.byteLength += length;
    if (this.#joined !== null) {
      if (this.#joinedBytes + length <= JOINED_BYTES) {
        this.#join(bytes, start, end);
        return;
      }
      this.#seal();
    }
    if (length >= JOINED_BYTES) {
      this.#chunks.push(bytes.slice(start, end));
      return;
    }
    this.#joined = new Uint8Array(JOINED_BYTES);
    this.#join(bytes, start, end);
  }

  /** The first of the pieces; `undefined` when there is none. */
  shift(): Uint8Array | undefined {
    const first = this.#first;
    if (first !== null) {
      this.#first = null;
      this.byteLength -= first.byteLength;
      return first;
    }
    if (this.#chunks.length === 0) this.#seal();
    const chunk = this.#chunks.shift();
    if (chunk !== undefined) this.byteLength -= chunk.byteLength;
    return chunk;
  }

  /** All of them as one. */
  takeAll(): Uint8Array {
    const first = this.#first;
    if (first !== null && first.byteLength === this.byteLength) {
      this.#first = null;
      this.byteLength = 0;
      return first;
    }
    this.#seal();
    if (first !== null) this.#chunks.unshift(first);
    const chunks = this.#chunks;
    const all = chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks, this.byteLength);
    this.clear();
    return all;
  }

  clear(): void {
    this.#first = null;
    this.#chunks = [];
    this.#joined = null;
    this.#joinedBytes = 0;
    this.byteLength = 0;
  }

  #join(bytes: Uint8Array, start: number, end: number): void {
    const joined = this.#joined!;
    if (end - start < 16) for (let i = start; i < end; i++) joined[this.#joinedBytes++] = bytes[i]!;
    else {
      joined.set(bytes.subarray(start, end), this.#joinedBytes);
      this.#joinedBytes += end - start;
    }
  }

  #seal(): void {
    const joined = this.#joined;
    if (joined === null) return;
    // Whoever keeps a short chunk does not keep memory that is mostly empty.
    const isShort = this.#joinedBytes < JOINED_BYTES / 2;
    this.#chunks.push(isShort ? joined.slice(0, this.#joinedBytes) : joined.subarray(0, this.#joinedBytes));
    this.#joined = null;
    this.#joinedBytes = 0;
  }
}
