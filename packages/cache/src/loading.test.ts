import { setTimeout as wait } from "node:timers/promises";
import { expect, test } from "vitest";
import { ByteCache } from "./byte-cache.js";
import type { ByteCacheOptions } from "./byte-cache-options.js";

/** A cache on a clock in the test's hand, and loaders that the test settles. */
function setup(options: ByteCacheOptions<string, string> = {}) {
  const clock = { nowMs: 0 };
  const cache = new ByteCache<string, string>({ ttlMs: 1000, now: () => clock.nowMs, ...options });
  const started: {
    key: string;
    stale: string | undefined;
    resolve: (v?: string) => void;
    reject: (e: Error) => void;
  }[] = [];
  const loader = (key: string, { stale }: { stale: string | undefined }): Promise<string | undefined> =>
    new Promise((resolve, reject) => started.push({ key, stale, resolve, reject }));
  return { cache, clock, loader, started };
}

test("a thousand callers, one load", async () => {
  const { cache, loader, started } = setup();
  const callers = Array.from({ length: 1000 }, () => cache.getOrLoad("k", loader));
  expect(started.length).toBe(1);
  started[0]!.resolve("v");
  expect(new Set(await Promise.all(callers))).toEqual(new Set(["v"]));
  expect(await cache.getOrLoad("k", loader)).toBe("v");
  expect(started.length).toBe(1);
  expect(cache.statistics()).toMatchObject({ loads: 1, misses: 1000, hits: 1, sets: 1 });
});

test("a loader that throws, rejects, or returns at once", async () => {
  const cache = new ByteCache<string, string>();
  const failure = new Error("no such thing");
  const callers = [1, 2, 3].map(() => cache.getOrLoad("k", () => Promise.reject(failure)));
  for (const caller of callers) await expect(caller).rejects.toBe(failure);
  await expect(
    cache.getOrLoad("k", () => {
      throw failure;
    }),
  ).rejects.toBe(failure);
  expect(cache.statistics()).toMatchObject({ loads: 2, loadFailures: 2, entries: 0 });
  expect(await cache.getOrLoad("k", () => "at once")).toBe("at once");
  expect(cache.get("k")).toBe("at once");
});

test("a loader that never settles fails after loadTimeoutMs, and its late result is dropped", async () => {
  const { cache, started, loader } = setup({ loadTimeoutMs: 20 });
  const signals: AbortSignal[] = [];
  const caller = cache.getOrLoad("k", (key, context) => {
    signals.push(context.signal);
    return loader(key, context);
  });
  await expect(caller).rejects.toMatchObject({ code: "TZ_CACHE_LOAD_TIMEOUT", status: 504 });
  expect(signals[0]!.aborted).toBe(true);
  expect(cache.statistics()).toMatchObject({ loadTimeouts: 1, loadFailures: 1 });
  started[0]!.resolve("late");
  await wait(1);
  expect(cache.stateOf("k")).toBe("absent");
  expect(await cache.getOrLoad("k", () => "again")).toBe("again");
});

test("a loader that asks for its own key at once is told so", async () => {
  const cache = new ByteCache<string, string>();
  const direct = cache.getOrLoad("k", () => cache.getOrLoad("k", () => "inner"));
  await expect(direct).rejects.toMatchObject({ code: "TZ_CACHE_LOAD_REENTERED" });
  const indirect = cache.getOrLoad("a", () =>
    cache.getOrLoad("b", () => cache.getOrLoad("a", () => "inner")),
  );
  await expect(indirect).rejects.toMatchObject({ code: "TZ_CACHE_LOAD_REENTERED" });
  expect(await cache.getOrLoad("k", () => cache.getOrLoad("other", () => "nested is fine"))).toBe(
    "nested is fine",
  );
});

