import { type AtCapacity, atCapacityOption, type OrNull, retryAtCapacity } from "./at-capacity.js";
import { AllocError, shown } from "./errors.js";
import { type Capacity, describeShares, readCapacity, type Shares } from "./holders.js";
import { type Leak, LeakTracker } from "./leak-tracker.js";
import { bytesOf, type MemorySource } from "./memory.js";
import { ALLOC_OPTIONS, booleanOption, nameOption, numberOption, refuseUnknown } from "./options.js";
import { checkPoison, poison } from "./poison.js";
import { HighWaterMarks, type MemoryStatistics, withRatios } from "./statistics.js";

export interface SlabPoolOptions<Full extends AtCapacity = AtCapacity> {
  /** Bytes of a slot, 1 … 1 GiB. */
  slotBytes: number;
  /** Slots, as a number or as a sum of named holders: `{ connections: 1000, handshakes: 50 }`. */
  capacity: Capacity;
  /** Slots begin at multiples of this in the memory, a power of two up to 4096. Default 8. */
  alignmentBytes?: number;
  /** Memory for all slots; an `ArrayBuffer` of its own by default. */
  memory?: MemorySource;
  /** Touch every page now, so that serving takes no page fault. Default false. */
  prefault?: boolean;
  /** Overwrite a slot with zeros when it is freed (it held a secret). Default false. */
  zeroOnFree?: boolean;
  /** Default `"throw"`. */
  atCapacity?: Full;
  /** Poison free slots, check them, and keep allocation stacks for {@link SlabPool.leaks}. Default false. */
  debug?: boolean;
  /** Name in statistics. */
  name?: string;
}

/** In `next`: the slot is held. Free slots have the next free slot, or END. */
const HELD = -2;
const END = -1;
/** Memory of one pool. */
const TOTAL_BYTES_MAX = 2 ** 32;

/**
 * Fixed-size slots with a free list: O(1), no search, no memory traffic in the slots themselves.
 *
 * ```
 *  next   [ 3 | H | H | 5 | H | -1 ]        H: held; otherwise the next free slot
 *           ▲           ╰────────▶╯
 *  head ────╯  the slot freed last is handed out first: it is still in the CPU's cache
 *
 *  memory │ slot 0 │ slot 1 │ slot 2 │ slot 3 │ slot 4 │ slot 5 │      the list is kept outside of the slots:
 *                                                                     a write past a slot cannot corrupt it
 * ```
 *
 * One thread only; {@link SharedSlabPool} is the one for several.
 */
export class SlabPool<Full extends AtCapacity = "throw"> {
  readonly name: string;
  /** The memory of all slots. */
  readonly bytes: Uint8Array;
  readonly slotBytes: number;
  /** Distance between slots: `slotBytes` rounded up to the alignment. */
  readonly strideBytes: number;
  readonly capacity: number;
  readonly #shares: Shares;
  readonly #atCapacity: AtCapacity;
  readonly #zeroOnFree: boolean;
  readonly #prefault: boolean;
  /** True when free has more to do than to link the slot. */
  readonly #careful: boolean;
  readonly #leaks: LeakTracker | undefined;
  readonly #views: (Uint8Array | undefined)[];
  readonly #next: Int32Array;
  readonly #holderOf: Uint8Array;
  /** By holder: slots held, the most it may hold, the most it ever held. */
  readonly #held: Int32Array;
  readonly #limit: Int32Array;
  readonly #heldMax: Int32Array;
  readonly #highWater = new HighWaterMarks();
  #head = 0;
  #used = 0;
  #usedMax = 0;
  #allocations = 0;
  #failures = 0;

