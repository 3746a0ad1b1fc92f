import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { once } from "node:events";
import { expect, test } from "vitest";
import { ByteCache } from "./byte-cache.js";
import { CHANNELS } from "./channels.js";
import { HitWindows } from "./hit-windows.js";
import { CacheStatistics, COUNTERS } from "./statistics.js";
import { startThread } from "./thread.fixture.js";

test("counts are exact, and ratios follow the windows", () => {
  let nowMs = 0;
  const cache = new ByteCache<string, string>({ now: () => nowMs });
  cache.set("k", "v");
  expect(cache.statistics().hitRatio).toBeUndefined();
  for (let i = 0; i < 100; i++) cache.get("k");
  expect(cache.statistics()).toMatchObject({ hits: 100, misses: 0, hitRatio: 1, bytes: 2, entries: 1 });
  for (let second = 1; second <= 60; second++) {
    nowMs = second * 1000;
    for (let i = 0; i < 300; i++) cache.get("absent");
  }
  nowMs = 61_000;
  for (let i = 0; i < 300; i++) cache.get("k");
  const { hitRatio, hitRatioByWindow } = cache.statistics();
  expect(hitRatio).toBeCloseTo(400 / (400 + 18_000));
  expect(hitRatioByWindow["10s"]).toBeCloseTo(300 / (300 + 10 * 300), 1);
  expect(hitRatioByWindow["1m"]).toBeCloseTo(300 / (300 + 60 * 300), 2);
  expect(hitRatioByWindow["5m"]).toBeCloseTo(hitRatio!, 5);
  nowMs = 200_000;
  expect(cache.statistics().hitRatioByWindow["10s"]).toBeUndefined();
});

test("a window that turned over its ring tells the last five minutes", () => {
  const windows = new HitWindows();
  for (let second = 0; second <= 1000; second++) windows.sample(second * 1000, second * 5, second * 10);
  expect(windows.ratio("5m", 1_000_000, 5000 + 90, 10_000 + 90)).toBeCloseTo((1500 + 90) / (3000 + 90));
});

test("rows are apart, readable from elsewhere, and add up", () => {
  const buffer = new SharedArrayBuffer(CacheStatistics.byteLength(3));
  const caches = [0, 2].map((row) => new ByteCache<string, string>({ statistics: { buffer, row } }));
  caches.forEach((cache, index) => {
    cache.set("k", "v");
    for (let i = 0; i < 1000 + index; i++) cache.get("k");
    cache.statistics();
  });
  expect(CacheStatistics.read(buffer, 0)).toMatchObject({ hits: 1000, sets: 1, entries: 1, bytes: 2 });
  expect(CacheStatistics.read(buffer, 1).hits).toBe(0);
  expect(CacheStatistics.total(buffer)).toMatchObject({ hits: 2001, sets: 2, entries: 2 });
  expect(() => new ByteCache({ statistics: { buffer, row: 3 } })).toThrow(/TZ_CACHE|row 3/);
  expect(() => CacheStatistics.read(buffer, -1)).toThrow(/row -1 is not in a buffer of 3 rows/);
});

test("without asking, shared counts are behind by less than 256 requests", () => {
  const buffer = new SharedArrayBuffer(CacheStatistics.byteLength(1));
  const cache = new ByteCache<string, string>({ statistics: { buffer, row: 0 } });
  cache.set("k", "v");
  for (let i = 1; i <= 5000; i++) {
    cache.get("k");
    const seen = CacheStatistics.read(buffer, 0).hits;
    expect(seen).toBeLessThanOrEqual(i);
    expect(seen).toBeGreaterThan(i - 256);
  }
});

test("two threads that share a row lose no count", async () => {
  const buffer = new SharedArrayBuffer(CacheStatistics.byteLength(1));
  const workers = [0, 1].map(() =>
    startThread(new URL("./statistics.fixture.ts", import.meta.url), { buffer, hits: 20_000 }),
  );
  const codes = await Promise.all(workers.map(async (worker) => (await once(worker, "exit"))[0]));
  expect(codes).toEqual([0, 0]);
  expect(CacheStatistics.read(buffer, 0).hits).toBe(40_000);
});

test("the channels carry evictions, loads and statistics, each by name", async () => {
  const messages: Record<string, unknown[]> = {};
  const names = Object.values(CHANNELS);
  const listeners = names.map((name) => (message: unknown) => {
    messages[name] = [...(messages[name] ?? []), message];
  });
  for (const [index, name] of names.entries()) subscribe(name, listeners[index]!);
  let nowMs = 0;
  const cache = new ByteCache<string, string>({ name: "pages", maxEntries: 1, now: () => nowMs });
  try {
    cache.set("a", "1");
    cache.set("b", "2");
    await cache.getOrLoad("c", () => "3").catch(() => {});
    await cache.getOrLoad("d", () => undefined);
    await cache.getOrLoad("e", () => Promise.reject(new Error("no"))).catch(() => {});
    for (let i = 0; i < 2000; i++) {
      nowMs += 1;
      cache.get("c");
    }
    cache.publishStatistics();
  } finally {
    for (const [index, name] of names.entries()) unsubscribe(name, listeners[index]!);
  }
  expect(messages["tz:cache:evict"]).toEqual([
    { cache: "pages", key: "a", bytes: 2, reason: "entries" },
    { cache: "pages", key: "b", bytes: 2, reason: "entries" },
  ]);
  expect(messages["tz:cache:load"]).toEqual([
    { cache: "pages", key: "c", outcome: "loaded", durationMs: 0 },
    { cache: "pages", key: "d", outcome: "absent", durationMs: 0 },
    { cache: "pages", key: "e", outcome: "failed", durationMs: 0, error: new Error("no") },
  ]);
  const published = messages["tz:cache:statistics"] as {
    cache: string;
    statistics: Record<string, number>;
  }[];
  // At most one a second of 2000 ms, and the one that was asked for.
  expect(published.length).toBe(3);
  expect(published.at(-1)).toMatchObject({ cache: "pages", statistics: { hits: 2000, loads: 3 } });
  expect(Object.keys(published[0]!.statistics)).toEqual([...COUNTERS, "hitRatio", "hitRatioByWindow"]);
});