test("a loader that asks for its own key later: with traceLoads at once, else at the timeout", async () => {
  const again = async (cache: ByteCache<string, string>) =>
    cache.getOrLoad("a", async () => {
      await wait(1);
      return cache.getOrLoad("b", async () => {
        await wait(1);
        return cache.getOrLoad("a", () => "inner");
      });
    });
  const traced = new ByteCache<string, string>({ traceLoads: true });
  await expect(again(traced)).rejects.toMatchObject({ code: "TZ_CACHE_LOAD_REENTERED" });
  const untraced = new ByteCache<string, string>({ loadTimeoutMs: 30 });
  await expect(again(untraced)).rejects.toMatchObject({ code: "TZ_CACHE_LOAD_TIMEOUT" });
  // Others may wait for the same flight from outside.
  const outside = await Promise.all(
    [1, 2].map(() =>
      traced.getOrLoad("c", async () => {
        await wait(1);
        return "v";
      }),
    ),
  );
  expect(outside).toEqual(["v", "v"]);
});

test("stale while revalidate: the old value at once, one load behind it", async () => {
  const { cache, clock, loader, started } = setup({ staleWhileRevalidateMs: 5000 });
  cache.set("k", "old");
  clock.nowMs = 1500;
  expect(cache.get("k")).toBeUndefined();
  expect(cache.stateOf("k")).toBe("stale");
  expect(await Promise.all([1, 2, 3].map(() => cache.getOrLoad("k", loader)))).toEqual(["old", "old", "old"]);
  expect(started.map(({ stale }) => stale)).toEqual(["old"]);
  started[0]!.resolve("new");
  await wait(0);
  expect(cache.get("k")).toBe("new");
  expect(cache.statistics()).toMatchObject({ staleHits: 3, loads: 1, hits: 1 });
  clock.nowMs = 1500 + 6000; // past the stale time: callers wait
  const waiting = cache.getOrLoad("k", loader);
  expect(started[1]!.stale).toBeUndefined();
  started[1]!.resolve("newest");
  expect(await waiting).toBe("newest");
});

test("a background load that fails is no unhandled rejection, and is not tried again at once", async () => {
  const { cache, clock, loader, started } = setup({ staleWhileRevalidateMs: 9000, refreshBackoffMs: 2000 });
  cache.set("k", "old");
  clock.nowMs = 1000;
  expect(await cache.getOrLoad("k", loader)).toBe("old");
  started[0]!.reject(new Error("origin is down"));
  await wait(0);
  clock.nowMs = 2999;
  expect(await cache.getOrLoad("k", loader)).toBe("old");
  expect(started.length).toBe(1);
  clock.nowMs = 3000;
  expect(await cache.getOrLoad("k", loader)).toBe("old");
  expect(started.length).toBe(2);
  started[1]!.resolve("new");
  await wait(0);
  expect(cache.get("k")).toBe("new");
});

test("stale if error: waits for the load, falls back to the old value, for so long and no longer", async () => {
  const { cache, clock, loader, started } = setup({ staleIfErrorMs: 4000, refreshBackoffMs: 0 });
  cache.set("k", "old");
  clock.nowMs = 2000;
  const callers = [1, 2].map(() => cache.getOrLoad("k", loader));
  expect(started.map(({ stale }) => stale)).toEqual(["old"]);
  started[0]!.reject(new Error("down"));
  expect(await Promise.all(callers)).toEqual(["old", "old"]);
  expect(cache.statistics()).toMatchObject({ staleOnError: 1, loadFailures: 1 });
  clock.nowMs = 5000;
  const late = cache.getOrLoad("k", loader);
  started[1]!.reject(new Error("still down"));
  await expect(late).rejects.toThrow("still down");
});

test("negative entries have a time to live of their own", async () => {
  const { cache, clock, loader, started } = setup({ negativeTtlMs: 3000 });
  const first = cache.getOrLoad("k", loader);
  started[0]!.resolve(undefined);
  expect(await first).toBeUndefined();
  expect(cache.stateOf("k")).toBe("negative");
  clock.nowMs = 2999;
  expect(await cache.getOrLoad("k", loader)).toBeUndefined();
  expect(started.length).toBe(1);
  expect(cache.statistics()).toMatchObject({ negativeHits: 1 });
  clock.nowMs = 3000;
  const second = cache.getOrLoad("k", loader);
  started[1]!.resolve("now there is");
  expect(await second).toBe("now there is");
  cache.setNegative("k");
  expect([cache.stateOf("k"), cache.get("k")]).toEqual(["negative", undefined]);
});

