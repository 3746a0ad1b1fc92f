import fc from "fast-check";
import { expect, test } from "vitest";
import {
  LIMITS,
  observe,
  operations,
  policyConformance,
  type Removal,
  type TestEntry,
} from "./policy.conformance.js";
import type { OnRemoved, Policy, PolicyLimits } from "./policy.js";
import { type SieveMode, SievePolicy } from "./sieve.js";

interface ModelNode {
  readonly key: string;
  entry: TestEntry;
  visited: boolean;
}

/** SIEVE as the paper's pseudo code tells it, over an array, oldest first; the hand is an index. */
class SieveModel implements Policy<string, TestEntry> {
  queue: ModelNode[] = [];
  hand = 0;
  mode: SieveMode;
  readonly limits: PolicyLimits;
  readonly onRemoved: OnRemoved<string, TestEntry>;
  readonly random: () => number;

  constructor(
    limits: PolicyLimits,
    onRemoved: OnRemoved<string, TestEntry>,
    mode: SieveMode,
    random: () => number,
  ) {
    this.limits = limits;
    this.onRemoved = onRemoved;
    this.mode = mode;
    this.random = random;
  }

  get size() {
    return this.queue.length;
  }

  get bytes() {
    return this.queue.reduce((sum, node) => sum + node.entry.bytes, 0);
  }

  find(key: string) {
    return this.queue.find((node) => node.key === key);
  }

  peek(key: string) {
    return this.find(key)?.entry;
  }

  get(key: string) {
    const node = this.find(key);
    if (node) this.use(node);
    return node?.entry;
  }

  use(node: ModelNode) {
    node.visited = true;
    if (this.mode !== "lru" || this.queue.at(-1) === node) return;
    this.remove(node);
    this.queue.push(node);
  }

  remove(node: ModelNode) {
    const at = this.queue.indexOf(node);
    this.queue.splice(at, 1);
    if (at < this.hand) this.hand--;
    // A hand that fell off the newest end goes to the oldest.
    if (this.hand >= this.size) this.hand = 0;
  }

  set(key: string, entry: TestEntry) {
    let node = this.find(key);
    const extra = node ? 0 : 1;
    if (node) {
      this.onRemoved(key, node.entry, "replaced");
      node.entry = entry;
      this.use(node);
    }
    const incoming = node ? 0 : entry.bytes;
    while (this.size > 0) {
      const overBytes = this.bytes + incoming > this.limits.maxBytes;
      if (!overBytes && this.size + extra <= this.limits.maxEntries) break;
      this.evict(node, overBytes ? "bytes" : "entries");
    }
    if (node) return true;
    node = { key, entry, visited: false };
    if (this.mode === "retain" && this.random() >= 1 / 32) {
      this.queue.unshift(node);
      // The hand stays with its entry; a hand that has none stands at the oldest.
      if (this.hand > 0) this.hand++;
    } else this.queue.push(node);
    return true;
  }

  evict(spared: ModelNode | undefined, reason: "bytes" | "entries") {
    let gone: ModelNode;
    if (this.mode === "sieve") {
      while (this.queue[this.hand]!.visited || this.queue[this.hand] === spared) {
        this.queue[this.hand]!.visited = false;
        this.hand = (this.hand + 1) % this.size;
      }
      gone = this.queue[this.hand]!;
    } else gone = this.queue.find((node) => node !== spared)!;
    this.remove(gone);
    this.onRemoved(gone.key, gone.entry, reason);
  }

  delete(key: string) {
    const node = this.find(key);
    if (node) this.remove(node);
    return node !== undefined;
  }

  clear() {
    this.queue = [];
    this.hand = 0;
  }

  entries() {
    return this.queue.map((node): [string, TestEntry] => [node.key, node.entry]).values();
  }
}

/** The same numbers for both, often enough below 1/32. */
function dice() {
  let state = 5;
  return () => {
    state = (state * 1103515245 + 12345) % 2147483648;
    return (state / 2147483648) ** 2;
  };
}

const MODES: readonly SieveMode[] = ["sieve", "lru", "retain"];

for (const mode of MODES) {
  policyConformance(`sieve (${mode})`, (limits, onRemoved) => new SievePolicy(limits, onRemoved, { mode }));

  test(`sieve (${mode}): equal to the pseudo code over an array`, () => {
    fc.assert(
      fc.property(operations, (list) => {
        const [real, model]: Removal[][] = [[], []];
        const policy = new SievePolicy<string, TestEntry>(
          LIMITS,
          (k, e, why) => real!.push([k, e.value, why]),
          {
            mode,
            random: dice(),
          },
        );
        const plain = new SieveModel(LIMITS, (k, e, why) => model!.push([k, e.value, why]), mode, dice());
        expect(observe(policy, real!, list)).toEqual(observe(plain, model!, list));
      }),
      { numRuns: 150 },
    );
  });
}

test("sieve: budgets and order hold when the mode changes on the way", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(operations, fc.constantFrom(...MODES)), { maxLength: 6 }), (parts) => {
      const removed = new Set<TestEntry>();
      const policy = new SievePolicy<string, TestEntry>(LIMITS, (_, entry) => removed.add(entry));
      for (const [list, mode] of parts) {
        policy.mode = mode;
        observe(policy, [], list);
        const entries = [...policy.entries()];
        expect(entries.length).toBe(policy.size);
        expect(entries.reduce((sum, [, entry]) => sum + entry.bytes, 0)).toBe(policy.bytes);
        expect(policy.bytes).toBeLessThanOrEqual(LIMITS.maxBytes);
        for (const [, entry] of entries) expect(removed.has(entry)).toBe(false);
      }
    }),
    { numRuns: 100 },
  );
});

test("sieve: the worked example of the paper", () => {
  const removed: string[] = [];
  const policy = new SievePolicy<string, TestEntry>({ maxBytes: 7, maxEntries: 7 }, (key) =>
    removed.push(key),
  );
  const request = (key: string) => policy.get(key) ?? policy.set(key, { value: 0, bytes: 1 });
  // Queue, newest first: G F E D C B A, with A, B and G visited.
  for (const key of "ABCDEFGABG") request(key);
  // H takes out C (A and B are spared); A and D are hits; I takes out E (D is spared); B is a hit.
  for (const key of "HADIBJ") request(key);
  expect(removed).toEqual(["C", "E", "F"]);
});
