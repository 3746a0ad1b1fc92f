import { type AtCapacity, atCapacityOption, type OrNull, retryAtCapacity } from "./at-capacity.js";
import { AllocError, shown } from "./errors.js";
import { type Leak, LeakTracker } from "./leak-tracker.js";
import {
  ALLOC_OPTIONS,
  booleanOption,
  functionOption,
  nameOption,
  numberOption,
  refuseUnknown,
} from "./options.js";
import { type MemoryStatistics, withRatios } from "./statistics.js";

export interface ObjectPoolOptions<T extends object, Full extends AtCapacity = AtCapacity> {
  /**
   * Makes one object; called `capacity` times by the constructor and never again, so that all have one hidden
   * class if it always adds the same properties in the same order. `number` is the object's place in the pool.
   */
  create: (number: number) => T;
  /** Makes a used object as good as new; called by `release`, so that the pool keeps nothing alive. */
  reset?: (object: T) => void;
  /** Objects, 1 … 16,777,216. */
  capacity: number;
  /**
   * The `number` that `create` was called with, read back from an object that stored it. Saves the lookup in a
   * map that finds out foreign objects; a wrong answer is found out, too.
   */
  numberOf?: (object: T) => number;
  /** For statistics only: what one object takes, in bytes. Default 0. */
  objectBytes?: number;
  /** Default `"throw"`. */
  atCapacity?: Full;
  /** Keep allocation stacks for {@link ObjectPool.leaks}. Default false. */
  debug?: boolean;
  /** Name in statistics. */
  name?: string;
}

/**
 * Objects that are made once and used again: nothing for the garbage collector, one hidden class.
 *
 * ```
 *  free   [ 4 | 0 | 2 |   |   ]     numbers of free objects, a stack
 *                   ▲
 *                  count = 3: acquire takes 2, release puts a number back on top
 *  objects [ o0 | o1 | o2 | o3 | o4 ]     held: o1, o3
 * ```
 */
export class ObjectPool<T extends object, Full extends AtCapacity = "throw"> {
  readonly name: string;
  readonly capacity: number;
  readonly #objects: T[] = [];
  readonly #numberOf: (object: T) => number | undefined;
  readonly #reset: ((object: T) => void) | undefined;
  readonly #atCapacity: AtCapacity;
  readonly #objectBytes: number;
  readonly #leaks: LeakTracker | undefined;
  readonly #free: Int32Array;
  readonly #held: Uint8Array;
  #freeCount: number;
  #usedMax = 0;
  #allocations = 0;
  #failures = 0;