  /** @throws AllocError `TZ_ALLOC_OPTION`, `TZ_ALLOC_REGION` when `memory` is too small */
  constructor(options: SlabPoolOptions<Full>) {
    const rules = ALLOC_OPTIONS.SlabPool;
    refuseUnknown("SlabPool", options, SLAB_POOL_OPTIONS);
    this.slotBytes = numberOption("SlabPool", "slotBytes", options.slotBytes, rules.slotBytes);
    const alignment = numberOption(
      "SlabPool",
      "alignmentBytes",
      options.alignmentBytes,
      rules.alignmentBytes,
    );
    this.strideBytes = Math.ceil(this.slotBytes / alignment) * alignment;
    const slotsMax = Math.min(rules.capacity.max, Math.floor(TOTAL_BYTES_MAX / this.strideBytes));
    this.#shares = readCapacity("SlabPool", options.capacity, slotsMax);
    this.capacity = this.#shares.total;
    this.#atCapacity = atCapacityOption("SlabPool", options.atCapacity);
    this.#zeroOnFree = booleanOption("SlabPool", "zeroOnFree", options.zeroOnFree);
    this.#prefault = booleanOption("SlabPool", "prefault", options.prefault);
    this.#leaks = booleanOption("SlabPool", "debug", options.debug) ? new LeakTracker() : undefined;
    this.#careful = this.#zeroOnFree || this.#leaks !== undefined;
    this.name = nameOption("SlabPool", options.name);

    const totalBytes = this.capacity * this.strideBytes;
    const bytes = bytesOf("SlabPool", options.memory ?? new ArrayBuffer(totalBytes));
    if (bytes.length < totalBytes) {
      throw new AllocError(
        "TZ_ALLOC_REGION",
        `SlabPool: memory must have ${totalBytes} bytes (${this.capacity} slots of ${this.strideBytes}), got ${bytes.length}`,
      );
    }
    this.bytes = bytes.subarray(0, totalBytes);
    this.#views = new Array(this.capacity).fill(undefined);
    this.#next = new Int32Array(this.capacity);
    for (let slot = 0; slot < this.capacity; slot++) this.#next[slot] = slot + 1;
    this.#next[this.capacity - 1] = END;
    this.#holderOf = new Uint8Array(this.capacity);
    this.#limit = Int32Array.from(this.#shares.limits);
    this.#held = new Int32Array(this.#limit.length);
    this.#heldMax = new Int32Array(this.#limit.length);
    if (this.#leaks !== undefined) poison(this.bytes, 0, totalBytes);
    else if (this.#prefault) touchPages(this.bytes);
  }

  /** Slots held now. */
  get used(): number {
    return this.#used;
  }

  /** "64 connections + 32 handshakes = 96" */
  get capacityText(): string {
    return describeShares(this.#shares);
  }

  /**
   * The id of a holder, for {@link allocate}: look it up once, not per call.
   *
   * @throws AllocError `TZ_ALLOC_OWNER`
   */
  holder(name: string): number {
    const id = this.#shares.names.indexOf(name);
    if (id >= 0) return id;
    throw new AllocError(
      "TZ_ALLOC_OWNER",
      `SlabPool ${this.name}: no holder ${shown(name)}; there are ${this.#shares.names.join(", ")}`,
    );
  }

  /**
   * A free slot, by number. Its bytes are what the last holder left, or zeros with `zeroOnFree`.
   *
   * @param holder whose share pays for it, from {@link holder}; the first when not given.
   * @returns the slot, or `null` when the holder has its share and `atCapacity` says so
   * @throws AllocError `TZ_ALLOC_CAPACITY`; `TZ_ALLOC_OWNER` when there is no such holder
   */
  allocate(holder = 0): OrNull<number, Full> {
    // The shares add up to the capacity, so a holder below its share proves that the list is not empty.
    const held = this.#held[holder]! + 1;
    if (!(held <= this.#limit[holder]!)) return this.#allocateAtCapacity(holder) as OrNull<number, Full>;
    const slot = this.#head;
    if (this.#leaks !== undefined) this.#takeDebug(this.#leaks, slot);
    this.#head = this.#next[slot]!;
    this.#next[slot] = HELD;
    this.#holderOf[slot] = holder;
    this.#held[holder] = held;
    if (held > this.#heldMax[holder]!) this.#heldMax[holder] = held;
    if (++this.#used > this.#usedMax) this.#usedMax = this.#used;
    this.#allocations++;
    return slot as OrNull<number, Full>;
  }

  /**
   * Gives a slot back.
   *
   * @throws AllocError `TZ_ALLOC_DOUBLE_FREE` when it is free, `TZ_ALLOC_ADDRESS` when it is no slot of this pool
   */
  free(slot: number): void {
    if (this.#next[slot] !== HELD) this.#refuse(slot);
    if (this.#careful) this.#wipe(slot);
    this.#held[this.#holderOf[slot]!]!--;
    this.#next[slot] = this.#head;
    this.#head = slot;
    this.#used--;
  }

  /**
   * The bytes of a held slot. The same view for the same slot each time, so that it costs nothing: do not keep it
   * after `free`.
   *
   * @throws AllocError as {@link free}
   */
  view(slot: number): Uint8Array {
    if (this.#next[slot] !== HELD) this.#refuse(slot);
    if (this.#leaks !== undefined) return this.#leaks.handle(slot, () => this.#makeView(slot));
    return (this.#views[slot] ??= this.#makeView(slot));
  }

  /** Where a slot begins in {@link bytes}. The slot is not checked. */
  offset(slot: number): number {
    return slot * this.strideBytes;
  }

  /**
   * The slot that a view begins in.
   *
   * @throws AllocError `TZ_ALLOC_ADDRESS` when the view is not over memory of this pool
   */
  slotOf(view: ArrayBufferView): number {
    const at = view.byteOffset - this.bytes.byteOffset;
    if (view.buffer === this.bytes.buffer && at >= 0 && at < this.bytes.length) {
      return Math.floor(at / this.strideBytes);
    }
    throw new AllocError(
      "TZ_ALLOC_ADDRESS",
      `SlabPool ${this.name}: the view (byteOffset ${view.byteOffset}, ${view.byteLength} bytes) is not memory of this pool`,
    );
  }

  /** What is held, with the stacks that took it; empty unless in debug mode. */
  leaks(): Leak[] {
    return this.#leaks?.leaks() ?? [];
  }

  statistics(): MemoryStatistics {
    const { slotBytes, strideBytes } = this;
    // The list is last in, first out and begins in order: the slots ever touched are as many as the most in use.
    const mappedBytes = this.#prefault ? this.bytes.length : this.#usedMax * strideBytes;
    const allocatedBytes = this.#used * slotBytes;
    const activeBytes = this.#used * strideBytes;
    this.#highWater.note(this.#usedMax * slotBytes, this.#usedMax * strideBytes, mappedBytes);
    return withRatios({
      name: this.name,
      kind: "SlabPool",
      allocatedBytes,
      activeBytes,
      mappedBytes,
      retainedBytes: this.bytes.length - mappedBytes,
      highWater: this.#highWater.read(),
      allocations: this.#allocations,
      frees: this.#allocations - this.#used,
      failures: this.#failures,
      parts: this.#shares.names.map((name, id) => ({
        name,
        allocatedBytes: this.#held[id]! * slotBytes,
        activeBytes: this.#held[id]! * strideBytes,
        mappedBytes: this.#limit[id]! * strideBytes,
        live: this.#held[id]!,
        liveMax: this.#heldMax[id]!,
        limit: this.#limit[id]!,
      })),
    });
  }

  #allocateAtCapacity(holder: number): number | null {
    if (!Number.isInteger(holder) || holder < 0 || holder >= this.#limit.length) {
      throw new AllocError(
        "TZ_ALLOC_OWNER",
        `SlabPool ${this.name}: holder must be from 0 to ${this.#limit.length - 1}, got ${shown(holder)}`,
      );
    }
    this.#failures++;
    const describe = () =>
      `SlabPool ${this.name}: all ${this.#limit[holder]} slots of "${this.#shares.names[holder]}" are held (capacity ${this.capacityText})`;
    if (!retryAtCapacity(this.#atCapacity, describe)) return null;
    return this.#held[holder]! < this.#limit[holder]! ? this.allocate(holder) : null;
  }

  #takeDebug(leaks: LeakTracker, slot: number): void {
    const start = this.offset(slot);
    checkPoison(`SlabPool ${this.name}`, `slot ${slot}`, this.bytes, start, start + this.slotBytes);
    if (this.#zeroOnFree) this.bytes.fill(0, start, start + this.slotBytes);
    leaks.allocated(slot, this.slotBytes, this.allocate);
  }

  #wipe(slot: number): void {
    const start = this.offset(slot);
    if (this.#leaks === undefined) {
      this.bytes.fill(0, start, start + this.slotBytes);
      return;
    }
    this.#leaks.freed(slot);
    poison(this.bytes, start, start + this.slotBytes);
  }

  #makeView(slot: number): Uint8Array {
    const start = this.offset(slot);
    return this.bytes.subarray(start, start + this.slotBytes);
  }

  #refuse(slot: number): never {
    if (this.#next[slot] === undefined) {
      throw new AllocError(
        "TZ_ALLOC_ADDRESS",
        `SlabPool ${this.name}: slot must be an integer from 0 to ${this.capacity - 1}, got ${shown(slot)}`,
      );
    }
    throw new AllocError(
      "TZ_ALLOC_DOUBLE_FREE",
      `SlabPool ${this.name}: slot ${slot} is not held (freed before?)`,
    );
  }
}

const SLAB_POOL_OPTIONS = [
  "slotBytes",
  "capacity",
  "alignmentBytes",
  "memory",
  "prefault",
  "zeroOnFree",
  "atCapacity",
  "debug",
  "name",
];

/** Writes to each page without changing what it holds. */
function touchPages(bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; at += 4096) bytes[at] = bytes[at]!;
  if (bytes.length > 0) bytes[bytes.length - 1] = bytes[bytes.length - 1]!;
}
