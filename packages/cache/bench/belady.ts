import type { Trace } from "./traces.js";

/**
 * The hit ratio of the offline optimum (Bélády's MIN with bypass): it knows the future, keeps what is used soonest,
 * and does not store what is used later than everything else. Exact when all sizes are equal; with sizes it is the
 * usual heuristic (let go of the farthest next use until it fits) and no bound.
 */
export function beladyHitRatio(trace: Trace, budgetBytes: number): number {
  const { keys } = trace;
  const nextUse = nextUses(keys);
  const farthest = new MaxHeap(keys.length);
  const storedUntil = new Map<number, number>();
  let bytes = 0;
  let hits = 0;
  for (let turn = 0; turn < keys.length; turn++) {
    const key = keys[turn]!;
    const next = nextUse[turn]!;
    if (storedUntil.has(key)) hits++;
    else bytes += trace.sizeOf(key);
    storedUntil.set(key, next);
    farthest.push(next, key);
    while (bytes > budgetBytes) {
      const [use, gone] = farthest.pop();
      if (storedUntil.get(gone) !== use) continue; // an older prediction of a key that was used since
      storedUntil.delete(gone);
      bytes -= trace.sizeOf(gone);
    }
  }
  return hits / keys.length;
}

/** For each request the turn at which its key comes next; distinct values past the end for those that never do. */
function nextUses(keys: Uint32Array): Float64Array {
  const result = new Float64Array(keys.length);
  const seen = new Map<number, number>();
  for (let turn = keys.length - 1; turn >= 0; turn--) {
    const key = keys[turn]!;
    result[turn] = seen.get(key) ?? keys.length + turn;
    seen.set(key, turn);
  }
  return result;
}

/** A binary heap of (priority, key), largest priority first. */
class MaxHeap {
  readonly #priorities: Float64Array;
  readonly #keys: Uint32Array;
  #count = 0;

  constructor(capacity: number) {
    this.#priorities = new Float64Array(capacity);
    this.#keys = new Uint32Array(capacity);
  }

  push(priority: number, key: number): void {
    let at = this.#count++;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (this.#priorities[parent]! >= priority) break;
      this.#copy(parent, at);
      at = parent;
    }
    this.#priorities[at] = priority;
    this.#keys[at] = key;
  }

  pop(): [priority: number, key: number] {
    const top: [number, number] = [this.#priorities[0]!, this.#keys[0]!];
    const last = --this.#count;
    const priority = this.#priorities[last]!;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= last) break;
      if (child + 1 < last && this.#priorities[child + 1]! > this.#priorities[child]!) child++;
      if (this.#priorities[child]! <= priority) break;
      this.#copy(child, at);
      at = child;
    }
    this.#priorities[at] = priority;
    this.#keys[at] = this.#keys[last]!;
    return top;
  }

  #copy(from: number, to: number): void {
    this.#priorities[to] = this.#priorities[from]!;
    this.#keys[to] = this.#keys[from]!;
  }
}
