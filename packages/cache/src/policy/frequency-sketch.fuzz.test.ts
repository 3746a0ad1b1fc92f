import fc from "fast-check";
import { expect, test } from "vitest";
import { FrequencySketch } from "./frequency-sketch.js";
import { defaultKeyHash, mix32 } from "./key-hash.js";

test("an estimate is never below the true count while nothing is aged", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 60 }), { maxLength: 600, size: "max" }), (keys) => {
      const sketch = new FrequencySketch();
      const counts = new Map<number, number>();
      for (const key of keys) {
        sketch.increment(mix32(key));
        counts.set(key, (counts.get(key) ?? 0) + 1);
      }
      for (const [key, count] of counts) {
        const estimate = sketch.estimate(mix32(key));
        expect(estimate).toBeGreaterThanOrEqual(Math.min(15, count));
        expect(estimate).toBeLessThanOrEqual(15);
      }
    }),
  );
});

test("growing keeps the counts", () => {
  const sketch = new FrequencySketch();
  for (let key = 0; key < 40; key++) for (let n = 0; n <= key % 7; n++) sketch.increment(mix32(key));
  const before = Array.from({ length: 40 }, (_, key) => sketch.estimate(mix32(key)));
  sketch.ensureCapacity(5000);
  expect(Array.from({ length: 40 }, (_, key) => sketch.estimate(mix32(key)))).toEqual(before);
  expect(sketch.byteLength).toBe(8192 * 4);
});

test("estimates are exact for few keys in a large table", () => {
  const sketch = new FrequencySketch();
  sketch.ensureCapacity(100_000);
  for (let key = 0; key < 1000; key++) for (let n = 0; n < key % 12; n++) sketch.increment(mix32(key));
  let wrong = 0;
  for (let key = 0; key < 1000; key++) if (sketch.estimate(mix32(key)) !== key % 12) wrong++;
  expect(wrong).toBeLessThan(5);
});

test("counts are halved after ten additions a word: the old fades", () => {
  const sketch = new FrequencySketch();
  for (let n = 0; n < 12; n++) sketch.increment(mix32(1));
  expect(sketch.estimate(mix32(1))).toBe(12);
  for (let n = 0; n < 64 * 10; n++) sketch.increment(mix32(1000 + n));
  expect(sketch.estimate(mix32(1))).toBeLessThan(12);
});

test("keys of every type hash by identity or value", () => {
  const hash = defaultKeyHash();
  const [a, b] = [{}, {}];
  expect(hash(a)).toBe(hash(a));
  expect(hash(a)).not.toBe(hash(b));
  expect(hash("/index.html")).toBe(defaultKeyHash()("/index.html"));
  expect(hash(0.5)).not.toBe(hash(0.25));
  expect(new Set(Array.from({ length: 10_000 }, (_, i) => hash(`/a/${i}`))).size).toBeGreaterThan(9_990);
  for (const key of [undefined, null, true, 12n, Symbol("x"), () => 1, Number.NaN, 1e300])
    expect(hash(key)).toBe(hash(key));
});
