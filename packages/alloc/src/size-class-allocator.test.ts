import { expect, test } from "vitest";
import type { MemorySource } from "./memory.js";
import { SizeClassAllocator } from "./size-class-allocator.js";

const KiB = 1024;
const MiB = 1024 * KiB;

/** A source that keeps what pages hold something and poisons what was purged. */
function watchedSource() {
  const live = new Map<MemorySource, Uint8Array>();
  const purged: number[] = [];
  return {
    live,
    purged,
    map(bytes: number) {
      const buffer = new ArrayBuffer(bytes);
      live.set(buffer, new Uint8Array(buffer));
      return buffer;
    },
    unmap(memory: MemorySource) {
      expect(live.delete(memory)).toBe(true);
    },
    purge(memory: MemorySource, offset: number, bytes: number) {
      expect(offset % 4096).toBe(0);
      expect(bytes % 4096).toBe(0);
      purged.push(bytes);
      live.get(memory)!.fill(0xee, offset, offset + bytes);
    },
  };
}

test("small and large blocks do not overlap and keep what was written", () => {
  const heap = new SizeClassAllocator({ chunkBytes: 64 * KiB });
  const blocks = [1, 16, 17, 100, 1000, 4096, 4097, 9000, 60_000, 200_000].map((bytes, i) => {
    const offset = heap.allocate(bytes);
    heap.view(offset).fill(i + 1);
    expect(heap.requestedBytes(offset)).toBe(bytes);
    expect(heap.roundedBytes(bytes)).toBeGreaterThanOrEqual(bytes);
    return { offset, bytes, byte: i + 1 };
  });
  for (const { offset, bytes, byte } of blocks) {
    const view = heap.view(offset);
    expect(view.length).toBe(bytes);
    expect(view.every((found) => found === byte)).toBe(true);
    heap.free(offset);
  }
  expect(heap.statistics()).toMatchObject({ allocatedBytes: 0, activeBytes: 0, allocations: 10, frees: 10 });
});

test("offsets in memory of the caller are positions in it", () => {
  const memory = new SharedArrayBuffer(64 * KiB);
  const heap = new SizeClassAllocator({ memory, atCapacity: "null" });
  const offset = heap.allocate(5000)!;
  heap.view(offset).fill(3);
  expect(new Uint8Array(memory, offset, 5000).every((byte) => byte === 3)).toBe(true);
  expect(heap.allocate(60 * KiB)).toBeNull();
  heap.free(offset);
  expect(heap.allocate(64 * KiB)).toBe(0);
});

test.each([8, 16, 64, 512, 1024, 4096])("aligns to %i", (alignment) => {
  const heap = new SizeClassAllocator({ chunkBytes: 64 * KiB });
  for (const bytes of [1, 20, 72, 200, 513, 3000, 5000, 20_000]) {
    for (let i = 0; i < 3; i++) {
      const offset = heap.allocate(bytes, alignment);
      expect(offset % alignment).toBe(0);
      expect(heap.view(offset).length).toBe(bytes);
    }
  }
});

test("reallocate stays in place where it can and keeps the content", () => {
  const heap = new SizeClassAllocator();
  const small = heap.allocate(100);
  heap.view(small).fill(7);
  expect(heap.reallocate(small, 104)).toBe(small);
  const moved = heap.reallocate(small, 5000);
  expect(moved).not.toBe(small);
  expect([...heap.view(moved).subarray(0, 100)]).toEqual(new Array(100).fill(7));
  // Nothing behind it: it grows where it is, and shrinks where it is.
  expect(heap.reallocate(moved, 50_000)).toBe(moved);
  expect(heap.reallocate(moved, 6000)).toBe(moved);
  const neighbour = heap.allocate(6000);
  expect(neighbour).toBeLessThan(moved + 50_000);
  expect(heap.reallocate(moved, 100_000)).not.toBe(moved);
  expect(heap.statistics().allocatedBytes).toBe(106_000);
});

test("a reallocate that finds no room leaves the block as it was", () => {
  const heap = new SizeClassAllocator({ memory: new ArrayBuffer(64 * KiB), atCapacity: "null" });
  const offset = heap.allocate(30_000)!;
  heap.allocate(5000);
  heap.view(offset).fill(5);
  expect(heap.reallocate(offset, 40_000)).toBeNull();
  expect(() => heap.reallocate(offset, 0)).toThrow(/bytes must be an integer from 1 to 65536, got 0/);
  expect(heap.view(offset).every((byte) => byte === 5)).toBe(true);
  expect(heap.requestedBytes(offset)).toBe(30_000);
});

