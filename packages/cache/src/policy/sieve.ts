import type { OnRemoved, Policy, PolicyLimits, Sized } from "./policy.js";

class SieveNode<K, E> {
  entry: E;
  visited = false;
  newer: SieveNode<K, E> | undefined = undefined;
  older: SieveNode<K, E> | undefined = undefined;
  readonly key: K;

  constructor(key: K, entry: E) {
    this.key = key;
    this.entry = entry;
  }
}

/** In `"retain"` one newcomer of so many is let in for good, so that the queue can follow a change. */
const RETAIN_ADMITS_ONE_IN = 32;

/**
 * - `sieve`: as published.
 * - `lru`: a hit moves the entry to the newest end, the oldest goes. For traffic that turns over as a whole.
 * - `retain`: newcomers are the next to go (bimodal insertion, Qureshi et al., ISCA 2007). For loops.
 */
export type SieveMode = "sieve" | "lru" | "retain";

export interface SieveOptions {
  readonly mode?: SieveMode | undefined;
  /** From 0 to 1, as `Math.random`. */
  readonly random?: (() => number) | undefined;
}

/**
 * SIEVE (Zhang et al., NSDI 2024), by bytes. One queue in order of insertion, one bit per entry, one hand:
 *
 * ```
 *   newest ──▶ ● ○ ○ ● ○ ● ● ○ ──▶ oldest        ● visited since the hand last passed
 *                      ▲
 *                     hand, moves towards newest: clears ● as it passes, takes out the first ○
 * ```
 *
 * A hit sets a bit and moves nothing. New entries that nobody asks for again go before the old ones that
 * somebody does, so a scan flows through without flushing the rest. A loop that is longer than the budget and
 * that nothing else accompanies never sets a bit, so there it never hits; and when all that is popular changes at
 * once, the old entries keep their places for up to two rounds of the hand. For these there are two more modes over
 * the same queue; `adaptive.ts` chooses.
 */
export class SievePolicy<K, E extends Sized> implements Policy<K, E> {
  readonly #nodes = new Map<K, SieveNode<K, E>>();
  readonly #limits: PolicyLimits;
  readonly #onRemoved: OnRemoved<K, E>;
  #newest: SieveNode<K, E> | undefined = undefined;
  #oldest: SieveNode<K, E> | undefined = undefined;
  #hand: SieveNode<K, E> | undefined = undefined;
  #bytes = 0;
  readonly #random: () => number;
  /** May be changed at any time. */
  mode: SieveMode;

  constructor(limits: PolicyLimits, onRemoved: OnRemoved<K, E>, options: SieveOptions = {}) {
    this.#limits = limits;
    this.#onRemoved = onRemoved;
    this.#random = options.random ?? Math.random;
    this.mode = options.mode ?? "sieve";
  }

  get size(): number {
    return this.#nodes.size;
  }

  get bytes(): number {
    return this.#bytes;
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
    const node = this.#nodes.get(key);
    if (node === undefined) {
      this.#makeRoom(entry.bytes, 1);
      this.#insert(new SieveNode(key, entry));
      return true;
    }
    this.#onRemoved(key, node.entry, "replaced");
    this.#bytes -= node.entry.bytes;
    node.entry = entry;
    this.#bytes += entry.bytes;
    // Writing a key again is a use of it; and the entry just written must not make room for itself.
    this.#use(node);
    this.#makeRoom(0, 0, node);
    return true;
  }

  delete(key: K): boolean {
    const node = this.#nodes.get(key);
    if (node === undefined) return false;
    this.#unlink(node);
    return true;
  }

  clear(): void {
    this.#nodes.clear();
    this.#newest = this.#oldest = this.#hand = undefined;
    this.#bytes = 0;
  }

  *entries(): IterableIterator<[K, E]> {
    // Oldest first: put back in this order, the queue is as it was, less the bits.
    for (let node = this.#oldest; node !== undefined; node = node.newer) yield [node.key, node.entry];
  }

  #makeRoom(bytes: number, entries: number, spared?: SieveNode<K, E>): void {
    const { maxBytes, maxEntries } = this.#limits;
    while (this.#nodes.size > 0) {
      const overBytes = this.#bytes + bytes > maxBytes;
      if (!overBytes && this.#nodes.size + entries <= maxEntries) return;
      const victim = this.#nextVictim(spared);
      this.#unlink(victim);
      this.#onRemoved(victim.key, victim.entry, overBytes ? "bytes" : "entries");
    }
  }

  #use(node: SieveNode<K, E>): void {
    node.visited = true;
    if (this.mode !== "lru" || node === this.#newest) return;
    this.#leaveQueue(node);
    this.#joinNewest(node);
  }

  #nextVictim(spared: SieveNode<K, E> | undefined): SieveNode<K, E> {
    if (this.mode === "sieve") return this.#sieveVictim(spared);
    const oldest = this.#oldest!;
    return oldest === spared ? oldest.newer! : oldest;
  }

  /** Moves the hand to the first entry without its bit. Ends: each step clears a bit. */
  #sieveVictim(spared: SieveNode<K, E> | undefined): SieveNode<K, E> {
    let node = this.#hand ?? this.#oldest!;
    while (node.visited || node === spared) {
      node.visited = false;
      node = node.newer ?? this.#oldest!;
    }
    this.#hand = node;
    return node;
  }

  #insert(node: SieveNode<K, E>): void {
    this.#nodes.set(node.key, node);
    this.#bytes += node.entry.bytes;
    if (this.mode === "retain" && this.#random() * RETAIN_ADMITS_ONE_IN >= 1) this.#joinOldest(node);
    else this.#joinNewest(node);
  }

  #unlink(node: SieveNode<K, E>): void {
    this.#nodes.delete(node.key);
    this.#bytes -= node.entry.bytes;
    this.#leaveQueue(node);
  }

  #joinNewest(node: SieveNode<K, E>): void {
    node.newer = undefined;
    node.older = this.#newest;
    if (this.#newest === undefined) this.#oldest = node;
    else this.#newest.newer = node;
    this.#newest = node;
  }

  #joinOldest(node: SieveNode<K, E>): void {
    node.older = undefined;
    node.newer = this.#oldest;
    if (this.#oldest === undefined) this.#newest = node;
    else this.#oldest.older = node;
    this.#oldest = node;
  }

  #leaveQueue(node: SieveNode<K, E>): void {
    if (this.#hand === node) this.#hand = node.newer;
    if (node.newer === undefined) this.#newest = node.older;
    else node.newer.older = node.older;
    if (node.older === undefined) this.#oldest = node.newer;
    else node.older.newer = node.newer;
  }
}
