import { isSupported, regionStats } from "@tz/sys";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Block, heapMemory, RegionMemory } from "./answer-memory.js";

test("on the heap there is no address", () => {
  const block = heapMemory.allocate(10);
  expect([block.bytes.byteLength, block.address]).toEqual([10, undefined]);
  block.free();
});

describe.skipIf(!isSupported().supported)("in regions", () => {
  test("blocks never overlap, and their addresses are those of their bytes", () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ byteLength: fc.nat(400_000), isFreed: fc.boolean() }), { maxLength: 60 }),
        (steps) => {
          const memory = new RegionMemory();
          const held: { block: Block; mark: number }[] = [];
          steps.forEach(({ byteLength, isFreed }, i) => {
            const block = memory.allocate(byteLength);
            expect(block.bytes.byteLength).toBe(byteLength);
            block.bytes.fill(i + 1);
            held.push({ block, mark: i + 1 });
            if (isFreed) held.splice(i % held.length, 1)[0]!.block.free();
          });
          const ranges = held
            .map(({ block }) => [block.address!, block.address! + block.bytes.byteLength] as const)
            .filter(([start, end]) => end > start)
            .sort((a, b) => a[0] - b[0]);
          for (let i = 1; i < ranges.length; i++)
            expect(ranges[i]![0]).toBeGreaterThanOrEqual(ranges[i - 1]![1]);
          for (const { block, mark } of held) {
            expect(block.bytes.every((byte) => byte === mark)).toBe(true);
            block.free();
          }
          memory.close();
        },
      ),
      { numRuns: 40 },
    );
  });

  test("all goes back with the last block after close()", () => {
    const before = regionStats();
    const memory = new RegionMemory();
    const blocks = [10, 1000, 200_000, 500_000].map((byteLength) => memory.allocate(byteLength));
    expect(regionStats().regions).toBeGreaterThan(before.regions);
    memory.close();
    blocks[0]!.bytes.fill(1);
    for (const block of blocks) block.free();
    expect(regionStats()).toEqual(before);
  });

  test("a thousand small answers take a handful of regions", () => {
    const before = regionStats().regions;
    const memory = new RegionMemory();
    const blocks = Array.from({ length: 1000 }, () => memory.allocate(1500));
    expect(regionStats().regions - before).toBeLessThanOrEqual(4);
    for (const block of blocks) block.free();
    memory.close();
  });
});
