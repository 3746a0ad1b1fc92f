import { FrequencySketch } from "./frequency-sketch.js";
import { defaultKeyHash, type KeyHash } from "./key-hash.js";
import type { OnRemoved, Policy, PolicyLimits, RemovalReason, Sized } from "./policy.js";
import { UseOrder } from "./use-order.js";

/** Of the main part, so much is protected. */
const PROTECTED_SHARE = 0.8;
/** The share of the budget that the authors found best for most traffic. */
const DEFAULT_WINDOW_SHARE = 0.01;
/** So many entries leave the window at one `set`: a window that was made smaller drains without a pause. */
const DRAIN_MAX = 64;
/** A newcomer seen this often gets in now and then though it lost: an attacker cannot lock it out by collisions. */
const LUCKY_FREQUENCY_MIN = 6;
const LUCKY_CHANCE = 1 / 128;

type Segment = "window" | "probation" | "protected";

class TinyNode<K, E extends Sized> {
  entry: E;
  segment: Segment = "window";
  newer: TinyNode<K, E> | undefined = undefined;
  older: TinyNode<K, E> | undefined = undefined;
  readonly key: K;
  readonly hash: number;

  constructor(key: K, hash: number, entry: E) {
    this.key = key;
    this.hash = hash;
    this.entry = entry;
  }
}

export interface WTinyLfuOptions<K> {
  readonly hashKey?: KeyHash<K> | undefined;
  /** From 0 to 1, as `Math.random`. */
  readonly random?: (() => number) | undefined;
  readonly windowShare?: number | undefined;
}

/**
 * W-TinyLFU (Einziger, Friedman, Manes 2017), by bytes. Newcomers pass a small window in order of use; what falls
 * out of it must have been asked for more often than what would have to go for it.
 *
 * ```
 *   set ──▶ window ──▶ [ contest ] ──▶ probation ──second use──▶ protected (80 % of main)
 *          1 % …           │ lost          ▲                        │ overflow
 *                          ▼               └────────────────────────┘
 *                         out
 * ```
 *
 * The contest is by aggregated victims (Einziger et al., "Lightweight Robust Size Aware Cache Management", 2021): a
 * large newcomer must beat the sum of all the entries that it would push out. How much of the budget is window
 * may change at any time (`windowShare`); with all of it the policy is LRU. `adaptive.ts` chooses.
 */
export class WTinyLfuPolicy<K, E extends Sized> implements Policy<K, E> {
  readonly #nodes = new Map<K, TinyNode<K, E>>();
  readonly #window = new UseOrder<TinyNode<K, E>>();
  readonly #probation = new UseOrder<TinyNode<K, E>>();
  readonly #protected = new UseOrder<TinyNode<K, E>>();
  readonly #sketch = new FrequencySketch();
  /** How much of the budget is window, from 0 to 1. Traffic that favours the recent wants more. */
  windowShare: number;
  readonly #limits: PolicyLimits;
  readonly #onRemoved: OnRemoved<K, E>;
  readonly #hashKey: KeyHash<K>;
  readonly #random: () => number;

  constructor(limits: PolicyLimits, onRemoved: OnRemoved<K, E>, options: WTinyLfuOptions<K> = {}) {
    this.#limits = limits;
    this.#onRemoved = onRemoved;
    this.#hashKey = options.hashKey ?? defaultKeyHash();
    this.#random = options.random ?? Math.random;
    this.windowShare = options.windowShare ?? DEFAULT_WINDOW_SHARE;
  }

  get size(): number {
    return this.#nodes.size;
  }

  get bytes(): number {
    return this.#window.bytes + this.#probation.bytes + this.#protected.bytes;
  }

  get(key: K): E | undefined {
    const node = this.#nodes.get(key);
    if (node === undefined) return undefined;
    this.#use(node);
    return node.entry;
  }

  peek(key: K): E | undefined {
    return this.#nodes.get(key)?.entry;
  }

