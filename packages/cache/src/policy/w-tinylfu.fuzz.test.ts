import fc from "fast-check";
import { expect, test } from "vitest";
import { FrequencySketch } from "./frequency-sketch.js";
import { defaultKeyHash } from "./key-hash.js";
import { LruPolicy } from "./lru.js";
import {
  LIMITS,
  observe,
  operations,
  policyConformance,
  type Removal,
  type TestEntry,
} from "./policy.conformance.js";
import type { OnRemoved, Policy, PolicyLimits, RemovalReason } from "./policy.js";
import { WTinyLfuPolicy } from "./w-tinylfu.js";

type Item = readonly [key: string, entry: TestEntry];

const bytesOf = (items: readonly Item[]) => items.reduce((sum, [, entry]) => sum + entry.bytes, 0);

/** W-TinyLFU over three arrays, oldest first. The sketch has a test of its own. */
class WTinyLfuModel implements Policy<string, TestEntry> {
  parts: { window: Item[]; probation: Item[]; protected: Item[] } = {
    window: [],
    probation: [],
    protected: [],
  };
  readonly sketch = new FrequencySketch();
  windowShare: number;
  readonly hash = defaultKeyHash();
  readonly limits: PolicyLimits;
  readonly onRemoved: OnRemoved<string, TestEntry>;
  readonly random: () => number;

  constructor(
    limits: PolicyLimits,
    onRemoved: OnRemoved<string, TestEntry>,
    random: () => number,
    windowShare: number,
  ) {
    this.windowShare = windowShare;
    this.limits = limits;
    this.onRemoved = onRemoved;
    this.random = random;
  }

  get all(): Item[] {
    return [...this.parts.probation, ...this.parts.window, ...this.parts.protected];
  }

  get size() {
    return this.all.length;
  }

  get bytes() {
    return bytesOf(this.all);
  }

  peek(key: string) {
    return this.all.find(([k]) => k === key)?.[1];
  }

  partOf(key: string) {
    return (["window", "probation", "protected"] as const).find((p) =>
      this.parts[p].some(([k]) => k === key),
    )!;
  }

  take(key: string): Item {
    const part = this.parts[this.partOf(key)];
    return part.splice(
      part.findIndex(([k]) => k === key),
      1,
    )[0]!;
  }

  over(items: readonly Item[], share: number) {
    const { maxBytes, maxEntries } = this.limits;
    const tooMany = items.length > Math.max(1, Math.floor(maxEntries * share));
    return items.length > 0 && (bytesOf(items) > Math.floor(maxBytes * share) || tooMany);
  }

  use(key: string) {
    this.sketch.increment(this.hash(key));
    const part = this.windowShare === 1 || this.partOf(key) === "window" ? "window" : "protected";
    const wasProbation = this.partOf(key) === "probation";
    this.parts[part].push(this.take(key));
    const { parts } = this;
    while (wasProbation && part === "protected" && this.over(parts.protected, 0.8 * (1 - this.windowShare)))
      parts.probation.push(parts.protected.shift()!);
  }

  get(key: string) {
    const entry = this.peek(key);
    if (entry !== undefined) this.use(key);
    return entry;
  }

  set(key: string, entry: TestEntry) {
    const old = this.peek(key);
    if (old !== undefined) {
      this.onRemoved(key, old, "replaced");
      const part = this.parts[this.partOf(key)];
      this.take(key);
      part.push([key, entry]);
      this.use(key);
    } else {
      this.parts.window.push([key, entry]);
      this.sketch.ensureCapacity(this.size);
      this.sketch.increment(this.hash(key));
    }
    this.trim();
    return this.peek(key) === entry;
  }

  reason(): RemovalReason | undefined {
    if (this.bytes > this.limits.maxBytes) return "bytes";
    return this.size > this.limits.maxEntries ? "entries" : undefined;
  }

  trim() {
    const { parts } = this;
    const newcomers: Item[] = [];
    while (this.windowShare < 1 && newcomers.length < 64 && this.over(parts.window, this.windowShare))
      newcomers.push(parts.window.shift()!);
    parts.probation.push(...newcomers);
    for (const newcomer of newcomers) if (this.reason()) this.contest(newcomer);
    for (let why = this.reason(); why; why = this.reason())
      this.evict([...parts.probation, ...parts.protected, ...parts.window][0]!, why);
  }

