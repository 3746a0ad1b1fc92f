import { BlockMemory } from "./block-memory.js";
import { USES_MAX } from "./entry-queues.js";
import type { KeyReader } from "./key-reader.js";
import { HEADER, RECORD_SHIFT } from "./layout.js";
import {
  EPOCH,
  HASH,
  KEY_BYTES,
  LIVE,
  NEXT,
  NONE,
  STATE,
  UNIT,
  VALUE_BYTES,
  VERSION_HIGH,
  VERSION_LOW,
} from "./record.js";
import type { SharedViews } from "./shared-memory.js";

/** Chains are one or two entries long; a walk that was led astray by a change ends here, as a miss. */
const STEPS_MAX = 64;

const TWO_32 = 4294967296;

/** Matches every version. */
export const ANY_VERSION = -1;

/**
 * Finds and pins entries without a lock.
 *
 * ```
 *   hash ─▶ heads[] ─▶ record ─▶ record ─▶ end
 *                        │ same hash: pin first, then look whether it is what was asked for
 *                        ╰─▶ LIVE? hash, version, epochs, key equal? ─ no ─▶ unpin, next
 * ```
 *
 * A change of the chain meanwhile can make it miss an entry that is there, never find one that is not.
 */
export class EntryReader {
  readonly memory: BlockMemory;
  readonly #header: Int32Array;
  readonly #heads: Int32Array;
  readonly #epochs: Int32Array;
  readonly #records: Int32Array;
  readonly #uses: Uint8Array;
  readonly #pins: Int32Array;
  readonly #bucketMask: number;
  readonly #epochMask: number;

  constructor(views: SharedViews, ownPins: Int32Array) {
    this.memory = new BlockMemory(views.stretch);
    this.#header = views.header;
    this.#heads = views.heads;
    this.#epochs = views.epochs;
    this.#records = views.records;
    this.#uses = views.uses;
    this.#pins = ownPins;
    this.#bucketMask = views.layout.buckets - 1;
    this.#epochMask = views.layout.epochs - 1;
  }

  /** The record of a live entry, pinned once more by this worker; NONE when there is none. */
  pin(key: KeyReader, version: number): number {
    const records = this.#records;
    const pins = this.#pins;
    const { hash } = key;
    let link = this.#heads[hash & this.#bucketMask]!;
    for (let steps = 0; link !== 0 && steps < STEPS_MAX; steps++) {
      const record = link - 1;
      const at = record << RECORD_SHIFT;
      if (records[at + HASH] === hash) {
        const count = pins[record]!;
        Atomics.store(pins, record, count + 1);
        if (this.#isWanted(at, key, version)) {
          // Read first: the line is shared by all who read, as long as nobody writes. A count lost is no harm.
          const uses = this.#uses[record]!;
          if (uses < USES_MAX) this.#uses[record] = uses + 1;
          return record;
        }
        Atomics.store(pins, record, count);
      }
      link = records[at + NEXT]!;
    }
    return NONE;
  }

  /** Changes with each invalidation of the key, or of all keys. */
  epochSum(hash: number): number {
    return (
      (Atomics.load(this.#epochs, hash & this.#epochMask) + Atomics.load(this.#header, HEADER.globalEpoch)) |
      0
    );
  }

  invalidate(hash: number): void {
    Atomics.add(this.#epochs, hash & this.#epochMask, 1);
  }

  invalidateAll(): void {
    Atomics.add(this.#header, HEADER.globalEpoch, 1);
  }

  /** The entry is pinned, so that it stays as it is found. */
  #isWanted(at: number, key: KeyReader, version: number): boolean {
    const records = this.#records;
    // This load comes after the store of the pin and before all that follows.
    if (Atomics.load(records, at + STATE) !== LIVE || records[at + HASH] !== key.hash) return false;
    if (version !== ANY_VERSION) {
      if (records[at + VERSION_LOW] !== (version | 0)) return false;
      if (records[at + VERSION_HIGH] !== ((version / TWO_32) | 0)) return false;
    }
    if (records[at + KEY_BYTES] !== key.length || records[at + EPOCH] !== this.epochSum(key.hash))
      return false;
    return this.memory.equals(
      records[at + UNIT]!,
      records[at + VALUE_BYTES]!,
      key.bytes,
      key.start,
      key.length,
    );
  }
}
