import fc from "fast-check";
import { expect, test } from "vitest";
import type { Policy, PolicyMaker, RemovalReason } from "./policy.js";

/** What the tests store. */
export interface TestEntry {
  readonly value: number;
  readonly bytes: number;
}

export type Operation =
  | { readonly op: "set"; readonly key: string; readonly bytes: number }
  | { readonly op: "get" | "peek" | "delete"; readonly key: string }
  | { readonly op: "clear" };

export const LIMITS = { maxBytes: 100, maxEntries: 12 };

/** Among them names that are special on plain objects. */
const KEYS = ["__proto__", "constructor", "", ...Array.from({ length: 22 }, (_, i) => `k${i}`)];

const key = fc.constantFrom(...KEYS);
const operation: fc.Arbitrary<Operation> = fc.oneof(
  {
    weight: 10,
    arbitrary: fc.record({ op: fc.constant("set" as const), key, bytes: fc.integer({ min: 1, max: 100 }) }),
  },
  {
    weight: 20,
    arbitrary: fc.record({ op: fc.constant("set" as const), key, bytes: fc.integer({ min: 1, max: 12 }) }),
  },
  { weight: 30, arbitrary: fc.record({ op: fc.constant("get" as const), key }) },
  { weight: 3, arbitrary: fc.record({ op: fc.constant("peek" as const), key }) },
  { weight: 3, arbitrary: fc.record({ op: fc.constant("delete" as const), key }) },
  { weight: 1, arbitrary: fc.constant({ op: "clear" as const }) },
);

export const operations = fc.array(operation, { maxLength: 400, size: "max" });

/** A removal as tests compare it. */
export type Removal = readonly [key: string, value: number, reason: RemovalReason];

/** Runs operations and records all that can be seen from outside. */
export function observe(
  policy: Policy<string, TestEntry>,
  removals: Removal[],
  list: readonly Operation[],
): unknown[] {
  return list.map((operation, turn) => {
    removals.length = 0;
    let result: unknown;
    if (operation.op === "set") result = policy.set(operation.key, { value: turn, bytes: operation.bytes });
    else if (operation.op === "clear") policy.clear();
    else if (operation.op === "delete") result = policy.delete(operation.key);
    else result = policy[operation.op](operation.key)?.value;
    const entries = Array.from(policy.entries(), ([key, entry]) => [key, entry.value]);
    return [operation, result, policy.size, policy.bytes, entries, [...removals]];
  });
}

/** What every policy must keep, whatever it keeps in the cache. */
export function policyConformance(name: string, make: PolicyMaker<string, TestEntry>): void {
  test(`${name}: budgets hold, bytes add up, nothing vanishes untold`, () => {
    fc.assert(
      fc.property(operations, (list) => {
        const there = new Map<string, TestEntry>();
        const policy = make(LIMITS, (key, entry, reason) => {
          // Each entry leaves once, and only one that is there (or that is just being set).
          if (reason !== "replaced") expect(there.get(key)).toBe(entry);
          if (there.get(key) === entry) there.delete(key);
        });
        list.forEach((operation, turn) => {
          if (operation.op === "set") {
            const entry = { value: turn, bytes: operation.bytes };
            const before = there.get(operation.key);
            there.set(operation.key, entry);
            const stored = policy.set(operation.key, entry);
            expect(stored).toBe(there.get(operation.key) === entry);
            expect(before === undefined || before !== there.get(operation.key)).toBe(true);
          } else if (operation.op === "clear") {
            policy.clear();
            there.clear();
          } else if (operation.op === "delete") {
            expect(policy.delete(operation.key)).toBe(there.delete(operation.key));
          } else {
            expect(policy[operation.op](operation.key)).toBe(there.get(operation.key));
          }
          expect(policy.size).toBe(there.size);
          expect(policy.size).toBeLessThanOrEqual(LIMITS.maxEntries);
          expect(policy.bytes).toBe([...there.values()].reduce((sum, entry) => sum + entry.bytes, 0));
          expect(policy.bytes).toBeLessThanOrEqual(LIMITS.maxBytes);
        });
        expect(new Map(policy.entries())).toEqual(there);
      }),
      { numRuns: 60 },
    );
  });

  test(`${name}: any value is a key, as in a Map`, () => {
    const keys: unknown[] = [undefined, null, Number.NaN, -0, 1n, "1", 1, true, Symbol("s"), {}, [], () => 0];
    const policy = (make as unknown as PolicyMaker<unknown, TestEntry>)(
      { maxBytes: 1000, maxEntries: 100 },
      () => {},
    );
    for (const [value, key] of keys.entries()) policy.set(key, { value, bytes: 1 });
    for (const [value, key] of keys.entries()) expect(policy.get(key)?.value).toBe(value);
    expect(policy.get({})).toBeUndefined();
  });

  test(`${name}: an entry as large as the budget is stored, alone`, () => {
    const policy = make(LIMITS, () => {});
    for (let round = 0; round < 3; round++) {
      policy.clear();
      expect(policy.set("large", { value: 1, bytes: LIMITS.maxBytes })).toBe(true);
      expect(policy.bytes).toBe(LIMITS.maxBytes);
    }
  });
}