  /** @throws AllocError `TZ_ALLOC_OPTION`, also when `create` returns an object twice or not an object */
  constructor(options: ObjectPoolOptions<T, Full>) {
    const rules = ALLOC_OPTIONS.ObjectPool;
    refuseUnknown("ObjectPool", options, OBJECT_POOL_OPTIONS);
    this.name = nameOption("ObjectPool", options.name);
    this.capacity = numberOption("ObjectPool", "capacity", options.capacity, rules.capacity);
    this.#objectBytes = numberOption("ObjectPool", "objectBytes", options.objectBytes, rules.objectBytes);
    this.#atCapacity = atCapacityOption("ObjectPool", options.atCapacity);
    this.#reset = functionOption("ObjectPool", "reset", options.reset, undefined);
    this.#leaks = booleanOption("ObjectPool", "debug", options.debug) ? new LeakTracker() : undefined;
    const create = functionOption<((number: number) => unknown) | undefined>(
      "ObjectPool",
      "create",
      options.create,
      undefined,
    );
    if (create === undefined) {
      throw new AllocError(
        "TZ_ALLOC_OPTION",
        `ObjectPool: option "create" must be a function, got undefined`,
      );
    }
    const numbers = new Map<T, number>();
    for (let number = 0; number < this.capacity; number++) {
      const object: unknown = create(number);
      if (typeof object !== "object" || object === null || numbers.has(object as T)) {
        throw new AllocError(
          "TZ_ALLOC_OPTION",
          `ObjectPool: option "create" must return a new object each time, got ${shown(object)}`,
        );
      }
      numbers.set(object as T, number);
      this.#objects.push(object as T);
    }
    this.#numberOf = functionOption("ObjectPool", "numberOf", options.numberOf, (object: T) =>
      numbers.get(object),
    );
    if (options.numberOf !== undefined) numbers.clear();
    this.#freeCount = this.capacity;
    // Filled so that object 0 is handed out first.
    this.#free = Int32Array.from({ length: this.capacity }, (_, i) => this.capacity - 1 - i);
    this.#held = new Uint8Array(this.capacity);
  }

  /** Objects held now. */
  get used(): number {
    return this.capacity - this.#freeCount;
  }

  /**
   * An object in the state that `create` or `reset` left it in.
   *
   * @returns the object, or `null` when all are held and `atCapacity` says so
   * @throws AllocError `TZ_ALLOC_CAPACITY`
   */
  acquire(): OrNull<T, Full> {
    if (this.#freeCount === 0) return this.#acquireAtCapacity() as OrNull<T, Full>;
    const number = this.#free[--this.#freeCount]!;
    this.#held[number] = 1;
    this.#allocations++;
    const used = this.capacity - this.#freeCount;
    if (used > this.#usedMax) this.#usedMax = used;
    if (this.#leaks !== undefined) this.#leaks.allocated(number, this.#objectBytes, this.acquire);
    return this.#objects[number] as OrNull<T, Full>;
  }

  /**
   * Gives an object back. When `reset` throws, the object stays held and the error goes to the caller.
   *
   * @throws AllocError `TZ_ALLOC_DOUBLE_FREE`, `TZ_ALLOC_ADDRESS` when it is not of this pool
   */
  release(object: T): void {
    const number = this.#numberOf(object);
    if (number === undefined || this.#objects[number] !== object) {
      throw new AllocError(
        "TZ_ALLOC_ADDRESS",
        `ObjectPool ${this.name}: ${shown(object)} is not an object of this pool`,
      );
    }
    if (this.#held[number] === 0) {
      throw new AllocError(
        "TZ_ALLOC_DOUBLE_FREE",
        `ObjectPool ${this.name}: object ${number} is not held (released before?)`,
      );
    }
    this.#held[number] = 0;
    if (this.#reset !== undefined) this.#resetHeld(number, object, this.#reset);
    this.#free[this.#freeCount++] = number;
    if (this.#leaks !== undefined) this.#leaks.freed(number);
  }

  /** What is held, with the stacks that took it; empty unless in debug mode. */
  leaks(): Leak[] {
    return this.#leaks?.leaks() ?? [];
  }

  /** In bytes by `objectBytes`; in objects as `parts[0].live`. */
  statistics(): MemoryStatistics {
    const bytes = (objects: number) => objects * this.#objectBytes;
    const { used, capacity } = this;
    return withRatios({
      name: this.name,
      kind: "ObjectPool",
      allocatedBytes: bytes(used),
      activeBytes: bytes(used),
      mappedBytes: bytes(capacity),
      retainedBytes: 0,
      highWater: {
        allocatedBytes: bytes(this.#usedMax),
        activeBytes: bytes(this.#usedMax),
        mappedBytes: bytes(capacity),
      },
      allocations: this.#allocations,
      frees: this.#allocations - used,
      failures: this.#failures,
      parts: [
        {
          name: "objects",
          allocatedBytes: bytes(used),
          activeBytes: bytes(used),
          mappedBytes: bytes(capacity),
          live: used,
          liveMax: this.#usedMax,
          limit: capacity,
        },
      ],
    });
  }

  #resetHeld(number: number, object: T, reset: (object: T) => void): void {
    let done = false;
    try {
      reset(object);
      done = true;
    } finally {
      if (!done) this.#held[number] = 1;
    }
  }

  #acquireAtCapacity(): T | null {
    this.#failures++;
    const describe = () => `ObjectPool ${this.name}: all ${this.capacity} objects are held`;
    if (!retryAtCapacity(this.#atCapacity, describe)) return null;
    return this.#freeCount > 0 ? this.acquire() : null;
  }
}

const OBJECT_POOL_OPTIONS = [
  "create",
  "reset",
  "capacity",
  "numberOf",
  "objectBytes",
  "atCapacity",
  "debug",
  "name",
];
