import { LRUCache } from "lru-cache";
import { LRUMap as MnemonistLru } from "mnemonist";
import { adaptiveSieve, adaptiveWTinyLfu } from "../src/policy/adaptive.js";
import { LruPolicy } from "../src/policy/lru.js";
import type { Policy, PolicyLimits } from "../src/policy/policy.js";
import { SharedCache } from "../src/shared/shared-cache.js";
import { beladyHitRatio } from "./belady.js";
import { seeded, type Trace } from "./traces.js";

/** What the comparison needs of a cache: one request, answering whether it was a hit. */
type Request = (key: number) => boolean;

interface Contestant {
  readonly name: string;
  /** `undefined` where the cache cannot be held to the budget. */
  readonly start: (trace: Trace, budgetBytes: number) => Request | undefined;
}

/** A hit when the key is there; else stores it. */
function fetched(
  cache: { get(key: number): unknown; set(key: number, value: true): unknown },
  key: number,
): boolean {
  if (cache.get(key) !== undefined) return true;
  cache.set(key, true);
  return false;
}

interface KeyedEntry {
  readonly bytes: number;
  sampled: boolean;
}

function byPolicy(make: (limits: PolicyLimits) => Policy<number, KeyedEntry>): Contestant["start"] {
  return (trace, budgetBytes) => {
    const policy = make({ maxBytes: budgetBytes, maxEntries: 16_000_000 });
    return (key) => {
      if (policy.get(key) !== undefined) return true;
      const bytes = trace.sizeOf(key);
      if (bytes <= budgetBytes) policy.set(key, { bytes, sampled: false });
      return false;
    };
  };
}

const nobody = (): void => {};

export const CONTESTANTS: readonly Contestant[] = [
  { name: "lru", start: byPolicy((limits) => new LruPolicy(limits, nobody)) },
  { name: "sieve", start: byPolicy((limits) => adaptiveSieve(limits, nobody, { random: seeded(98) })) },
  {
    name: "w-tinylfu",
    start: byPolicy((limits) => adaptiveWTinyLfu(limits, nobody, { random: seeded(99) })),
  },
  {
    name: "shared",
    // One-byte entries, held to the budget by their number.
    start: (trace, budgetBytes) => {
      if (trace.name === "sizes") return undefined;
      const options = { maxBytes: 4 << 20, maxEntries: budgetBytes, maxWorkers: 1 };
      const memory = new ArrayBuffer(SharedCache.byteLength(options));
      SharedCache.create(memory, options);
      const cache = SharedCache.attach(memory);
      const value = new Uint8Array(1);
      return (key) => {
        const name = `/${key}`;
        const handle = cache.pin(name, 1);
        if (handle !== SharedCache.NONE) cache.unpin(handle);
        else cache.insert(name, 1, value);
        return handle !== SharedCache.NONE;
      };
    },
  },
  {
    name: "lru-cache",
    start: (trace, budgetBytes) => {
      const cache = new LRUCache<number, true>({
        maxSize: budgetBytes,
        sizeCalculation: (_, key) => trace.sizeOf(key),
      });
      return (key) => fetched(cache, key);
    },
  },
  {
    name: "mnemonist",
    // Counts entries only: it can take part where every entry has one byte.
    start: (trace, budgetBytes) => {
      if (trace.name === "sizes") return undefined;
      const cache = new MnemonistLru<number, true>(budgetBytes);
      return (key) => fetched(cache, key);
    },
  },
];

export interface HitRatioRow {
  readonly trace: string;
  readonly budgetBytes: number;
  /** Hits divided by requests, by contestant; `optimum` is Bélády's. */
  readonly ratios: Readonly<Record<string, number>>;
}

/** Runs one trace at one budget through every contestant. */
export function hitRatios(trace: Trace, budgetBytes: number, contestants = CONTESTANTS): HitRatioRow {
  const ratios: Record<string, number> = {};
  for (const { name, start } of contestants) {
    const request = start(trace, budgetBytes);
    if (request === undefined) continue;
    let hits = 0;
    for (const key of trace.keys) if (request(key)) hits++;
    ratios[name] = hits / trace.keys.length;
  }
  ratios.optimum = beladyHitRatio(trace, budgetBytes);
  return { trace: trace.name, budgetBytes, ratios };
}