test.each([0, -1, Number.NaN, 0.5, 2 ** 30 + 1, Number.POSITIVE_INFINITY])(
  "refuses a size of %s",
  (bytes) => {
    const heap = new SizeClassAllocator();
    expect(() => heap.allocate(bytes)).toThrow(
      expect.objectContaining({
        code: "TZ_ALLOC_SIZE",
        message: `SizeClassAllocator SizeClassAllocator: bytes must be an integer from 1 to 1073741824, got ${bytes}`,
      }),
    );
    expect(heap.allocate(8)).toBeGreaterThanOrEqual(0);
  },
);

test.each([0, 3, 8192, Number.NaN])("refuses an alignment of %s", (alignment) => {
  expect(() => new SizeClassAllocator().allocate(8, alignment)).toThrow(
    expect.objectContaining({ code: "TZ_ALLOC_ALIGNMENT" }),
  );
});

test("finds wrong offsets and double frees, and stays valid", () => {
  const heap = new SizeClassAllocator({ chunkBytes: 64 * KiB });
  const small = heap.allocate(100);
  const large = heap.allocate(10_000);
  for (const bad of [small + 8, large + 512, large + 1, -8, Number.NaN, 0.5, 2 ** 40, 2 ** 32 + large]) {
    for (const use of [() => heap.free(bad), () => heap.view(bad), () => heap.reallocate(bad, 8)]) {
      expect(use).toThrow(expect.objectContaining({ code: "TZ_ALLOC_ADDRESS" }));
    }
  }
  heap.free(small);
  heap.free(large);
  for (const freed of [small, large]) {
    expect(() => heap.free(freed)).toThrow(
      expect.objectContaining({
        code: "TZ_ALLOC_DOUBLE_FREE",
        message: expect.stringContaining(`nothing is allocated at offset ${freed}`),
      }),
    );
  }
  expect(heap.statistics().allocatedBytes).toBe(0);
  expect(heap.allocate(100)).toBe(small);
});

test("freed neighbours coalesce", () => {
  const heap = new SizeClassAllocator({ memory: new ArrayBuffer(64 * KiB) });
  const blocks = Array.from({ length: 8 }, () => heap.allocate(8 * KiB));
  for (const i of [1, 3, 5, 7, 0, 2, 6, 4]) heap.free(blocks[i]!);
  expect(heap.allocate(64 * KiB)).toBe(0);
});

test("throws at the limit by default, with what is held and mapped", () => {
  const heap = new SizeClassAllocator({ limitBytes: 128 * KiB, chunkBytes: 64 * KiB });
  heap.allocate(100 * KiB);
  expect(() => heap.allocate(100 * KiB)).toThrow(
    expect.objectContaining({
      code: "TZ_ALLOC_CAPACITY",
      message:
        "SizeClassAllocator SizeClassAllocator: no room for 102400 bytes: 102400 are held and 131072 of 131072 are mapped",
    }),
  );
  expect(() => heap.allocate(200 * KiB)).toThrow(expect.objectContaining({ code: "TZ_ALLOC_SIZE" }));
});

test("free pages are purged after the decay time, not before, and never under a live block", () => {
  let ms = 0;
  const source = watchedSource();
  const heap = new SizeClassAllocator({ source, decayMs: 1000, dirtyPercentMax: 1000, now: () => ms });
  const kept = heap.allocate(20 * KiB);
  heap.view(kept).fill(9);
  const freed = heap.allocate(100 * KiB);
  heap.view(freed).fill(8);
  const last = heap.allocate(20 * KiB);
  heap.free(freed);
  ms += 900;
  expect(heap.decay()).toBe(0);
  const before = heap.statistics().mappedBytes;
  ms += 200;
  expect(heap.decay()).toBe(100 * KiB);
  expect(source.purged).toEqual([100 * KiB]);
  expect(heap.decay()).toBe(0);
  expect(heap.statistics().mappedBytes).toBe(before - 100 * KiB);
  expect(heap.statistics().retainedBytes).toBe(MiB - 40 * KiB);
  expect(heap.view(kept).every((byte) => byte === 9)).toBe(true);
  // Used again it is mapped again.
  heap.allocate(50 * KiB);
  expect(heap.statistics().mappedBytes).toBe(before - 48 * KiB);
  heap.free(last);
});

