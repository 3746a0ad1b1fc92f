import { LRUCache } from "lru-cache";
import type { OnRemoved, Policy, PolicyLimits, RemovalReason, Sized } from "./policy.js";

/** Up to here lru-cache may allocate its arrays for all entries at once; above, they grow with the entries. */
const PREALLOCATED_ENTRIES_MAX = 65_536;

/**
 * Least recently used, by `lru-cache`. The default: no tuning, no surprise, fastest. A scan longer than the
 * budget flushes it and a loop longer than the budget never hits; that is what the other policies are for.
 */
export class LruPolicy<K, E extends Sized> implements Policy<K, E> {
  // lru-cache wants `K extends {}`; as Map keys undefined and null work all the same.
  readonly #cache: LRUCache<K & {}, E & {}>;
  readonly #maxBytes: number;
  readonly #maxEntries: number;
  /** Reused for every call: lru-cache makes and fills an object of its own when it is given none. */
  readonly #getOptions = {};
  readonly #setOptions = { size: 1 };
  /** What is being added while entries leave, for the reason; else 0. */
  #incomingBytes = 0;

  constructor(limits: PolicyLimits, onRemoved: OnRemoved<K, E>) {
    this.#maxBytes = limits.maxBytes;
    this.#maxEntries = limits.maxEntries;
    this.#cache = new LRUCache<K & {}, E & {}>({
      ...(limits.maxEntries <= PREALLOCATED_ENTRIES_MAX ? { max: limits.maxEntries } : {}),
      maxSize: limits.maxBytes,
      dispose: (entry, key, cause) => {
        if (cause === "evict") onRemoved(key, entry, this.#evictionReason());
        else if (cause === "set") onRemoved(key, entry, "replaced");
      },
    });
  }

  get size(): number {
    return this.#cache.size;
  }

  get bytes(): number {
    return this.#cache.calculatedSize;
  }

  get(key: K): E | undefined {
    return this.#cache.get(key as K & {}, this.#getOptions);
  }

  peek(key: K): E | undefined {
    return this.#cache.peek(key as K & {}, this.#getOptions);
  }

  set(key: K, entry: E): boolean {
    const { bytes } = entry;
    this.#setOptions.size = bytes;
    this.#incomingBytes = bytes;
    this.#cache.set(key as K & {}, entry as E & {}, this.#setOptions);
    this.#incomingBytes = 0;
    while (this.#cache.size > this.#maxEntries) this.#cache.pop();
    return true;
  }

  delete(key: K): boolean {
    return this.#cache.delete(key as K & {});
  }

  clear(): void {
    this.#cache.clear();
  }

  *entries(): IterableIterator<[K, E]> {
    yield* this.#cache.rentries() as Generator<[K, E]>;
  }

  #evictionReason(): RemovalReason {
    return this.#cache.calculatedSize + this.#incomingBytes > this.#maxBytes ? "bytes" : "entries";
  }
}
