import fc from "fast-check";
import { expect, test } from "vitest";
import { LruPolicy } from "./lru.js";
import {
  LIMITS,
  observe,
  operations,
  policyConformance,
  type Removal,
  type TestEntry,
} from "./policy.conformance.js";
import type { OnRemoved, Policy, PolicyLimits } from "./policy.js";

/** LRU as an array, least recent first. */
class LruModel implements Policy<string, TestEntry> {
  list: [string, TestEntry][] = [];
  readonly limits: PolicyLimits;
  readonly onRemoved: OnRemoved<string, TestEntry>;

  constructor(limits: PolicyLimits, onRemoved: OnRemoved<string, TestEntry>) {
    this.limits = limits;
    this.onRemoved = onRemoved;
  }

  get size() {
    return this.list.length;
  }

  get bytes() {
    return this.list.reduce((sum, [, entry]) => sum + entry.bytes, 0);
  }

  peek(key: string) {
    return this.list.find(([k]) => k === key)?.[1];
  }

  get(key: string) {
    const entry = this.peek(key);
    if (entry !== undefined) this.list = [...this.list.filter(([k]) => k !== key), [key, entry]];
    return entry;
  }

  set(key: string, entry: TestEntry) {
    const old = this.peek(key);
    if (old !== undefined) this.onRemoved(key, old, "replaced");
    this.delete(key);
    for (;;) {
      const overBytes = this.bytes + entry.bytes > this.limits.maxBytes;
      if (!overBytes && this.size < this.limits.maxEntries) break;
      const [goneKey, gone] = this.list.shift()!;
      this.onRemoved(goneKey, gone, overBytes ? "bytes" : "entries");
    }
    this.list.push([key, entry]);
    return true;
  }

  delete(key: string) {
    const before = this.size;
    this.list = this.list.filter(([k]) => k !== key);
    return this.size < before;
  }

  clear() {
    this.list = [];
  }

  entries() {
    return this.list.values();
  }
}

policyConformance("lru", (limits, onRemoved) => new LruPolicy(limits, onRemoved));

test("lru: equal to a plain array in order of use", () => {
  fc.assert(
    fc.property(operations, (list) => {
      const [real, model]: Removal[][] = [[], []];
      const policy = new LruPolicy<string, TestEntry>(LIMITS, (k, e, why) => real!.push([k, e.value, why]));
      const plain = new LruModel(LIMITS, (k, e, why) => model!.push([k, e.value, why]));
      expect(observe(policy, real!, list)).toEqual(observe(plain, model!, list));
    }),
    { numRuns: 200 },
  );
});

test("lru: a large entry budget is kept without allocating for it", () => {
  const maxEntries = 100_000;
  const policy = new LruPolicy<number, TestEntry>({ maxBytes: 1e10, maxEntries }, () => {});
  for (let key = 0; key < maxEntries + 10; key++) policy.set(key, { value: key, bytes: 1 });
  expect(policy.size).toBe(maxEntries);
  expect([policy.peek(9), policy.peek(10)?.value]).toEqual([undefined, 10]);
});
