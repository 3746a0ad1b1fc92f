import { type AtCapacity, atCapacityOption, type OrNull, retryAtCapacity } from "./at-capacity.js";
import { AllocError, shown } from "./errors.js";
import { type Capacity, readCapacity } from "./holders.js";
import type { MemorySource } from "./memory.js";
import { ALLOC_OPTIONS, booleanOption, nameOption, numberOption, refuseUnknown } from "./options.js";
import { OWNER_ROW_WORDS, OWNERS_MAX, OwnerTable } from "./owner-table.js";
import { APART_BYTES, beginHeader, LINE_BYTES, publishHeader, readHeader, viewsOf } from "./shared-header.js";
import { type MemoryStatistics, type PartStatistics, withRatios } from "./statistics.js";
import {
  NO_SLOT,
  NOBODY,
  ownerIn,
  SharedFreeListWords,
  stateAfter,
  TaggedFreeList,
} from "./tagged-free-list.js";

export interface SharedSlabPoolLayout {
  /** Bytes of a slot, 1 … 1 GiB. */
  slotBytes: number;
  /** Slots, as a number or as a sum of named holders. Slots in the magazines of workers count as taken. */
  capacity: Capacity;
  /** Slots begin at multiples of this in the memory: a power of two from 8 to 4096. Default 64. */
  alignmentBytes?: number;
}

export interface SharedSlabPoolOptions<Full extends AtCapacity = AtCapacity> {
  /** Id of this worker, 1 … 255: one for each that is attached at the same time. */
  owner: number;
  /**
   * Slots that this worker keeps at hand beyond those that it gave out, 0 … 4096; half of them are moved at a time.
   * More of them means fewer visits to the shared list, and more slots that others cannot have. Default 32.
   */
  magazineSlots?: number;
  /** Overwrite a slot with zeros when it is freed or recovered. Default false. */
  zeroOnFree?: boolean;
  /** Default `"throw"`. */
  atCapacity?: Full;
  /** Name in statistics. */
  name?: string;
}

/** What this worker knows of a slot. */
const NOT_MINE = 0;
const HELD = 1;
const IN_MAGAZINE = 2;

const HEAD_AT = LINE_BYTES + APART_BYTES;
const ROWS_AT = HEAD_AT + APART_BYTES;
const NEXT_AT = ROWS_AT + OWNERS_MAX * OWNER_ROW_WORDS * 4 + 8;
const MEMORY_BYTES_MAX = 2 ** 32;

interface Measures {
  readonly slotBytes: number;
  readonly strideBytes: number;
  readonly capacity: number;
  readonly stateAt: number;
  readonly slotsAt: number;
  readonly totalBytes: number;
}

function measure(layout: SharedSlabPoolLayout): Measures {
  const rules = ALLOC_OPTIONS.SharedSlabPool;
  refuseUnknown("SharedSlabPool", layout, ["slotBytes", "capacity", "alignmentBytes"]);
  const slotBytes = numberOption("SharedSlabPool", "slotBytes", layout.slotBytes, rules.slotBytes);
  const alignment = numberOption(
    "SharedSlabPool",
    "alignmentBytes",
    layout.alignmentBytes,
    rules.alignmentBytes,
  );
  const strideBytes = Math.ceil(slotBytes / alignment) * alignment;
  const slotsMax = Math.min(rules.capacity.max, Math.floor(MEMORY_BYTES_MAX / (strideBytes + 8)) - 2);
  const capacity = readCapacity("SharedSlabPool", layout.capacity, slotsMax).total;
  const stateAt = NEXT_AT + capacity * 4;
  const slotsAt =
    Math.ceil((stateAt + capacity * 4) / Math.max(alignment, LINE_BYTES)) * Math.max(alignment, LINE_BYTES);
  return { slotBytes, strideBytes, capacity, stateAt, slotsAt, totalBytes: slotsAt + capacity * strideBytes };
}

/**
 * Fixed-size slots for workers that share memory, threads or processes: each takes, gives back and hands over
 * slots without a lock, and what a killed worker had comes back with `recover(itsId)`.
 *
 * ```
 *   worker 1                       shared                                     worker 2
 *   magazine [7|3|…]  ◀─ pops ──  free list (tagged)  ◀─ pushes ──  magazine [9|…]
 *      │  ▲                       state  │ 1 │ 2 │ – │ 1 │ …   whose each slot is     │  ▲
 *      ▼  │                       slots  │   │   │   │   │ …                          ▼  │
 *   allocate/free: no shared write                                        allocate/free
 * ```
 *
 * A worker takes slots from the list in batches; `state` says at every instruction whose a slot is, magazine
 * included. So a pair of allocate and free costs as much as in a private pool, and yet nothing is lost with a
 * worker that is killed. See {@link TaggedFreeList}.
 */
