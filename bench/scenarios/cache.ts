import { createRequire } from "node:module";
import { ByteCache } from "@tz/cache";
import { LRUCache } from "lru-cache";
import { seeded } from "../../packages/cache/bench/traces.js";
import { zipfSampler } from "../../packages/cache/bench/zipf.js";
import { compareRuns, type Run } from "../harness/compare-runs.js";
import { figureTable } from "../harness/figures.js";
import type { Scenario } from "../harness/scenario.js";
import type { Settings } from "../harness/settings.js";

const require = createRequire(import.meta.url);
const { version } = JSON.parse(
  require("node:fs").readFileSync(require.resolve("lru-cache").replace(/dist.*/, "package.json"), "utf8"),
) as { version: string };

interface Body {
  readonly byteLength: number;
}

interface Subject {
  get(key: string): Body | undefined;
  set(key: string, body: Body): void;
}

const ENTRIES = 10_000;
const BODY_BYTES = 1024;
const MAX_BYTES = ENTRIES * BODY_BYTES;

const SUBJECTS: readonly { target: string; about: string; version: string; make(): Subject }[] = [
  ...(["sieve", "lru", "w-tinylfu"] as const).map((policy) => ({
    target: policy === "sieve" ? "tz-cache" : `tz-cache-${policy}`,
    about: `ByteCache, ${policy}`,
    version: `Node ${process.versions.node}`,
    make: (): Subject => {
      const cache = new ByteCache<string, Body>({ maxBytes: MAX_BYTES, policy });
      return { get: (key) => cache.get(key), set: (key, body) => void cache.set(key, body) };
    },
  })),
  {
    target: "lru-cache",
    about: "maxSize, the size given with each set",
    version,
    make: () => {
      const cache = new LRUCache<string, Body>({ maxSize: MAX_BYTES, max: 1_000_000 });
      return {
        get: (key) => cache.get(key),
        set: (key, body) => void cache.set(key, body, { size: body.byteLength }),
      };
    },
  },
];

/** Four times as many keys as fit, so that a Zipf order has misses. */
const keys = Array.from({ length: ENTRIES * 4 }, (_, index) => `/assets/path/to/file-${index}.css`);
const bodies = keys.map((): Body => ({ byteLength: BODY_BYTES }));

function hits(subject: Subject, order: Uint32Array): (times: number) => void {
  for (let at = 0; at < ENTRIES; at++) subject.set(keys[at]!, bodies[at]!);
  return (times) => {
    for (let i = 0; i < times; i++)
      if (subject.get(keys[order[i % order.length]!]!)?.byteLength !== BODY_BYTES)
        throw new Error("a key that fits is not there");
  };
}

function getElseSet(subject: Subject, order: Uint32Array): (times: number) => void {
  return (times) => {
    for (let i = 0; i < times; i++) {
      const at = order[i % order.length]!;
      const key = keys[at]!;
      const body = subject.get(key);
      if (body === undefined) subject.set(key, bodies[at]!);
      else if (body !== bodies[at]) throw new Error("the value of another key");
    }
  };
}

function measure(name: string, title: string, work: typeof hits, entries: number, settings: Settings) {
  const order = Uint32Array.from({ length: 100_000 }, zipfSampler(entries, 0.9, seeded(1)));
  const runs: Run[] = SUBJECTS.map(({ make, ...named }) => ({ ...named, run: work(make(), order) }));
  return figureTable({ name, title, unit: "CPU ns", subject: "tz-cache" }, compareRuns(runs, settings));
}

export const scenario: Scenario = {
  name: "cache",
  title: "A cache bounded by bytes, 10,000 entries of 1 KB",
  targets: [],
  run: async (_work, _targets, settings) => ({
    tables: [
      // Half of what fits: lru-cache's and our overhead per entry are counted apart.
      measure("hit", "get, all hits, Zipf 0.9", hits, ENTRIES / 2, settings),
      measure(
        "zipf",
        "get, else set; four times as many keys as fit, Zipf 0.9",
        getElseSet,
        keys.length,
        settings,
      ),
    ],
    conditions: "CPU time of one process, garbage collection included. Hit ratios: docs/reference/cache.md.",
    missing: [],
  }),
};