test("more idle memory than allowed is purged without waiting", () => {
  const source = watchedSource();
  const heap = new SizeClassAllocator({ source, dirtyPercentMax: 10, now: () => 0 });
  const blocks = Array.from({ length: 200 }, () => heap.allocate(20 * KiB));
  for (const block of blocks.filter((_, i) => i % 2 === 0)) heap.free(block);
  const { mappedBytes, activeBytes } = heap.statistics();
  expect(activeBytes).toBe(100 * 20 * KiB);
  expect(mappedBytes).toBeLessThan(activeBytes * 1.2);
});

test("chunks go back when they are empty, and purge() empties the rest", () => {
  const source = watchedSource();
  const heap = new SizeClassAllocator({ source, decayMs: 0, chunkBytes: 64 * KiB });
  const blocks = Array.from({ length: 20 }, () => heap.allocate(40 * KiB));
  expect(source.live.size).toBe(20);
  for (const block of blocks) heap.free(block);
  expect(source.live.size).toBe(0);
  // An empty slab is kept for its class until purge().
  heap.free(heap.allocate(64));
  expect(source.live.size).toBe(1);
  heap.purge();
  expect(source.live.size).toBe(0);
  expect(heap.statistics().retainedBytes).toBe(0);
  heap.free(heap.allocate(64));
});

test("array buffers, which have no purge, go back when they are empty", () => {
  const heap = new SizeClassAllocator({ decayMs: 0, chunkBytes: 64 * KiB });
  const blocks = Array.from({ length: 20 }, () => heap.allocate(40 * KiB));
  const { mappedBytes } = heap.statistics();
  for (const block of blocks) heap.free(block);
  expect(heap.statistics().mappedBytes).toBeLessThan(mappedBytes / 20);
});

test("statistics by class add up to the whole", () => {
  const heap = new SizeClassAllocator();
  const offsets = [10, 100, 100, 3000, 70_000].map((bytes) => heap.allocate(bytes));
  heap.free(offsets[1]!);
  const { parts, ...all } = heap.statistics();
  const sum = (field: "allocatedBytes" | "activeBytes") =>
    parts.reduce((total, part) => total + part[field], 0);
  expect(sum("allocatedBytes")).toBe(73_110);
  expect(all.allocatedBytes).toBe(73_110);
  expect(sum("activeBytes")).toBe(all.activeBytes);
  expect(all.highWater.allocatedBytes).toBe(73_210);
  expect(parts.find((part) => part.name === "≤ 104")).toMatchObject({
    live: 1,
    liveMax: 2,
    allocatedBytes: 100,
  });
  expect(parts.at(-1)).toMatchObject({
    name: "large",
    live: 1,
    allocatedBytes: 70_000,
    activeBytes: 137 * 512,
  });
});

test("debug mode finds writes past the end, after free, and who holds what", () => {
  const heap = new SizeClassAllocator({ debug: true });
  const past = heap.allocate(100);
  const view = heap.view(past);
  new Uint8Array(view.buffer, view.byteOffset, 104).fill(1);
  expect(() => heap.free(past)).toThrow(
    /byte 0 of the 4 bytes behind the 100 at offset 0 was written \(0x01\)/,
  );
  const late = heap.allocate(5000);
  const lateView = heap.view(late);
  heap.free(late);
  lateView[10] = 1;
  expect(() => heap.allocate(5000)).toThrow(expect.objectContaining({ code: "TZ_ALLOC_POISON" }));
  expect(heap.leaks()).toMatchObject([{ id: past, bytes: 100 }]);
  expect(heap.leaks()[0]?.stack).toContain("size-class-allocator.test.ts");
  // The heap goes on.
  expect(heap.view(heap.allocate(5000)).length).toBe(5000);
});

test("more runs than sixteen bits count", () => {
  const heap = new SizeClassAllocator({ chunkBytes: 16 * MiB });
  const offsets = Array.from({ length: 70_000 }, () => heap.allocate(4097));
  expect(new Set(offsets).size).toBe(70_000);
  for (const offset of offsets) heap.free(offset);
  expect(heap.statistics().activeBytes).toBe(0);
});

test("refuses options that contradict each other, and memory that is too small", () => {
  expect(() => new SizeClassAllocator({ memory: new ArrayBuffer(8192), limitBytes: 65536 })).toThrow(
    /"limitBytes" has no meaning beside "memory"/,
  );
  expect(() => new SizeClassAllocator({ memory: new ArrayBuffer(4095) })).toThrow(
    /memory must have from 4096/,
  );
  expect(() => new SizeClassAllocator({ chunkBytes: 100_000 })).toThrow(
    /"chunkBytes" must be a power of two/,
  );
  expect(() => new SizeClassAllocator({ classesPerDoubling: 3 })).toThrow(
    /"classesPerDoubling" must be a power of two/,
  );
});
