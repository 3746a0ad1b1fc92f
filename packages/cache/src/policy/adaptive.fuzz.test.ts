import fc from "fast-check";
import { expect, test } from "vitest";
import { adaptiveSieve, adaptiveWTinyLfu } from "./adaptive.js";
import { LIMITS, observe, operations, policyConformance, type TestEntry } from "./policy.conformance.js";
import type { OnRemoved, Policy, PolicyLimits } from "./policy.js";

interface Entry extends TestEntry {
  sampled: boolean;
}

interface Adaptive extends Policy<string, Entry> {
  readonly setting: unknown;
}

type Maker = (limits: PolicyLimits, onRemoved: OnRemoved<string, Entry>) => Adaptive;

const MAKERS: Record<string, Maker> = {
  "adaptive sieve": adaptiveSieve,
  "adaptive w-tinylfu": adaptiveWTinyLfu,
};

for (const [name, make] of Object.entries(MAKERS)) {
  // The tests' entries get the field when they are stored.
  policyConformance(
    name,
    (limits, onRemoved) => make(limits, onRemoved as OnRemoved<string, Entry>) as never,
  );

  test(`${name}: starts as LRU, leaves it in a loop, comes back when the recent is what counts`, () => {
    const policy = make({ maxBytes: 100, maxEntries: 1000 }, () => {});
    const home = policy.setting;
    const request = (key: string) => {
      if (policy.get(key) !== undefined) return true;
      policy.set(key, { value: 0, bytes: 1, sampled: false });
      return false;
    };
    for (let turn = 0; turn < 20_000; turn++) request(`loop ${turn % 200}`);
    expect(policy.setting).not.toBe(home);
    let hits = 0;
    for (let turn = 0; turn < 200; turn++) if (request(`loop ${turn}`)) hits++;
    expect(hits).toBeGreaterThan(70);
    for (let turn = 0; turn < 100_000; turn++) request(`burst ${turn % 60} ${Math.floor(turn / 600)}`);
    expect(policy.setting).toBe(home);
  });

  test(`${name}: deleting and clearing on the way leave nothing behind`, () => {
    fc.assert(
      fc.property(operations, (list) => {
        const policy = make(LIMITS, () => {});
        observe(policy as never, [], list);
        for (const [key] of [...policy.entries()]) expect(policy.delete(key)).toBe(true);
        expect([policy.size, policy.bytes]).toEqual([0, 0]);
      }),
      { numRuns: 50 },
    );
  });
}