  set(key: K, entry: E): boolean {
    const present = this.#nodes.get(key);
    if (present !== undefined) return this.#replace(present, entry);
    const node = new TinyNode(key, this.#hashKey(key), entry);
    this.#nodes.set(key, node);
    this.#window.pushNewest(node);
    this.#sketch.ensureCapacity(this.#nodes.size);
    this.#sketch.increment(node.hash);
    this.#trim();
    return this.#nodes.get(key) === node;
  }

  delete(key: K): boolean {
    const node = this.#nodes.get(key);
    if (node === undefined) return false;
    this.#remove(node);
    return true;
  }

  clear(): void {
    this.#nodes.clear();
    this.#window.clear();
    this.#probation.clear();
    this.#protected.clear();
    this.#sketch.clear();
  }

  *entries(): IterableIterator<[K, E]> {
    for (const order of [this.#probation, this.#window, this.#protected])
      for (let node = order.oldest; node !== undefined; node = node.newer) yield [node.key, node.entry];
  }

  #replace(node: TinyNode<K, E>, entry: E): boolean {
    const order = this.#orderOf(node);
    this.#onRemoved(node.key, node.entry, "replaced");
    order.remove(node);
    node.entry = entry;
    order.pushNewest(node);
    this.#use(node);
    this.#trim();
    return this.#nodes.get(node.key) === node;
  }

  #use(node: TinyNode<K, E>): void {
    this.#sketch.increment(node.hash);
    const order = this.#orderOf(node);
    if (this.windowShare === 1 && order !== this.#window) {
      this.#move(node, "window");
    } else if (order === this.#probation) {
      this.#move(node, "protected");
      this.#demote();
    } else if (order.newest !== node) {
      order.remove(node);
      order.pushNewest(node);
    }
  }

  /** What the protected part has too much goes back to probation, and may earn its place again. */
  #demote(): void {
    const share = PROTECTED_SHARE * (1 - this.windowShare);
    while (this.#isOver(this.#protected, share)) this.#move(this.#protected.oldest!, "probation");
  }

  /** Brings everything back within the limits. */
  #trim(): void {
    const share = this.windowShare;
    let contested: TinyNode<K, E> | undefined;
    for (let moved = 0; share < 1 && moved < DRAIN_MAX && this.#isOver(this.#window, share); moved++) {
      const node = this.#window.oldest!;
      this.#move(node, "probation");
      contested ??= node;
    }
    // Newcomers now stand at the newest end of probation, the first of them farthest from it.
    while (contested !== undefined && this.#overReason() !== undefined) {
      const next: TinyNode<K, E> | undefined = contested.newer;
      this.#contest(contested);
      contested = next;
    }
    for (let reason = this.#overReason(); reason !== undefined; reason = this.#overReason()) {
      this.#evict((this.#probation.oldest ?? this.#protected.oldest ?? this.#window.oldest)!, reason);
    }
  }

  /** Takes out either the newcomer or everything that would have to go for it. */
  #contest(newcomer: TinyNode<K, E>): void {
    const reason = this.#overReason()!;
    let needBytes = this.bytes - this.#limits.maxBytes;
    let needEntries = this.#nodes.size - this.#limits.maxEntries;
    const frequency = this.#sketch.estimate(newcomer.hash);
    const victims: TinyNode<K, E>[] = [];
    let victimsFrequency = 0;
    let victim =
      this.#probation.oldest === newcomer
        ? this.#protected.oldest
        : (this.#probation.oldest ?? this.#protected.oldest);
    while (victim !== undefined && (needBytes > 0 || needEntries > 0) && victimsFrequency < frequency) {
      victims.push(victim);
      victimsFrequency += this.#sketch.estimate(victim.hash);
      needBytes -= victim.entry.bytes;
      needEntries--;
      victim = this.#victimAfter(victim, newcomer);
    }
    const enough = needBytes <= 0 && needEntries <= 0;
    const lucky = enough && frequency >= LUCKY_FREQUENCY_MIN && this.#random() < LUCKY_CHANCE;
    if (enough && (frequency > victimsFrequency || lucky))
      for (const loser of victims) this.#evict(loser, reason);
    else this.#evict(newcomer, "admission");
  }

  /** Victims come from probation, oldest first, up to the newcomer; then from the protected part. */
  #victimAfter(victim: TinyNode<K, E>, newcomer: TinyNode<K, E>): TinyNode<K, E> | undefined {
    if (victim.segment === "protected") return victim.newer;
    if (victim.newer === undefined || victim.newer === newcomer) return this.#protected.oldest;
    return victim.newer;
  }

  #isOver(order: UseOrder<TinyNode<K, E>>, share: number): boolean {
    if (order.count === 0) return false;
    const { maxBytes, maxEntries } = this.#limits;
    return (
      order.bytes > Math.floor(maxBytes * share) || order.count > Math.max(1, Math.floor(maxEntries * share))
    );
  }

  #overReason(): RemovalReason | undefined {
    if (this.bytes > this.#limits.maxBytes) return "bytes";
    return this.#nodes.size > this.#limits.maxEntries ? "entries" : undefined;
  }

  #evict(node: TinyNode<K, E>, reason: RemovalReason): void {
    this.#remove(node);
    this.#onRemoved(node.key, node.entry, reason);
  }

  #remove(node: TinyNode<K, E>): void {
    this.#nodes.delete(node.key);
    this.#orderOf(node).remove(node);
  }

  #move(node: TinyNode<K, E>, segment: Segment): void {
    this.#orderOf(node).remove(node);
    node.segment = segment;
    this.#orderOf(node).pushNewest(node);
  }

  #orderOf(node: TinyNode<K, E>): UseOrder<TinyNode<K, E>> {
    if (node.segment === "window") return this.#window;
    return node.segment === "probation" ? this.#probation : this.#protected;
  }
}
