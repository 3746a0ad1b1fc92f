import type { SharedSlabPool } from "./shared-slab-pool.js";

/**
 * A worker's life: takes slots, stamps them, checks the stamp and gives them back, in a random order. A stamp that
 * was overwritten means that two had the slot.
 */
export function useSlots(pool: SharedSlabPool<"null">, rounds: number, seed: number): void {
  let random = seed;
  const held: number[] = [];
  const stamps = new Int32Array(pool.bytes.buffer, pool.bytes.byteOffset, pool.bytes.length >>> 2);
  const strideWords = pool.strideBytes >>> 2;
  const words = pool.slotBytes >>> 2;
  const stampOf = (slot: number) => Math.imul(pool.owner, 0x9e3779b1) ^ slot;
  for (let round = 0; round < rounds; round++) {
    random = (Math.imul(random, 1664525) + 1013904223) | 0;
    if (held.length < 40 && (random >>> 24) % 8 < 5) {
      const slot = pool.allocate();
      if (slot === null) continue;
      for (let i = 0; i < words; i++) stamps[slot * strideWords + i] = stampOf(slot);
      held.push(slot);
    } else if (held.length > 0) {
      const at = (random >>> 16) % held.length;
      const slot = held[at]!;
      held[at] = held[held.length - 1]!;
      held.length--;
      for (let i = 0; i < words; i++) {
        if (stamps[slot * strideWords + i] !== stampOf(slot))
          throw new Error(`slot ${slot} of owner ${pool.owner} was overwritten`);
      }
      pool.free(slot);
    }
  }
  for (const slot of held) pool.free(slot);
}
