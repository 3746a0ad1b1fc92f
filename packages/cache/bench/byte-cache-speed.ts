/**
 * `ByteCache` against bare `lru-cache` with the same budget, in one process, alternating, several rounds: the median
 * of the ratios of throughput. `node --import tsx --conditions=@tz/source packages/cache/bench/byte-cache-speed.ts`
 */
import { LRUCache } from "lru-cache";
import { ByteCache } from "../src/byte-cache.js";
import type { PolicyName } from "../src/policy/choose.js";
import { median, nanosecondsEach } from "./median.js";
import { seeded } from "./traces.js";
import { zipfSampler } from "./zipf.js";

interface Body {
  readonly byteLength: number;
}

interface Subject {
  get(key: string): Body | undefined;
  set(key: string, body: Body): void;
}

export interface SpeedOptions {
  readonly entries: number;
  readonly operations: number;
  readonly rounds: number;
}

export interface SpeedRow {
  readonly work: string;
  readonly subject: string;
  /** Median over the rounds. */
  readonly nanoseconds: number;
  /** Throughput as a share of bare lru-cache's in the same round; median, least, most. */
  readonly ratio: number;
  readonly ratioMin: number;
  readonly ratioMax: number;
}

const BODY_BYTES = 1024;

function bare(maxBytes: number, ttlMs: number): Subject {
  const cache = new LRUCache<string, Body>({
    maxSize: maxBytes,
    max: 1_000_000,
    ...(ttlMs > 0 ? { ttl: ttlMs } : {}),
  });
  return {
    get: (key) => cache.get(key),
    set: (key, body) => void cache.set(key, body, { size: body.byteLength }),
  };
}

function ours(maxBytes: number, ttlMs: number, policy: PolicyName): Subject {
  const cache = new ByteCache<string, Body>({ maxBytes, policy, ttlMs });
  return { get: (key) => cache.get(key), set: (key, body) => void cache.set(key, body) };
}

const SUBJECTS: Record<string, (maxBytes: number, ttlMs: number) => Subject> = {
  "lru-cache": bare,
  "ByteCache lru": (maxBytes, ttlMs) => ours(maxBytes, ttlMs, "lru"),
  "ByteCache sieve": (maxBytes, ttlMs) => ours(maxBytes, ttlMs, "sieve"),
  "ByteCache w-tinylfu": (maxBytes, ttlMs) => ours(maxBytes, ttlMs, "w-tinylfu"),
};

/** Runs every kind of work on every subject; refuses to time a subject that answers wrongly. */
export function measureSpeed({ entries, operations, rounds }: SpeedOptions): SpeedRow[] {
  const keys = Array.from({ length: entries * 2 }, (_, index) => `/assets/path/to/file-${index}.css`);
  // Another object in each round: lru-cache does less when the value is the one that it has.
  const generations = [0, 1].map(() => keys.map((): Body => ({ byteLength: BODY_BYTES })));
  const hot = zipfSampler(entries, 0.9, seeded(1));
  const order = Uint32Array.from({ length: operations }, hot);
  const maxBytes = Math.max(1 << 20, entries * BODY_BYTES);
  const kinds: Record<string, (subject: Subject, round: number) => number> = {
    "get, hit": (subject) => {
      let found = 0;
      for (let i = 0; i < operations; i++) if (subject.get(keys[order[i]!]!) !== undefined) found++;
      return found;
    },
    "set, replace": (subject, round) => {
      const bodies = generations[round % 2]!;
      for (let i = 0; i < operations; i++) subject.set(keys[order[i]!]!, bodies[order[i]!]!);
      return operations;
    },
    "set, evict": (subject, round) => {
      const bodies = generations[round % 2]!;
      // Twice as many keys as fit, in order: every one is new and pushes another out.
      const start = (round * operations) % keys.length;
      for (let i = 0; i < operations; i++) {
        const at = (start + i) % keys.length;
        subject.set(keys[at]!, bodies[at]!);
      }
      return operations;
    },
    "get else set, Zipf": (subject, round) => {
      const bodies = generations[round % 2]!;
      let answered = 0;
      for (let i = 0; i < operations; i++) {
        const at = order[i]! * 2;
        if (subject.get(keys[at]!) === undefined) subject.set(keys[at]!, bodies[at]!);
        answered++;
      }
      return answered;
    },
  };
  return [0, 3_600_000].flatMap((ttlMs) =>
    Object.entries(kinds).flatMap(([kind, work]) => {
      const subjects = Object.entries(SUBJECTS).map(([name, make]) => {
        const subject = make(maxBytes, ttlMs);
        for (let at = 0; at < entries; at++) subject.set(keys[at]!, generations[1]![at]!);
        for (let at = 0; at < entries; at++) subject.get(keys[at]!);
        return { name, subject, times: [] as number[] };
      });
      for (let round = 0; round <= rounds; round++) {
        for (const { name, subject, times } of subjects) {
          let done = 0;
          const nanoseconds = nanosecondsEach(operations, () => {
            done = work(subject, round);
          });
          if (done !== operations) throw new Error(`${name}: ${kind}: ${done} of ${operations} answered`);
          if (round > 0) times.push(nanoseconds); // the first round warms up
        }
      }
      return subjects.map(({ name, times }) => {
        const ratios = times.map((time, round) => subjects[0]!.times[round]! / time);
        return {
          work: ttlMs > 0 ? `${kind}, TTL` : kind,
          subject: name,
          nanoseconds: median(times),
          ratio: median(ratios),
          ratioMin: Math.min(...ratios),
          ratioMax: Math.max(...ratios),
        };
      });
    }),
  );
}

if (import.meta.url === `file://${process.argv[1]}`) {
  for (const row of measureSpeed({ entries: 10_000, operations: 100_000, rounds: 15 })) {
    const ratios = `${row.ratio.toFixed(2)} (${row.ratioMin.toFixed(2)} – ${row.ratioMax.toFixed(2)})`;
    console.log(
      row.work.padEnd(26),
      row.subject.padEnd(22),
      `${row.nanoseconds.toFixed(0)} ns`.padStart(8),
      ratios,
    );
  }
}
