/**
 * Which keys end when, without an order among those of one slot: adding is O(1), and every key is looked at once a slot
 * in which it might end. A key whose end moved meanwhile is put into its new slot when the old one comes.
 *
 * ```
 *   slot = ⌊end / slotMs⌋     … │ 812: {a, f} │ 813: {b} │ 816: {c, d, e} │ …
 *                                  ▲ sweep: those that ended go, the others move on
 * ```
 */
export class ExpiryBuckets {
  readonly #slotMs: number;
  readonly #slots = new Map<number, Set<string>>();
  #swept: number;

  constructor(slotMs: number, nowMs: number) {
    this.#slotMs = slotMs;
    this.#swept = this.#slotOf(nowMs) - 1;
  }

  #slotOf(ms: number): number {
    return Math.floor(ms / this.#slotMs);
  }

  add(key: string, endMs: number): void {
    const slot = Math.max(this.#slotOf(endMs), this.#swept + 1);
    const keys = this.#slots.get(slot);
    if (keys === undefined) this.#slots.set(slot, new Set([key]));
    else keys.add(key);
  }

  /**
   * Takes out what may have ended.
   * @param endOf the present end of a key; `undefined` when it is gone
   * @param ended is called for each key that has ended
   */
  sweep(nowMs: number, endOf: (key: string) => number | undefined, ended: (key: string) => void): void {
    // The slot of now is not over: its keys wait for the next sweep.
    const last = this.#slotOf(nowMs) - 1;
    if (last - this.#swept > this.#slots.size) {
      for (const slot of [...this.#slots.keys()])
        if (slot <= last) this.#sweepSlot(slot, nowMs, endOf, ended);
    } else {
      for (let slot = this.#swept + 1; slot <= last; slot++) this.#sweepSlot(slot, nowMs, endOf, ended);
    }
    this.#swept = Math.max(last, this.#swept);
  }

  #sweepSlot(
    slot: number,
    nowMs: number,
    endOf: (key: string) => number | undefined,
    ended: (key: string) => void,
  ): void {
    const keys = this.#slots.get(slot);
    if (keys === undefined) return;
    this.#slots.delete(slot);
    for (const key of keys) {
      const endMs = endOf(key);
      if (endMs === undefined) continue;
      if (endMs <= nowMs) ended(key);
      else this.add(key, endMs);
    }
  }
}