  contest(newcomer: Item) {
    const why = this.reason()!;
    const { probation } = this.parts;
    const candidates = [...probation.slice(0, probation.indexOf(newcomer)), ...this.parts.protected];
    const overBytes = this.bytes - this.limits.maxBytes;
    const overEntries = this.size - this.limits.maxEntries;
    // The least number of candidates that makes room.
    const enough = candidates.findIndex(
      (_, i) => bytesOf(candidates.slice(0, i + 1)) >= overBytes && i + 1 >= overEntries,
    );
    const victims = candidates.slice(0, enough + 1);
    const estimates = victims.map(([k]) => this.sketch.estimate(this.hash(k)));
    const frequency = this.sketch.estimate(this.hash(newcomer[0]));
    // All but the last victim are together less frequent: else the search stopped before there was enough.
    const reached = enough >= 0 && estimates.slice(0, -1).reduce((a, b) => a + b, 0) < frequency;
    const wins = reached && estimates.reduce((a, b) => a + b, 0) < frequency;
    const lucky = reached && frequency >= 6 && this.random() < 1 / 128;
    if (wins || lucky) for (const victim of victims) this.evict(victim, why);
    else this.evict(newcomer, "admission");
  }

  evict(item: Item, reason: RemovalReason) {
    this.take(item[0]);
    this.onRemoved(item[0], item[1], reason);
  }

  delete(key: string) {
    if (this.peek(key) === undefined) return false;
    this.take(key);
    return true;
  }

  clear() {
    this.parts = { window: [], probation: [], protected: [] };
    this.sketch.clear();
  }

  entries() {
    return this.all.map(([k, e]): [string, TestEntry] => [k, e]).values();
  }
}

/** The same numbers for both, often enough below 1/128. */
function dice() {
  let state = 7;
  return () => {
    state = (state * 1103515245 + 12345) % 2147483648;
    return (state / 2147483648) ** 4;
  };
}

const SHARES = [0.01, 0.3, 1];

for (const windowShare of SHARES) {
  policyConformance(
    `w-tinylfu (window ${windowShare})`,
    (limits, onRemoved) => new WTinyLfuPolicy(limits, onRemoved, { windowShare }),
  );

  test(`w-tinylfu (window ${windowShare}): equal to the same rules over arrays`, () => {
    fc.assert(
      fc.property(operations, (list) => {
        const [real, model]: Removal[][] = [[], []];
        const policy = new WTinyLfuPolicy<string, TestEntry>(
          LIMITS,
          (k, e, why) => real!.push([k, e.value, why]),
          {
            random: dice(),
            windowShare,
          },
        );
        const told: OnRemoved<string, TestEntry> = (k, e, why) => model!.push([k, e.value, why]);
        const plain = new WTinyLfuModel(LIMITS, told, dice(), windowShare);
        expect(observe(policy, real!, list)).toEqual(observe(plain, model!, list));
      }),
      { numRuns: 150 },
    );
  });
}

test("w-tinylfu: equal over a long run in which the window changes", () => {
  const limits = { maxBytes: 1000, maxEntries: 150 };
  const [real, model]: Removal[][] = [[], []];
  const policy = new WTinyLfuPolicy<string, TestEntry>(limits, (k, e, why) => real!.push([k, e.value, why]), {
    random: dice(),
  });
  const plain = new WTinyLfuModel(limits, (k, e, why) => model!.push([k, e.value, why]), dice(), 0.01);
  const draw = dice();
  let hits = 0;
  for (let turn = 0; turn < 12_000; turn++) {
    if (turn % 1500 === 0) policy.windowShare = plain.windowShare = SHARES[(turn / 1500) % 3]!;
    const key = `k${Math.floor(draw() * 400) + (turn >> 11)}`;
    const [a, b] = [policy.get(key), plain.get(key)];
    expect(a?.value).toBe(b?.value);
    if (a !== undefined) hits++;
    else {
      const bytes = 1 + (turn % 13);
      expect(policy.set(key, { value: turn, bytes })).toBe(plain.set(key, { value: turn, bytes }));
    }
  }
  expect(Array.from(policy.entries(), ([k]) => k)).toEqual(Array.from(plain.entries(), ([k]) => k));
  expect(real).toEqual(model);
  expect(hits).toBeGreaterThan(2000);
});

test("w-tinylfu: with all of the budget as window it is LRU", () => {
  fc.assert(
    fc.property(operations, (list) => {
      const [tiny, lru]: Removal[][] = [[], []];
      const all = new WTinyLfuPolicy<string, TestEntry>(
        LIMITS,
        (k, e, why) => tiny!.push([k, e.value, why]),
        {
          windowShare: 1,
        },
      );
      const least = new LruPolicy<string, TestEntry>(LIMITS, (k, e, why) => lru!.push([k, e.value, why]));
      // One removes before it adds and the other after, so only what is there is compared.
      const there = (policy: Policy<string, TestEntry>, removals: Removal[]) =>
        observe(policy, removals, list).map((seen) => (seen as unknown[]).slice(0, 5));
      expect(there(all, tiny!)).toEqual(there(least, lru!));
    }),
    { numRuns: 100 },
  );
});
