import { expect, test } from "vitest";
import { mix32 } from "./key-hash.js";
import { SievePolicy } from "./sieve.js";
import { Tournament } from "./tournament.js";

const hashKey = (key: unknown): number => mix32(key as number);

function lruAgainstRetain() {
  return new Tournament<"lru" | "retain">({ maxBytes: 100, maxEntries: 1000 }, hashKey, [
    { setting: "lru", make: (limits) => new SievePolicy(limits, () => {}, { mode: "lru" }) },
    { setting: "retain", make: (limits) => new SievePolicy(limits, () => {}, { mode: "retain" }) },
  ]);
}

/** What a cache of nothing would tell: each request misses and is then stored. */
function replay(tournament: Tournament<string>, keys: Iterable<number>): void {
  for (const key of keys) {
    if (!tournament.samples(hashKey(key))) continue;
    tournament.request(key, undefined);
    tournament.stored(key, 1);
  }
}

test("the first setting wins until another does better, and again when that does not", () => {
  const tournament = lruAgainstRetain();
  expect(tournament.winner).toBe("lru");
  const loop = Array.from({ length: 5000 }, (_, turn) => turn % 200);
  replay(tournament, loop);
  expect(tournament.winner).toBe("retain");
  // Short bursts on ever new keys: only LRU hits.
  const bursts = Array.from(
    { length: 60_000 },
    (_, turn) => 1000 + (turn % 20) + 20 * Math.floor(turn / 400),
  );
  replay(tournament, bursts);
  expect(tournament.winner).toBe("lru");
});

test("about half of the keys are sampled first, fewer as the shadows fill, and never one again that was out", () => {
  const tournament = new Tournament<string>({ maxBytes: 1e6, maxEntries: 1e6 }, hashKey, [
    { setting: "lru", make: (limits) => new SievePolicy(limits, () => {}, { mode: "lru" }) },
  ]);
  const keys = Array.from({ length: 50_000 }, (_, key) => key);
  const sampled = () => new Set(keys.filter((key) => tournament.samples(hashKey(key))));
  const before = sampled();
  expect(before.size / keys.length).toBeCloseTo(0.5, 1);
  replay(tournament, keys);
  const after = sampled();
  expect(after.size).toBeLessThan(600);
  expect(after.size).toBeGreaterThan(100);
  for (const key of after) expect(before.has(key)).toBe(true);
});

test("entries that are larger than a scaled budget do no harm", () => {
  const tournament = lruAgainstRetain();
  const key = [...Array(100).keys()].find((candidate) => tournament.samples(hashKey(candidate)))!;
  tournament.stored(key, 100);
  tournament.request(key, 100);
  tournament.deleted(key);
  tournament.clear();
  expect(tournament.winner).toBe("lru");
});
