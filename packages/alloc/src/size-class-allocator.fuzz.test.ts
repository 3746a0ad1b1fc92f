import fc from "fast-check";
import { expect, test } from "vitest";
import type { MemorySource } from "./memory.js";
import { SizeClassAllocator } from "./size-class-allocator.js";

const bytes = fc.oneof(
  { weight: 5, arbitrary: fc.integer({ min: 1, max: 300 }) },
  { weight: 3, arbitrary: fc.integer({ min: 1, max: 5000 }) },
  { weight: 2, arbitrary: fc.integer({ min: 4000, max: 70_000 }) },
  { weight: 1, arbitrary: fc.integer({ min: 60_000, max: 300_000 }) },
);
const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant("allocate" as const), bytes, pick: fc.nat(12) }) },
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant("free" as const), bytes: fc.constant(0), pick: fc.nat() }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("reallocate" as const), bytes, pick: fc.nat() }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant("pass" as const), bytes: fc.nat(20_000), pick: fc.constant(0) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("purge" as const),
      bytes: fc.constant(0),
      pick: fc.constant(0),
    }),
  },
);

interface Block {
  offset: number;
  bytes: number;
  seed: number;
}

/** Each byte of a block has a value that follows from the block, so that a stray write is seen. */
function fill(view: Uint8Array, seed: number, from = 0): void {
  for (let i = from; i < view.length; i++) view[i] = (seed * 31 + i * 7) & 0xff;
}
function isFilled(view: Uint8Array, seed: number, length = view.length): boolean {
  for (let i = 0; i < length; i++) if (view[i] !== ((seed * 31 + i * 7) & 0xff)) return false;
  return true;
}

test.each([
  { classesPerDoubling: 8, debug: false, purge: true, chunkBytes: 65_536 },
  { classesPerDoubling: 8, debug: true, purge: true, chunkBytes: 65_536 },
  { classesPerDoubling: 4, debug: false, purge: false, chunkBytes: 131_072 },
  { classesPerDoubling: 1, debug: true, purge: false, chunkBytes: 262_144 },
])("behaves as a map from offsets to blocks: %j", ({ purge, ...options }) => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), fc.constantFrom(0, 100, 10_000), (steps, decayMs) => {
      let ms = 0;
      const chunks = new Map<MemorySource, Uint8Array>();
      const source = {
        map(size: number) {
          const buffer = new ArrayBuffer(size);
          chunks.set(buffer, new Uint8Array(buffer));
          return buffer;
        },
        unmap(memory: MemorySource) {
          expect(chunks.delete(memory)).toBe(true);
        },
        // What is purged is overwritten: a purge under a live block breaks its content. Poison is kept in debug mode.
        ...(purge && {
          purge(memory: MemorySource, offset: number, length: number) {
            chunks.get(memory)!.fill(0xdd, offset, offset + length);
          },
        }),
      };
      const heap = new SizeClassAllocator({
        ...options,
        source,
        decayMs,
        limitBytes: 1024 * 1024,
        atCapacity: "null",
        now: () => ms,
      });
      const blocks: Block[] = [];
      let seed = 0;
      for (const { kind, bytes, pick } of steps) {
        if (kind === "allocate") {
          const offset = heap.allocate(bytes, 2 ** pick);
          if (offset === null) continue;
          expect(offset % Math.max(8, 2 ** pick)).toBe(0);
          blocks.push({ offset, bytes, seed: ++seed });
          fill(heap.view(offset), seed);
        } else if (kind === "free" && blocks.length > 0) {
          const [block] = blocks.splice(pick % blocks.length, 1);
          expect(isFilled(heap.view(block!.offset), block!.seed)).toBe(true);
          heap.free(block!.offset);
          expect(() => heap.free(block!.offset)).toThrow();
        } else if (kind === "reallocate" && blocks.length > 0) {
          const block = blocks[pick % blocks.length]!;
          const offset = heap.reallocate(block.offset, bytes);
          if (offset === null) continue;
          const kept = Math.min(block.bytes, bytes);
          expect(isFilled(heap.view(offset), block.seed, kept)).toBe(true);
          fill(heap.view(offset), block.seed, kept);
          block.offset = offset;
          block.bytes = bytes;
        } else if (kind === "pass") {
          ms += bytes;
          heap.decay();
        } else if (kind === "purge") {
          heap.purge();
        }
        const statistics = heap.statistics();
        expect(statistics.allocatedBytes).toBe(blocks.reduce((sum, block) => sum + block.bytes, 0));
        expect(statistics.activeBytes).toBeGreaterThanOrEqual(statistics.allocatedBytes);
        expect(statistics.mappedBytes).toBeGreaterThanOrEqual(statistics.activeBytes);
        const reserved = [...chunks.values()].reduce((sum, chunk) => sum + chunk.length, 0);
        expect(statistics.retainedBytes).toBeGreaterThanOrEqual(0);
        expect(statistics.retainedBytes).toBeLessThanOrEqual(reserved);
      }
      const sorted = [...blocks].sort((a, b) => a.offset - b.offset);
      for (let i = 1; i < sorted.length; i++) {
        expect(sorted[i - 1]!.offset + sorted[i - 1]!.bytes).toBeLessThanOrEqual(sorted[i]!.offset);
      }
      for (const block of blocks) expect(isFilled(heap.view(block.offset), block.seed)).toBe(true);
      for (const block of blocks) heap.free(block.offset);
      heap.purge();
      expect(chunks.size).toBe(0);
      expect(heap.statistics()).toMatchObject({ allocatedBytes: 0, activeBytes: 0, retainedBytes: 0 });
    }),
    { numRuns: 120 },
  );
});
