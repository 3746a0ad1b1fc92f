import { expect, test } from "vitest";
import {
  CLASS_BYTES_MAX,
  QUANTUM_BYTES,
  SizeClasses,
  slabWords,
  UNIT_BYTES,
  wasteBytes,
  wasteMax,
} from "./size-classes.js";

const spacings = [1, 2, 4, 8, 16];

test.each(spacings)("%i a doubling: every request gets the smallest class that holds it", (perDoubling) => {
  const { sizes, classOf } = new SizeClasses(perDoubling);
  expect([...sizes]).toEqual([...sizes].sort((a, b) => a - b));
  expect(sizes.at(-1)).toBe(CLASS_BYTES_MAX);
  for (let bytes = 1; bytes <= CLASS_BYTES_MAX; bytes++) {
    const index = classOf[(bytes + 7) >> 3]!;
    expect(sizes[index]).toBeGreaterThanOrEqual(bytes);
    if (index > 0) expect(sizes[index - 1]).toBeLessThan(bytes);
    expect(sizes[index]! - bytes).toBeLessThanOrEqual(wasteMax(sizes[index]!));
    expect(sizes[index]! % QUANTUM_BYTES).toBe(0);
  }
});

function worstWaste(perDoubling: number, from: number): { ofRequest: number; ofClass: number } {
  const { sizes, classOf } = new SizeClasses(perDoubling);
  let ofRequest = 0;
  let ofClass = 0;
  for (let bytes = from; bytes <= CLASS_BYTES_MAX; bytes++) {
    const size = sizes[classOf[(bytes + 7) >> 3]!]!;
    ofRequest = Math.max(ofRequest, (size - bytes) / bytes);
    ofClass = Math.max(ofClass, (size - bytes) / size);
  }
  return { ofRequest, ofClass };
}

test("eight a doubling waste at most 12.5 % of any request above 56 bytes, and at most 7 bytes below", () => {
  expect(worstWaste(8, 57).ofRequest).toBeLessThan(0.125);
  expect(worstWaste(8, 57).ofClass).toBeLessThan(1 / 9);
  const { sizes, classOf } = new SizeClasses(8);
  for (let bytes = 9; bytes <= 56; bytes++)
    expect(sizes[classOf[(bytes + 7) >> 3]!]! - bytes).toBeLessThanOrEqual(7);
});

test("extents round to units: less than 12.5 % above the largest class", () => {
  expect((UNIT_BYTES - 1) / (CLASS_BYTES_MAX + 1)).toBeLessThan(0.125);
});

test("four a doubling, as jemalloc's: up to a quarter of a request, a fifth of a class", () => {
  const { ofRequest, ofClass } = worstWaste(4, 129);
  expect(ofRequest).toBeGreaterThan(0.23);
  expect(ofRequest).toBeLessThan(0.25);
  expect(ofClass).toBeLessThan(0.2);
});

test.each(spacings)(
  "%i a doubling: slabs and gaps leave at most 2 %% behind the last slot",
  (perDoubling) => {
    const { sizes, slabUnits, gapUnits } = new SizeClasses(perDoubling);
    sizes.forEach((size, i) => {
      for (const units of [slabUnits[i]!, ...gapUnits[i]!]) {
        const bytes = units * UNIT_BYTES;
        expect(bytes).toBeGreaterThanOrEqual(size);
        expect(bytes % size).toBeLessThanOrEqual(bytes * 0.02);
        const slots = Math.floor(bytes / size);
        expect(slabWords(slots, size) * 32).toBeGreaterThanOrEqual(slots * (1 + 8 * wasteBytes(size)));
      }
    });
  },
);
