/**
 * A hash table from request target to entry that is asked with the bytes of the request where they lie: no
 * string, no allocation.
 *
 * ```
 *   bytes ─ hash ─▶ buckets ─▶ entry ─▶ entry          chained through the entries themselves
 *                                │ keyOffset
 *   keys   [ /a.c ss.. | /ind ex.h tml. | … ]           the targets, four bytes a word, zero padded
 *
 *   newest ◀─▶ … ◀─▶ entry ◀─▶ … ◀─▶ oldest             also through the entries; eviction walks it
 * ```
 *
 * Eviction is SIEVE (Zhang et al., NSDI 2024), LRU or W-TinyLFU. SIEVE's hit is one store and it lets a scan pass
 * through without emptying the table; LRU moves the entry to the front; W-TinyLFU counts, see `use-frequency.ts`.
 */
import { UseFrequency, type UseNode } from "./use-frequency.js";

export type EvictionPolicy = "sieve" | "lru" | "w-tinylfu";

/** What the table keeps in each entry. Only the table writes it. */
export abstract class TableEntry {
  /** @internal */ hash = 0;
  /** @internal */ keyOffset = -1;
  /** @internal */ keyByteLength = 0;
  /** @internal */ nextInBucket: TableEntry | undefined = undefined;
  /** @internal */ newer: TableEntry | undefined = undefined;
  /** @internal */ older: TableEntry | undefined = undefined;
  /** @internal Asked for since SIEVE's hand last came by. */
  visited = false;
  /** @internal Its place in W-TinyLFU's order. */
  use: UseNode | undefined = undefined;
}

const INITIAL_BUCKETS = 256;
const INITIAL_KEY_WORDS = 4096;
/** Targets are ASCII once they are canonical; longer ones are not worth caching. */
export const MAX_KEY_BYTES = 2048;

export class EntryTable<E extends TableEntry> {
  readonly #policy: EvictionPolicy;
  readonly #seed: number;
  #buckets: (TableEntry | undefined)[] = new Array(INITIAL_BUCKETS).fill(undefined);
  #keys = new Int32Array(INITIAL_KEY_WORDS);
  #keysUsed = 0;
  #keysLive = 0;
  #count = 0;
  #newest: TableEntry | undefined;
  #oldest: TableEntry | undefined;
  #hand: TableEntry | undefined;
  readonly #frequency: UseFrequency | undefined;

  /** @param seed makes the chains unpredictable for whoever names the files */
  constructor(policy: EvictionPolicy, seed: number = (Math.random() * 0x1_0000_0000) | 0) {
    this.#policy = policy;
    this.#frequency = policy === "w-tinylfu" ? new UseFrequency() : undefined;
    this.#seed = seed;
  }

  get count(): number {
    return this.#count;
  }

  /** The entry of the target `bytes[start, end)`. */
  find(bytes: Uint8Array, start: number, end: number): E | undefined {
    const hash = this.#hashBytes(bytes, start, end);
    let entry = this.#buckets[hash & (this.#buckets.length - 1)];
    for (; entry !== undefined; entry = entry.nextInBucket) {
      if (
        entry.hash === hash &&
        entry.keyByteLength === end - start &&
        this.#isKey(entry.keyOffset, bytes, start, end)
      ) {
        this.#touch(entry);
        return entry as E;
      }
    }
    return undefined;
  }

  /** The entry of the target `text[0, end)`. */
  findText(text: string, end: number = text.length): E | undefined {
    if (end > MAX_KEY_BYTES) return undefined;
    return this.find(textBytes, 0, copyText(text, end));
  }