export class SharedSlabPool<Full extends AtCapacity = "throw"> {
  readonly name: string;
  readonly owner: number;
  readonly slotBytes: number;
  readonly strideBytes: number;
  readonly capacity: number;
  /** The memory of all slots. */
  readonly bytes: Uint8Array;
  readonly #list: TaggedFreeList;
  readonly #owners: OwnerTable;
  readonly #state: Int32Array;
  readonly #zeroOnFree: boolean;
  readonly #atCapacity: AtCapacity;
  readonly #local: Uint8Array;
  readonly #magazine: Int32Array;
  readonly #views: (Uint8Array | undefined)[];
  #magazineCount = 0;
  #used = 0;
  #usedMax = 0;
  #allocations = 0;
  #frees = 0;
  #failures = 0;
  #attached = true;

  /** Bytes of memory that a pool needs. */
  static bytesFor(layout: SharedSlabPoolLayout): number {
    return measure(layout).totalBytes;
  }

  /**
   * Makes an empty pool in memory that nobody uses yet. Then each worker attaches, the one that made it too.
   *
   * @throws AllocError `TZ_ALLOC_OPTION`, `TZ_ALLOC_REGION`
   */
  static create(memory: MemorySource, layout: SharedSlabPoolLayout): void {
    const { slotBytes, strideBytes, capacity, stateAt, slotsAt, totalBytes } = measure(layout);
    const views = viewsOf("SharedSlabPool", memory, totalBytes);
    beginHeader("SharedSlabPool", views, slotsAt, [slotBytes, strideBytes, capacity, stateAt, slotsAt]);
    for (let slot = 0; slot < capacity; slot++) {
      Atomics.store(views.words, NEXT_AT / 4 + slot, slot === capacity - 1 ? NO_SLOT : slot + 1);
    }
    // The head: at rest, slot 0 on top.
    new BigUint64Array(views.bytes.buffer, views.bytes.byteOffset + HEAD_AT, 1)[0] = 1n;
    publishHeader(views);
  }

  /**
   * Takes part in the pool in this memory.
   *
   * @throws AllocError `TZ_ALLOC_REGION` when there is none, `TZ_ALLOC_OWNER` when the id is taken
   */
  static attach<Full extends AtCapacity = "throw">(
    memory: MemorySource,
    options: SharedSlabPoolOptions<Full>,
  ): SharedSlabPool<Full> {
    return new SharedSlabPool(memory, options);
  }

  private constructor(memory: MemorySource, options: SharedSlabPoolOptions<Full>) {
    const rules = ALLOC_OPTIONS.SharedSlabPool;
    refuseUnknown("SharedSlabPool", options, ["owner", "magazineSlots", "zeroOnFree", "atCapacity", "name"]);
    this.name = nameOption("SharedSlabPool", options.name);
    this.owner = options.owner;
    this.#zeroOnFree = booleanOption("SharedSlabPool", "zeroOnFree", options.zeroOnFree);
    this.#atCapacity = atCapacityOption("SharedSlabPool", options.atCapacity);
    const magazineSlots = numberOption(
      "SharedSlabPool",
      "magazineSlots",
      options.magazineSlots,
      rules.magazineSlots,
    );
    const [slotBytes, strideBytes, capacity, stateAt, slotsAt] = readHeader("SharedSlabPool", memory) as [
      number,
      number,
      number,
      number,
      number,
    ];
    this.slotBytes = slotBytes;
    this.strideBytes = strideBytes;
    this.capacity = capacity;
    const { bytes, words } = viewsOf("SharedSlabPool", memory, slotsAt + capacity * strideBytes);
    this.bytes = bytes.subarray(slotsAt, slotsAt + capacity * strideBytes);
    this.#state = words.subarray(stateAt / 4, stateAt / 4 + capacity);
    const next = words.subarray(NEXT_AT / 4, NEXT_AT / 4 + capacity);
    const head = new BigUint64Array(bytes.buffer, bytes.byteOffset + HEAD_AT, 1);
    this.#list = new TaggedFreeList(new SharedFreeListWords(head, next, this.#state));
    this.#owners = new OwnerTable(`SharedSlabPool ${this.name}`, words, ROWS_AT / 4);
    this.#local = new Uint8Array(capacity);
    // One place at least: without a magazine a slot passes through it on its way.
    this.#magazine = new Int32Array(Math.max(1, magazineSlots));
    this.#views = new Array(capacity).fill(undefined);
    this.#owners.beginAttach(this.owner);
    // Somebody may have given slots to this id after its last holder was recovered.
    this.#takeBack(this.owner);
    this.#owners.endAttach(this.owner);
  }

