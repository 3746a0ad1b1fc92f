import { type EvictReason, evictChannel } from "./channels.js";

/** Called for every value that leaves a cache. */
export type OnEvict<K, V> = (key: K, value: V, reason: EvictReason) => void;

/**
 * Holds back what listeners are to be told until the cache is consistent again, so that they may call it.
 * An error thrown by `onEvict` cannot be the fault of whoever happened to push the value out: it is thrown in a
 * microtask, as an event listener's is, and the cache goes on.
 */
export class EvictionNotices<K, V> {
  readonly #cache: string;
  readonly #onEvict: OnEvict<K, V> | undefined;
  #held: [key: K, value: V, bytes: number, reason: EvictReason][] = [];
  #telling = false;

  constructor(cache: string, onEvict: OnEvict<K, V> | undefined) {
    this.#cache = cache;
    this.#onEvict = onEvict;
  }

  get pending(): boolean {
    return this.#held.length > 0;
  }

  /** `value` is undefined for negative entries: nobody is told of these. */
  hold(key: K, value: V | undefined, bytes: number, reason: EvictReason): void {
    if (value === undefined || (this.#onEvict === undefined && !evictChannel.hasSubscribers)) return;
    this.#held.push([key, value, bytes, reason]);
  }

  /** Tells what was held back, also what comes up meanwhile, in order. */
  tell(): void {
    if (this.#telling) return;
    this.#telling = true;
    while (this.#held.length > 0) {
      const batch = this.#held;
      this.#held = [];
      for (const [key, value, bytes, reason] of batch) {
        if (evictChannel.hasSubscribers) evictChannel.publish({ cache: this.#cache, key, bytes, reason });
        this.#call(key, value, reason);
      }
    }
    this.#telling = false;
  }

  #call(key: K, value: V, reason: EvictReason): void {
    try {
      this.#onEvict?.(key, value, reason);
    } catch (error) {
      queueMicrotask(() => {
        throw error;
      });
    }
  }
}
