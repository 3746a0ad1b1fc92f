import { zipfSampler } from "./zipf.js";

/** A recorded sequence of requests: keys, and how large each key's value is. */
export interface Trace {
  readonly name: string;
  readonly about: string;
  /** One key per request. */
  readonly keys: Uint32Array;
  /** Size in bytes by key. */
  readonly sizeOf: (key: number) => number;
  /** Budgets at which policies are compared. */
  readonly budgetsBytes: readonly number[];
}

/** A small, fast generator of numbers in [0, 1) (mulberry32): the same seed, the same trace, on every machine. */
export function seeded(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

const UNIT_BYTES = 1;
const unit = (): number => UNIT_BYTES;

function fill(requests: number, next: (turn: number) => number): Uint32Array {
  const keys = new Uint32Array(requests);
  for (let turn = 0; turn < requests; turn++) keys[turn] = next(turn);
  return keys;
}

/** Independent requests, popularity 1 / rank^0.9: what web traffic looks like over a short time. */
export function zipfTrace(requests: number, seed = 0): Trace {
  const sample = zipfSampler(50_000, 0.9, seeded(seed + 1));
  return {
    name: "zipf",
    about: "50,000 keys, popularity 1 / rank^0.9",
    keys: fill(requests, sample),
    sizeOf: unit,
    budgetsBytes: [250, 500, 1000, 2500, 5000, 10_000],
  };
}

/** Zipf traffic, and every now and then something walks over keys that nobody asks for again: a backup, a crawler. */
export function scanTrace(requests: number, seed = 0): Trace {
  const sample = zipfSampler(10_000, 0.9, seeded(seed + 2));
  const random = seeded(seed + 3);
  let scanned = 100_000;
  let left = 0;
  return {
    name: "scan",
    about: "10,000 keys by Zipf 0.9, half of the requests in scans of 4,000 keys used once",
    keys: fill(requests, () => {
      if (left === 0 && random() < 1 / 4000) left = 4000;
      if (left === 0) return sample();
      left--;
      return scanned++;
    }),
    sizeOf: unit,
    budgetsBytes: [250, 500, 1000, 2000, 4000],
  };
}

/** Round and round over more keys than fit: LRU always throws out what comes next. */
export function loopTrace(requests: number): Trace {
  return {
    name: "loop",
    about: "5,000 keys in order, again and again",
    keys: fill(requests, (turn) => turn % 5000),
    sizeOf: unit,
    budgetsBytes: [500, 1000, 2000, 4000],
  };
}

/** A loop that shares the cache with a hot set: a job that re-reads all files of a site that has visitors. */
export function hotLoopTrace(requests: number, seed = 0): Trace {
  const sample = zipfSampler(2000, 0.9, seeded(seed + 4));
  const random = seeded(seed + 5);
  let next = 0;
  return {
    name: "hot + loop",
    about: "half of the requests to 2,000 keys by Zipf 0.9, half in a loop over 8,000 others",
    keys: fill(requests, () => (random() < 0.5 ? sample() : 10_000 + (next++ % 8000))),
    sizeOf: unit,
    budgetsBytes: [250, 500, 1000, 2000, 4000],
  };
}

/** What is popular changes altogether every so often: news. */
export function shiftTrace(requests: number, seed = 0): Trace {
  const sample = zipfSampler(5000, 0.9, seeded(seed + 6));
  const period = 20_000;
  return {
    name: "shift",
    about: "5,000 keys by Zipf 0.9, replaced by 5,000 others every 20,000 requests",
    keys: fill(requests, (turn) => Math.floor(turn / period) * 5000 + sample()),
    sizeOf: unit,
    budgetsBytes: [100, 250, 500, 1000, 2500],
  };
}

/** Zipf traffic over files whose sizes are log-normal, as the files of web sites are: budgets in bytes. */
export function sizesTrace(requests: number, seed = 0): Trace {
  const keyCount = 20_000;
  const sample = zipfSampler(keyCount, 0.9, seeded(seed + 7));
  const random = seeded(seed + 8);
  const sizes = new Uint32Array(keyCount);
  for (let key = 0; key < keyCount; key++) {
    const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
    sizes[key] = Math.min(1 << 20, Math.max(100, Math.round(Math.exp(9 + 1.4 * normal))));
  }
  const MiB = 1 << 20;
  return {
    name: "sizes",
    about: "20,000 files by Zipf 0.9, sizes log-normal (median 8 KB, mean 21 KB)",
    keys: fill(requests, sample),
    sizeOf: (key) => sizes[key]!,
    budgetsBytes: [4 * MiB, 16 * MiB, 64 * MiB, 128 * MiB],
  };
}

/** @param seed another one, other traces of the same kinds: the policies were tuned on those of 0 */
export function allTraces(requests: number, seed = 0): Trace[] {
  return [zipfTrace, scanTrace, loopTrace, hotLoopTrace, shiftTrace, sizesTrace].map((make) =>
    make(requests, seed),
  );
}
