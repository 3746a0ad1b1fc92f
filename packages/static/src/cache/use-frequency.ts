/**
 * The order in which entries go by W-TinyLFU (Einziger, Friedman, Manes 2017), by number of entries. Newcomers pass a
 * small window in order of use; who falls out of it must have been asked for more often than who would have to go.
 *
 * ```
 *   add ──▶ window (1 %) ──▶ probation ──second use──▶ protected (80 %)
 *                              ▲ contest with its oldest     │ overflow
 *                              └─────────────────────────────┘
 * ```
 *
 * Costs a node per entry and a few nanoseconds per use: only tables with this policy have one.
 */
import { FrequencySketch } from "@tz/cache";
import type { TableEntry } from "./entry-table.js";

const WINDOW_SHARE = 0.01;
const PROTECTED_SHARE = 0.8;

type Segment = "window" | "probation" | "protected";

/** The place of an entry. */
export interface UseNode {
  readonly entry: TableEntry;
  segment: Segment;
  newer: UseNode | undefined;
  older: UseNode | undefined;
}

class UseList {
  newest: UseNode | undefined;
  oldest: UseNode | undefined;
  count = 0;

  push(node: UseNode): void {
    node.newer = undefined;
    node.older = this.newest;
    if (this.newest === undefined) this.oldest = node;
    else this.newest.newer = node;
    this.newest = node;
    this.count++;
  }

  take(node: UseNode): void {
    if (node.newer === undefined) this.newest = node.older;
    else node.newer.older = node.older;
    if (node.older === undefined) this.oldest = node.newer;
    else node.older.newer = node.newer;
    this.count--;
  }
}

export class UseFrequency {
  readonly #lists = { window: new UseList(), probation: new UseList(), protected: new UseList() };
  readonly #sketch = new FrequencySketch();
  #count = 0;
  /** Left the window last, and has not been compared yet. */
  #newcomer: UseNode | undefined;

  add(entry: TableEntry): void {
    const node: UseNode = { entry, segment: "window", newer: undefined, older: undefined };
    const { window } = this.#lists;
    entry.use = node;
    window.push(node);
    this.#count++;
    this.#sketch.ensureCapacity(this.#count);
    this.#sketch.increment(entry.hash);
    if (window.count > Math.max(1, this.#count * WINDOW_SHARE)) {
      this.#newcomer = window.oldest;
      this.#move(window.oldest!, "probation");
    }
  }

  use({ use: node, hash }: TableEntry): void {
    this.#sketch.increment(hash);
    this.#move(node!, node!.segment === "window" ? "window" : "protected");
    if (this.#lists.protected.count > this.#count * PROTECTED_SHARE) {
      this.#move(this.#lists.protected.oldest!, "probation");
    }
  }

  remove(entry: TableEntry): void {
    const node = entry.use!;
    if (this.#newcomer === node) this.#newcomer = undefined;
    this.#lists[node.segment].take(node);
    entry.use = undefined;
    this.#count--;
  }

  /** Whom to give up next; stays in until `remove`. */
  victim(): TableEntry | undefined {
    const { window, probation, protected: kept } = this.#lists;
    const newcomer = this.#newcomer;
    const oldest = probation.oldest === newcomer ? (newcomer?.newer ?? kept.oldest) : probation.oldest;
    const victim = oldest ?? kept.oldest ?? newcomer ?? window.oldest;
    if (newcomer === undefined || victim === undefined || victim === newcomer) return victim?.entry;
    const isAsked = this.#sketch.estimate(newcomer.entry.hash) > this.#sketch.estimate(victim.entry.hash);
    return isAsked ? victim.entry : newcomer.entry;
  }

  #move(node: UseNode, segment: Segment): void {
    if (node === this.#newcomer && segment !== "probation") this.#newcomer = undefined;
    this.#lists[node.segment].take(node);
    node.segment = segment;
    this.#lists[segment].push(node);
  }
}