  /** Slots that this worker gave out. */
  get used(): number {
    return this.#used;
  }

  /**
   * A free slot, by number, the same number for all workers.
   *
   * @returns the slot, or `null` when there is none in the list (others may have some in their magazines) and
   * `atCapacity` says so
   * @throws AllocError `TZ_ALLOC_CAPACITY`
   */
  allocate(): OrNull<number, Full> {
    if (this.#magazineCount === 0 && !this.#refill())
      return this.#allocateAtCapacity() as OrNull<number, Full>;
    const slot = this.#magazine[--this.#magazineCount]!;
    this.#local[slot] = HELD;
    if (++this.#used > this.#usedMax) this.#usedMax = this.#used;
    this.#allocations++;
    return slot as OrNull<number, Full>;
  }

  /**
   * Gives a slot back that this worker holds.
   *
   * @throws AllocError `TZ_ALLOC_DOUBLE_FREE` when it is free, `TZ_ALLOC_OWNER` when another holds it,
   * `TZ_ALLOC_ADDRESS` when it is no slot
   */
  free(slot: number): void {
    if (this.#local[slot] !== HELD) this.#refuse(slot);
    if (this.#zeroOnFree) this.#wipe(slot);
    this.#local[slot] = IN_MAGAZINE;
    this.#used--;
    this.#frees++;
    if (this.#magazineCount === this.#magazine.length) this.#drain(this.#magazine.length >> 1);
    this.#magazine[this.#magazineCount++] = slot;
    if (this.#magazine.length === 1) this.#drain(0);
  }

  /**
   * The bytes of a slot that this worker holds: the same view each time.
   *
   * @throws AllocError as {@link free}
   */
  view(slot: number): Uint8Array {
    if (this.#local[slot] !== HELD) this.#refuse(slot);
    return (this.#views[slot] ??= this.bytes.subarray(this.offset(slot), this.offset(slot) + this.slotBytes));
  }

  /** Where a slot begins in {@link bytes}. The slot is not checked. */
  offset(slot: number): number {
    return slot * this.strideBytes;
  }

  /**
   * Hands a slot over: from here on it is the other worker's, also if that dies before it takes notice. Tell it the
   * number (through a ring, say); it calls {@link accept}.
   *
   * @throws AllocError as {@link free}; `TZ_ALLOC_OWNER` when no worker with that id is attached: the slot is
   * still held
   */
  give(slot: number, to: number): void {
    if (this.#local[slot] !== HELD) this.#refuse(slot);
    this.#owners.check(to);
    const holding = this.#owners.holding(to);
    if (holding !== -1) {
      const mine = Atomics.load(this.#state, slot);
      const given = stateAfter(mine, to);
      Atomics.store(this.#state, slot, given);
      // The receiver may have died and been recovered in between: then nobody would look at this slot any more.
      const gone = this.#owners.holding(to) !== holding;
      const backAgain = stateAfter(given, this.owner);
      if (!gone || Atomics.compareExchange(this.#state, slot, given, backAgain) !== given) {
        this.#local[slot] = NOT_MINE;
        this.#used--;
        return;
      }
    }
    throw new AllocError(
      "TZ_ALLOC_OWNER",
      `SharedSlabPool ${this.name}: slot ${slot} cannot be given: owner ${to} is not attached`,
    );
  }

  /**
   * Takes over a slot that another worker gave to this one.
   *
   * @throws AllocError `TZ_ALLOC_OWNER` when it was not given to this worker, or was accepted before
   */
  accept(slot: number): void {
    if (this.#local[slot] === undefined) this.#refuse(slot);
    const owner = ownerIn(Atomics.load(this.#state, slot));
    if (owner !== this.owner || this.#local[slot] !== NOT_MINE) {
      throw new AllocError(
        "TZ_ALLOC_OWNER",
        `SharedSlabPool ${this.name}: slot ${slot} was not given to owner ${this.owner} (it is ${this.#whose(slot)})`,
      );
    }
    this.#local[slot] = HELD;
    if (++this.#used > this.#usedMax) this.#usedMax = this.#used;
  }

  /** Puts the slots of the magazine back in the list, for others. */
  flush(): void {
    this.#drain(0);
  }

  /**
   * Gives back all that a dead worker had: held, handed to it, and in its magazine. Returns how many slots.
   *
   * Call it only when the worker is dead (its process or thread has exited): the slots are given out again at once.
   * Safe at any time for the living; when this worker is killed in the middle, recover this one and then that one.
   *
   * @throws AllocError `TZ_ALLOC_OWNER` when the id is this worker's, or another worker recovers it
   */
  recover(dead: number): number {
    if (!this.#owners.beginRecovery(dead, this.owner)) return 0;
    const slots = this.#takeBack(dead);
    this.#owners.endRecovery(dead, this.owner);
    return slots;
  }

  /** Ends taking part: all slots of this worker go back, those still held too. Returns how many were held. */
  detach(): number {
    if (!this.#attached) return 0;
    this.#attached = false;
    const held = this.#used;
    this.#takeBack(this.owner);
    this.#local.fill(NOT_MINE);
    this.#magazineCount = 0;
    this.#used = 0;
    this.#owners.detach(this.owner);
    return held;
  }

  /** Whose a slot is, 0 for nobody's. */
  ownerOf(slot: number): number {
    return ownerIn(Atomics.load(this.#state, slot));
  }

  /**
   * Over all workers, from one look at each slot while others go on; counts of calls are this worker's. `parts`
   * has a row for each owner with slots (those in its magazine are with them).
   */
  statistics(): MemoryStatistics {
    const slotsOf = new Int32Array(OWNERS_MAX + 1);
    for (let slot = 0; slot < this.capacity; slot++) slotsOf[this.ownerOf(slot)]!++;
    const taken = this.capacity - slotsOf[NOBODY]!;
    const parts: PartStatistics[] = [];
    slotsOf.forEach((slots, owner) => {
      if (owner === NOBODY || slots === 0) return;
      const mine = owner === this.owner;
      parts.push({
        name: `owner ${owner}`,
        allocatedBytes: slots * this.slotBytes,
        activeBytes: slots * this.strideBytes,
        mappedBytes: slots * this.strideBytes,
        live: mine ? this.#used : slots,
        liveMax: mine ? this.#usedMax : slots,
      });
    });
    const mappedBytes = this.capacity * this.strideBytes;
    return withRatios({
      name: this.name,
      kind: "SharedSlabPool",
      allocatedBytes: taken * this.slotBytes,
      activeBytes: taken * this.strideBytes,
      mappedBytes,
      retainedBytes: 0,
      highWater: {
        allocatedBytes: this.#usedMax * this.slotBytes,
        activeBytes: this.#usedMax * this.strideBytes,
        mappedBytes,
      },
      allocations: this.#allocations,
      frees: this.#frees,
      failures: this.#failures,
      parts,
    });
  }

  #refill(): boolean {
    if (!this.#attached) {
      throw new AllocError("TZ_ALLOC_OWNER", `SharedSlabPool ${this.name}: owner ${this.owner} has detached`);
    }
    const wanted = Math.max(1, this.#magazine.length >> 1);
    while (this.#magazineCount < wanted) {
      const slot = this.#list.pop(this.owner);
      if (slot === NO_SLOT) break;
      this.#local[slot] = IN_MAGAZINE;
      this.#magazine[this.#magazineCount++] = slot;
    }
    return this.#magazineCount > 0;
  }

  #drain(keep: number): void {
    while (this.#magazineCount > keep) {
      const slot = this.#magazine[--this.#magazineCount]!;
      this.#local[slot] = NOT_MINE;
      this.#list.push(slot);
    }
  }

  #takeBack(owner: number): number {
    return this.#list.reclaim(owner, this.owner, this.capacity, (slot) => {
      if (this.#zeroOnFree) this.#wipe(slot);
    });
  }

  #wipe(slot: number): void {
    this.bytes.fill(0, this.offset(slot), this.offset(slot) + this.slotBytes);
  }

  #allocateAtCapacity(): number | null {
    this.#failures++;
    const describe = () => `SharedSlabPool ${this.name}: none of the ${this.capacity} slots is in the list`;
    if (!retryAtCapacity(this.#atCapacity, describe)) return null;
    return this.#magazineCount > 0 || this.#refill() ? this.allocate() : null;
  }

  #whose(slot: number): string {
    const owner = this.ownerOf(slot);
    if (owner === NOBODY) return "free";
    return owner === this.owner ? "this worker's already" : `owner ${owner}'s`;
  }

  #refuse(slot: number): never {
    const prefix = `SharedSlabPool ${this.name}:`;
    if (this.#local[slot] === undefined) {
      throw new AllocError(
        "TZ_ALLOC_ADDRESS",
        `${prefix} slot must be an integer from 0 to ${this.capacity - 1}, got ${shown(slot)}`,
      );
    }
    const owner = this.ownerOf(slot);
    if (owner === NOBODY || this.#local[slot] === IN_MAGAZINE) {
      throw new AllocError("TZ_ALLOC_DOUBLE_FREE", `${prefix} slot ${slot} is not held (freed before?)`);
    }
    throw new AllocError(
      "TZ_ALLOC_OWNER",
      `${prefix} slot ${slot} is not held by owner ${this.owner}: it is owner ${owner}'s${owner === this.owner ? " and was not accepted" : ""}`,
    );
  }
}