  /** Adds an entry; one of the same target is replaced and returned. */
  insert(target: string, entry: E): E | undefined {
    const end = copyText(target, target.length);
    const replaced = this.find(textBytes, 0, end);
    if (replaced !== undefined) this.remove(replaced);
    if (this.#count >= this.#buckets.length) this.#grow();
    entry.keyOffset = this.#storeKey(end);
    entry.keyByteLength = end;
    entry.hash = this.#hashBytes(textBytes, 0, end);
    entry.visited = false;
    this.#chain(entry);
    entry.newer = undefined;
    entry.older = this.#newest;
    if (this.#newest !== undefined) this.#newest.newer = entry;
    this.#newest = entry;
    this.#oldest ??= entry;
    this.#count++;
    this.#frequency?.add(entry);
    return replaced;
  }

  /** Is it in this table? An entry is in one table at most. */
  has(entry: E): boolean {
    return entry.keyOffset >= 0;
  }

  /** Takes an entry out; `false` when it is not in (any more). */
  remove(entry: E): boolean {
    if (entry.keyOffset < 0) return false;
    const index = entry.hash & (this.#buckets.length - 1);
    let before: TableEntry | undefined;
    for (let at = this.#buckets[index]; at !== entry; at = at!.nextInBucket) before = at;
    if (before === undefined) this.#buckets[index] = entry.nextInBucket;
    else before.nextInBucket = entry.nextInBucket;
    entry.nextInBucket = undefined;
    if (this.#hand === entry) this.#hand = entry.newer;
    this.#frequency?.remove(entry);
    this.#unlink(entry);
    this.#keysLive -= wordsOf(entry.keyByteLength);
    entry.keyOffset = -1;
    this.#count--;
    return true;
  }

  /** Whom the policy gives up next; it stays in until `remove`. */
  victim(): E | undefined {
    if (this.#policy === "lru") return this.#oldest as E | undefined;
    if (this.#frequency !== undefined) return this.#frequency.victim() as E | undefined;
    let at = this.#hand ?? this.#oldest;
    while (at?.visited === true) {
      at.visited = false;
      at = at.newer ?? this.#oldest;
    }
    this.#hand = at;
    return at as E | undefined;
  }

  /** All entries, oldest first. Entries may be removed while walking. */
  *entries(): Generator<E> {
    for (let at = this.#oldest; at !== undefined; ) {
      const next: TableEntry | undefined = at.newer;
      yield at as E;
      at = next;
    }
  }

  #touch(entry: TableEntry): void {
    if (this.#policy === "sieve") {
      entry.visited = true;
    } else if (this.#frequency !== undefined) {
      entry.visited = true;
      this.#frequency.use(entry);
    } else if (entry !== this.#newest) {
      this.#unlink(entry);
      entry.newer = undefined;
      entry.older = this.#newest;
      if (this.#newest !== undefined) this.#newest.newer = entry;
      this.#newest = entry;
      this.#oldest ??= entry;
    }
  }

  #unlink(entry: TableEntry): void {
    if (entry.newer === undefined) this.#newest = entry.older;
    else entry.newer.older = entry.older;
    if (entry.older === undefined) this.#oldest = entry.newer;
    else entry.older.newer = entry.newer;
    entry.newer = undefined;
    entry.older = undefined;
  }

  #chain(entry: TableEntry): void {
    const index = entry.hash & (this.#buckets.length - 1);
    entry.nextInBucket = this.#buckets[index];
    this.#buckets[index] = entry;
  }

  #grow(): void {
    this.#buckets = new Array(this.#buckets.length * 2).fill(undefined);
    for (let at = this.#oldest; at !== undefined; at = at.newer) this.#chain(at);
  }

  #hashBytes(bytes: Uint8Array, start: number, end: number): number {
    let hash = this.#seed ^ (end - start);
    let i = start;
    for (; i + 4 <= end; i += 4) {
      const word = bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24);
      hash = Math.imul(hash ^ word, 0x5bd1e995);
      hash ^= hash >>> 15;
    }
    if (i < end) hash = Math.imul(hash ^ lastWord(bytes, i, end), 0x5bd1e995);
    return hash ^ (hash >>> 13);
  }

  #isKey(offset: number, bytes: Uint8Array, start: number, end: number): boolean {
    const keys = this.#keys;
    let k = offset;
    let i = start;
    for (; i + 4 <= end; i += 4, k++) {
      const word = bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24);
      if (keys[k] !== word) return false;
    }
    return i >= end || keys[k] === lastWord(bytes, i, end);
  }

  /** Stores the key that lies in `textBytes`. */
  #storeKey(end: number): number {
    const words = wordsOf(end);
    if (this.#keysUsed + words > this.#keys.length) this.#compactKeys(words);
    const offset = this.#keysUsed;
    let k = offset;
    let i = 0;
    for (; i + 4 <= end; i += 4) {
      this.#keys[k++] =
        textBytes[i]! | (textBytes[i + 1]! << 8) | (textBytes[i + 2]! << 16) | (textBytes[i + 3]! << 24);
    }
    if (i < end) this.#keys[k] = lastWord(textBytes, i, end);
    this.#keysUsed += words;
    this.#keysLive += words;
    return offset;
  }

  /** Copies the keys that are still in use together, into twice their room. */
  #compactKeys(needed: number): void {
    const keys = new Int32Array(Math.max(INITIAL_KEY_WORDS, (this.#keysLive + needed) * 2));
    let used = 0;
    for (let at = this.#oldest; at !== undefined; at = at.newer) {
      const words = wordsOf(at.keyByteLength);
      keys.set(this.#keys.subarray(at.keyOffset, at.keyOffset + words), used);
      at.keyOffset = used;
      used += words;
    }
    this.#keys = keys;
    this.#keysUsed = used;
  }
}

/** Where a target that comes as text is laid out. Used and read within one synchronous call. */
const textBytes = new Uint8Array(MAX_KEY_BYTES);

/** A character that is not ASCII becomes 0xff, which no canonical target contains. */
function copyText(text: string, end: number): number {
  for (let i = 0; i < end; i++) {
    const code = text.charCodeAt(i);
    textBytes[i] = code < 0x80 ? code : 0xff;
  }
  return end;
}

function wordsOf(byteLength: number): number {
  return (byteLength + 3) >>> 2;
}

function lastWord(bytes: Uint8Array, start: number, end: number): number {
  let word = 0;
  for (let i = start, shift = 0; i < end; i++, shift += 8) word |= bytes[i]! << shift;
  return word;
}
