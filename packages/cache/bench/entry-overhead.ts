/** Heap bytes for each entry beyond key and value. `node --expose-gc --import tsx --conditions=@tz/source packages/cache/bench/entry-overhead.ts` */
import { LRUCache } from "lru-cache";
import { ByteCache } from "../src/byte-cache.js";

const ENTRIES = 200_000;
const value = new Uint8Array(1);
const keys = Array.from({ length: ENTRIES }, (_, index) => index);

function heapOf(fill: () => unknown): number {
  globalThis.gc!();
  const before = process.memoryUsage();
  const kept = fill();
  globalThis.gc!();
  const after = process.memoryUsage();
  if (kept === undefined) throw new Error("nothing was kept");
  return (after.heapUsed + after.external - before.heapUsed - before.external) / ENTRIES;
}

const rows: [string, () => unknown][] = [
  [
    "lru-cache",
    () => {
      const cache = new LRUCache<number, Uint8Array>({ maxSize: 1e9 });
      for (const key of keys) cache.set(key, value, { size: 1 });
      return cache;
    },
  ],
  ...(["lru", "sieve", "w-tinylfu"] as const).map((policy): [string, () => unknown] => [
    `ByteCache ${policy}`,
    () => {
      const cache = new ByteCache<number, Uint8Array>({ policy });
      for (const key of keys) cache.set(key, value);
      return cache;
    },
  ]),
];
for (const [name, fill] of rows) console.log(name.padEnd(22), `${heapOf(fill).toFixed(0)} bytes an entry`);
const prefixed = new ByteCache<string, Uint8Array>();
for (const key of keys) prefixed.set(`/p/${key}`, value);
const start = process.hrtime.bigint();
prefixed.invalidatePrefix("/none");
console.log(
  `invalidatePrefix: ${(Number(process.hrtime.bigint() - start) / ENTRIES).toFixed(0)} ns for each entry held`,
);
