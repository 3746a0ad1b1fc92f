import fc from "fast-check";
import { expect, test } from "vitest";
import { beladyHitRatio } from "../bench/belady.js";
import { measureSpeed } from "../bench/byte-cache-speed.js";
import { CONTESTANTS, hitRatios } from "../bench/hit-ratio.js";
import { plotSvg } from "../bench/plot.js";
import { allTraces } from "../bench/traces.js";

/** The most hits that any choice of what to keep gives, tried out exhaustively. One byte a key. */
function mostHits(keys: readonly number[], budget: number): number {
  const known = new Map<string, number>();
  const best = (turn: number, held: readonly number[]): number => {
    if (turn === keys.length) return 0;
    const id = `${turn}:${held.join()}`;
    const before = known.get(id);
    if (before !== undefined) return before;
    const key = keys[turn]!;
    let most: number;
    if (held.includes(key)) most = 1 + best(turn + 1, held);
    else {
      most = best(turn + 1, held);
      if (held.length < budget) most = Math.max(most, best(turn + 1, [...held, key].sort()));
      for (const gone of held)
        most = Math.max(most, best(turn + 1, [...held.filter((other) => other !== gone), key].sort()));
    }
    known.set(id, most);
    return most;
  };
  return best(0, []);
}

test("Bélády's is the optimum: no choice of what to keep gives more hits", () => {
  const keys = fc.array(fc.nat(5), { minLength: 1, maxLength: 14 });
  fc.assert(
    fc.property(keys, fc.integer({ min: 1, max: 3 }), (list, budget) => {
      const trace = { name: "t", about: "", keys: Uint32Array.from(list), sizeOf: () => 1, budgetsBytes: [] };
      expect(Math.round(beladyHitRatio(trace, budget) * list.length)).toBe(mostHits(list, budget));
    }),
    { numRuns: 60 },
  );
});

test("both policies: at least LRU on every trace, five points more on scans and loops; LRU is lru-cache's", {
  timeout: 120_000,
}, () => {
  const requests = 400_000;
  const contestants = CONTESTANTS.filter(({ name }) => ["lru", "sieve", "w-tinylfu"].includes(name));
  for (const trace of allTraces(requests)) {
    // Every other budget, for time; the report runs them all.
    for (const budget of trace.budgetsBytes.filter((_, index) => index % 2 === 1)) {
      const { ratios } = hitRatios(trace, budget, contestants);
      const margin = /scan|loop/.test(trace.name) ? 0.05 : 0;
      for (const policy of ["sieve", "w-tinylfu"])
        expect([trace.name, budget, policy, ratios[policy]! - ratios.lru! >= margin]).toEqual([
          trace.name,
          budget,
          policy,
          true,
        ]);
      if (trace.name !== "sizes")
        for (const ratio of Object.values(ratios)) expect(ratio).toBeLessThanOrEqual(ratios.optimum!);
    }
  }
});

test("the comparison runs: same hits as lru-cache and mnemonist, and a plot of them", () => {
  const [zipf] = allTraces(20_000);
  const rows = [500, 1000].map((budget) => hitRatios(zipf!, budget));
  for (const { ratios } of rows) {
    expect(ratios.lru).toBe(ratios["lru-cache"]);
    expect(ratios.lru).toBe(ratios.mnemonist);
    expect(ratios.shared).toBeGreaterThan(ratios.lru!);
  }
  const svg = plotSvg([{ title: "zipf", rows }]);
  expect(svg.match(/<polyline/g)?.length).toBe(5);
});

test("the speed comparison runs and its subjects answer", () => {
  const rows = measureSpeed({ entries: 300, operations: 500, rounds: 1 });
  expect(rows.length).toBe(2 * 4 * 4);
  for (const { nanoseconds } of rows) expect(nanoseconds).toBeGreaterThan(0);
});