test("without a negative TTL an absent value is not remembered, and takes a stale one away", async () => {
  const { cache, clock } = setup({ staleIfErrorMs: 9000 });
  cache.set("k", "old");
  clock.nowMs = 1000;
  expect(await cache.getOrLoad("k", () => undefined)).toBeUndefined();
  expect(cache.stateOf("k")).toBe("absent");
});

test("the loader may bring time to live, size and tags", async () => {
  const { cache, clock } = setup();
  await cache.getOrLoad("k", (_, { store }) => {
    Object.assign(store, { ttlMs: 60_000, bytes: 1234, tags: ["t"] });
    return "v";
  });
  clock.nowMs = 59_999;
  expect([cache.get("k"), cache.bytes]).toEqual(["v", 1234]);
  expect(cache.invalidateTag("t")).toBe(1);
  const bad = cache.getOrLoad("k", (_, { store }) => {
    store.ttlMs = 5;
    return "v";
  });
  await expect(bad).rejects.toMatchObject({ code: "TZ_CACHE_TTL" });
});

test("what changes during a load is not overwritten by it", async () => {
  const changes: Record<string, (cache: ByteCache<string, string>) => void> = {
    set: (cache) => cache.set("/k", "set meanwhile"),
    setNegative: (cache) => cache.setNegative("/k"),
    delete: (cache) => cache.delete("/k"),
    prefix: (cache) => cache.invalidatePrefix("/"),
    tag: (cache) => cache.invalidateTag("t"),
    clear: (cache) => cache.clear(),
  };
  for (const [name, change] of Object.entries(changes)) {
    const { cache, loader, started } = setup();
    const before = cache.getOrLoad("/k", loader, { tags: ["t"] });
    change(cache);
    const state = cache.stateOf("/k");
    started[0]!.resolve("loaded from old data");
    expect(await before).toBe("loaded from old data");
    expect([name, cache.stateOf("/k")]).toEqual([name, state]);
    expect(cache.statistics()).toMatchObject({ loadsDropped: 1 });
  }
});

test("who comes after an invalidation never gets what was loaded before it", async () => {
  for (const change of ["delete", "tag", "prefix"] as const) {
    const { cache, loader, started } = setup();
    const before = cache.getOrLoad("/k", loader, { tags: ["t"] });
    if (change === "delete") cache.delete("/k");
    else if (change === "tag") cache.invalidateTag("t");
    else cache.invalidatePrefix("/");
    const after = cache.getOrLoad("/k", loader, { tags: ["t"] });
    started[0]!.resolve("old");
    await wait(0);
    started[1]!.resolve("new");
    expect([await before, await after]).toEqual(["old", "new"]);
    expect(cache.get("/k")).toBe("new");
  }
});

test("an invalidated tag leaves loads of other tags alone", async () => {
  const { cache, loader, started } = setup();
  const before = cache.getOrLoad("k", loader, { tags: ["mine"] });
  cache.invalidateTag("other");
  const after = cache.getOrLoad("k", loader, { tags: ["mine"] });
  started[0]!.resolve("v");
  expect(await Promise.all([before, after])).toEqual(["v", "v"]);
  expect([started.length, cache.get("k")]).toEqual([1, "v"]);
});

test("a loaded value that is larger than the budget goes to the callers and is not stored", async () => {
  const cache = new ByteCache<string, string>({ maxBytes: 1 << 20 });
  expect(await cache.getOrLoad("k", () => "v", { bytes: 2 << 20 })).toBe("v");
  expect(cache.stateOf("k")).toBe("absent");
});

test("loads of many keys in random order never mix values up", async () => {
  const cache = new ByteCache<number, string>({ maxBytes: 1 << 20, maxEntries: 50 });
  let running = 0;
  const seen = new Map<number, number>();
  const load = async (key: number) => {
    seen.set(key, (seen.get(key) ?? 0) + 1);
    expect(seen.get(key)).toBe(1);
    running++;
    await wait(key % 3);
    seen.delete(key);
    running--;
    return `value ${key}`;
  };
  const callers = Array.from({ length: 3000 }, (_, turn) => (turn * 7919) % 97);
  await Promise.all(
    callers.map(async (key) => expect(await cache.getOrLoad(key, load)).toBe(`value ${key}`)),
  );
  expect(running).toBe(0);
  expect(cache.size).toBe(50);
});
