import { setTimeout as wait } from "node:timers/promises";
import { expect, test } from "vitest";
import { ByteCache } from "./byte-cache.js";
import { CacheError } from "./errors.js";
import { BYTE_CACHE_NUMBERS, GiB, KiB, MiB } from "./options.js";

const DAY_MS = 24 * 3600 * 1000;

function code(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof CacheError) return `${error.code}: ${error.message}`;
    throw error;
  }
  return "no error";
}

test("10 GiB are accepted and nothing is allocated for them", () => {
  const before = process.memoryUsage();
  const caches = (["lru", "sieve", "w-tinylfu"] as const).map(
    (policy) => new ByteCache<string, Buffer>({ maxBytes: 10 * GiB, maxEntries: 16_000_000, policy }),
  );
  for (const cache of caches) {
    cache.set("/a", Buffer.alloc(10));
    expect(cache.get("/a")?.byteLength).toBe(10);
    expect([cache.bytes, cache.maxBytes]).toEqual([10, 10 * GiB]);
  }
  const after = process.memoryUsage();
  expect(after.heapUsed + after.external - before.heapUsed - before.external).toBeLessThan(8 * MiB);
});

test("every numeric option names itself, the value and the bounds", () => {
  for (const [name, rule] of Object.entries(BYTE_CACHE_NUMBERS)) {
    for (const value of [rule.max + 1, -1, 0.5, Number.NaN, "5", null]) {
      const message = code(() => new ByteCache({ [name]: value }));
      expect(message).toMatch(new RegExp(`^TZ_CACHE_OPTION: .*"${name}" is .*${rule.min} to ${rule.max}`));
    }
    expect(code(() => new ByteCache({ [name]: rule.min }))).toBe("no error");
    expect(code(() => new ByteCache({ [name]: rule.default }))).toBe("no error");
  }
  expect(BYTE_CACHE_NUMBERS.maxBytes).toMatchObject({ min: MiB, max: 10 * GiB });
});

test("other options too, and unknown ones", () => {
  expect(code(() => new ByteCache({ policy: "fifo" as never }))).toMatch(
    /OPTION: .*"policy" is "fifo".*"lru", "sieve"/,
  );
  expect(code(() => new ByteCache({ sizeOf: 3 as never }))).toMatch(
    /OPTION: .*"sizeOf" is 3, must be a function/,
  );
  expect(code(() => new ByteCache({ name: 3 as never }))).toMatch(/OPTION: .*"name" is 3, must be a string/);
  expect(code(() => new ByteCache({ traceLoads: 1 as never }))).toMatch(/OPTION: .*"traceLoads" is 1/);
  expect(code(() => new ByteCache({ maxByte: 3 } as never))).toMatch(
    /OPTION: .*unknown option "maxByte".*maxBytes/,
  );
  expect(code(() => new ByteCache(null as never))).toMatch(/OPTION: .*options are null/);
});

test("a TTL is 0 or one second to seven days", () => {
  const cache = new ByteCache<string, string>();
  for (const ttlMs of [1, 999, 7 * DAY_MS + 1, -1, Number.NaN, Number.POSITIVE_INFINITY, 1000.5])
    expect(code(() => cache.set("k", "v", { ttlMs }))).toMatch(/^TZ_CACHE_TTL: .*1000 to 604800000 ms, or 0/);
  expect(cache.size).toBe(0);
  for (const ttlMs of [0, 1000, 7 * DAY_MS]) expect(cache.set("k", "v", { ttlMs })).toBe(true);
});

test("per entry or per cache, a TTL ends an entry on its millisecond", () => {
  let nowMs = 0;
  const cache = new ByteCache<string, string>({ ttlMs: 2000, now: () => nowMs });
  cache.set("default", "v");
  cache.set("week", "v", { ttlMs: 7 * DAY_MS });
  cache.set("always", "v", { ttlMs: 0 });
  nowMs = 1999;
  expect(cache.get("default")).toBe("v");
  nowMs = 2000;
  expect(cache.get("default")).toBeUndefined();
  nowMs = 7 * DAY_MS - 1;
  expect(cache.get("week")).toBe("v");
  nowMs = 7 * DAY_MS;
  expect([cache.get("week"), cache.get("always"), cache.size]).toEqual([undefined, "v", 1]);
});

test("a clock that goes back makes nothing live longer", () => {
  let nowMs = 1_000_000;
  const cache = new ByteCache<string, string>({ ttlMs: 1000, now: () => nowMs });
  cache.set("k", "v");
  nowMs += 500;
  expect(cache.get("k")).toBe("v");
  nowMs = 0; // set back by a quarter of an hour: 500 ms of its life are left all the same
  expect(cache.get("k")).toBe("v");
  nowMs = 499;
  expect(cache.get("k")).toBe("v");
  nowMs = 500;
  expect(cache.get("k")).toBeUndefined();
});

test("the default clock runs", async () => {
  const cache = new ByteCache<string, string>({ ttlMs: 1000 });
  cache.set("k", "v");
  expect(cache.get("k")).toBe("v");
  await wait(1100);
  expect(cache.get("k")).toBeUndefined();
});

test("a value larger than the budget is refused, and what was there is gone", () => {
  const gone: unknown[] = [];
  const cache = new ByteCache<string, string>({ maxBytes: MiB, onEvict: (...all) => gone.push(all) });
  cache.set("k", "old");
  cache.set("other", "stays");
  expect(cache.set("k", "new", { bytes: MiB + 1 })).toBe(false);
  expect([cache.get("k"), cache.get("other")]).toEqual([undefined, "stays"]);
  expect(gone).toEqual([["k", "old", "replaced"]]);
  expect(cache.statistics()).toMatchObject({ rejected: 1, replaced: 1 });
  expect(cache.set("k", "exact", { bytes: MiB })).toBe(true);
  expect(cache.bytes).toBe(MiB);
});

test("sizes: known for strings and buffers, given, or an error", () => {
  const cache = new ByteCache<string, unknown>();
  cache.set("string", "abc");
  expect(cache.bytes).toBe(6);
  cache.set("buffer", new Uint16Array(5));
  cache.set("arraybuffer", new ArrayBuffer(7));
  expect(cache.bytes).toBe(23);
  cache.set("empty", "");
  expect(cache.bytes).toBe(24);
  expect(code(() => cache.set("object", { a: 1 }))).toMatch(
    /^TZ_CACHE_SIZE: the size of an object \(Object\)/,
  );
  for (const bytes of [-1, 1.5, Number.NaN, 11 * GiB, "1"])
    expect(code(() => cache.set("k", "v", { bytes: bytes as number }))).toMatch(/^TZ_CACHE_SIZE: bytes is /);
  const sized = new ByteCache<string, number[]>({ sizeOf: (list, key) => list.length * 8 + key.length });
  sized.set("ab", [1, 2]);
  expect(sized.bytes).toBe(18);
});

test("undefined is not a value; null, 0 and the empty string are", () => {
  const cache = new ByteCache<string, unknown>({ sizeOf: () => 1 });
  expect(code(() => cache.set("k", undefined))).toMatch(/^TZ_CACHE_VALUE/);
  for (const value of [null, 0, "", false, Number.NaN]) {
    cache.set("k", value);
    expect(cache.get("k")).toBe(value);
    expect(cache.stateOf("k")).toBe("fresh");
  }
});

test("keys that are special names elsewhere are keys like any other", () => {
  const cache = new ByteCache<string, string>();
  for (const key of ["__proto__", "constructor", "hasOwnProperty", "toString", ""]) {
    expect(cache.get(key)).toBeUndefined();
    cache.set(key, `value of ${key}`, { tags: ["__proto__"] });
    expect(cache.get(key)).toBe(`value of ${key}`);
  }
  const copy = new ByteCache<string, string>();
  copy.restore(JSON.parse(JSON.stringify(cache.snapshot())));
  expect(copy.get("__proto__")).toBe("value of __proto__");
  expect(({} as Record<string, unknown>).value).toBeUndefined();
  expect(copy.invalidateTag("__proto__")).toBe(5);
  expect([copy.size, copy.bytes]).toEqual([0, 0]);
});

test("the entry budget holds", () => {
  const gone: unknown[] = [];
  const cache = new ByteCache<number, string>({
    maxEntries: 3,
    onEvict: (key, _, why) => gone.push([key, why]),
  });
  for (const key of [1, 2, 3, 4]) cache.set(key, "v");
  expect([...cache.entries()].map(([key]) => key)).toEqual([2, 3, 4]);
  expect(gone).toEqual([[1, "entries"]]);
});

test("every reason is told, with the key and the value, once", () => {
  let nowMs = 0;
  const gone: string[] = [];
  const cache = new ByteCache<string, string>({
    maxBytes: MiB,
    now: () => nowMs,
    onEvict: (key, value, reason) => gone.push(`${key} ${value} ${reason}`),
  });
  cache.set("a", "1");
  cache.set("a", "2");
  cache.set("b", "3", { tags: ["t"] });
  cache.set("c", "4", { ttlMs: 1000 });
  cache.set("/d", "5");
  cache.delete("a");
  cache.invalidateTag("t");
  cache.invalidatePrefix("/");
  nowMs = 1000;
  cache.get("c");
  cache.set("e", "6", { bytes: MiB });
  cache.set("f", "7", { bytes: MiB });
  cache.clear();
  expect(gone).toEqual([
    "a 1 replaced",
    "a 2 deleted",
    "b 3 invalidated",
    "/d 5 invalidated",
    "c 4 expired",
    "e 6 bytes",
    "f 7 cleared",
  ]);
});

test("onEvict may call the cache, and what it throws goes to nobody's call", async () => {
  const cache: ByteCache<string, string> = new ByteCache({
    maxEntries: 2,
    onEvict: (key) => {
      if (key === "a") cache.set("from onEvict", "v");
      if (key === "b") throw new Error("listener failed");
    },
  });
  const thrown: unknown[] = [];
  const listeners = process.listeners("uncaughtException");
  process.removeAllListeners("uncaughtException");
  process.once("uncaughtException", (error) => thrown.push(error));
  try {
    for (const key of ["a", "b", "c"]) expect(cache.set(key, "v")).toBe(true);
    await wait(5);
  } finally {
    for (const listener of listeners) process.on("uncaughtException", listener);
  }
  expect([...cache.entries()].map(([key]) => key)).toEqual(["c", "from onEvict"]);
  expect(thrown).toEqual([new Error("listener failed")]);
});

test("purgeExpired takes out what is of no more use, and only that", () => {
  let nowMs = 0;
  const cache = new ByteCache<string, string>({ staleIfErrorMs: 5000, now: () => nowMs });
  cache.set("short", "v", { ttlMs: 1000 });
  cache.set("long", "v", { ttlMs: 9000 });
  cache.setNegative("no", { ttlMs: 1000 });
  nowMs = 3000;
  expect(cache.purgeExpired()).toBe(1);
  expect([cache.stateOf("short"), cache.stateOf("no")]).toEqual(["stale", "absent"]);
  nowMs = 6000;
  expect(cache.purgeExpired()).toBe(1);
  expect(cache.size).toBe(1);
});

test("after close nothing is taken in, and nothing is found", async () => {
  const cache = new ByteCache<string, string>();
  cache.set("k", "v");
  let signal: AbortSignal | undefined;
  const hanging = cache.getOrLoad("hanging", (_, context) => {
    signal = context.signal;
    return new Promise(() => {});
  });
  cache.close();
  cache.close();
  await expect(hanging).rejects.toMatchObject({ code: "TZ_CACHE_CLOSED", status: 503 });
  expect(signal!.aborted).toBe(true);
  expect([cache.get("k"), cache.size]).toEqual([undefined, 0]);
  expect(code(() => cache.set("k", "v"))).toMatch(/^TZ_CACHE_CLOSED/);
  expect(code(() => cache.restore({ version: 1, takenAtMs: 0, entries: [] }))).toMatch(/^TZ_CACHE_CLOSED/);
  await expect(cache.getOrLoad("k", () => "v")).rejects.toMatchObject({ code: "TZ_CACHE_CLOSED" });
});

test("a snapshot keeps order, time to live and tags; what ran out meanwhile stays out", () => {
  let [nowMs, wallMs] = [0, 1_000_000];
  const clocks = { now: () => nowMs, wallNow: () => wallMs };
  const first = new ByteCache<string, string>({ maxBytes: MiB, ...clocks });
  first.set("b", "2", { ttlMs: 5000, tags: ["t"] });
  first.set("a", "1");
  first.set("c", "3", { ttlMs: 2000 });
  first.setNegative("n", { ttlMs: 60_000 });
  first.get("b");
  const snapshot = structuredClone(first.snapshot());
  [nowMs, wallMs] = [50, wallMs + 3000];
  const second = new ByteCache<string, string>({ maxBytes: MiB, ...clocks });
  expect(second.restore(snapshot)).toBe(3);
  expect([...second.entries()]).toEqual([
    ["a", "1"],
    ["b", "2"],
  ]);
  expect(second.stateOf("n")).toBe("negative");
  nowMs += 1999;
  expect(second.get("b")).toBe("2");
  nowMs += 1;
  expect(second.get("b")).toBeUndefined();
  const third = new ByteCache<string, string>({ maxBytes: MiB, now: () => 0, wallNow: () => 0 });
  expect(third.restore(snapshot)).toBe(4);
  expect(third.invalidateTag("t")).toBe(1);
});

test("a snapshot that is none changes nothing", () => {
  const cache = new ByteCache<string, string>();
  cache.set("k", "v");
  const good = cache.snapshot();
  const bad = [
    undefined,
    null,
    [],
    { ...good, version: 2 },
    { ...good, takenAtMs: "now" },
    { ...good, entries: {} },
    { ...good, entries: [["k", "v"]] },
    { ...good, entries: [["k", "v", 0, 0, []]] },
    { ...good, entries: [["k", "v", 1, -5, []]] },
    { ...good, entries: [["k", "v", 1, 8 * DAY_MS, []]] },
    { ...good, entries: [["k", "v", 1, 0, [3]]] },
  ];
  for (const snapshot of bad)
    expect(code(() => cache.restore(snapshot as never))).toMatch(/^TZ_CACHE_SNAPSHOT/);
  expect([...cache.entries()]).toEqual([["k", "v"]]);
});

test("a snapshot larger than the budget leaves the ones worth most", () => {
  const large = new ByteCache<number, string>({ maxBytes: 4 * MiB });
  for (let key = 0; key < 4; key++) large.set(key, `${key}`, { bytes: MiB });
  const small = new ByteCache<number, string>({ maxBytes: 2 * MiB });
  small.restore(large.snapshot());
  expect([...small.entries()].map(([key]) => key)).toEqual([2, 3]);
  expect(small.bytes).toBeLessThanOrEqual(2 * MiB);
});

test("a cache is disposed of by using", () => {
  const cache = new ByteCache<string, string>();
  cache.set("k", "v".repeat(KiB));
  cache[Symbol.dispose]();
  expect(cache.bytes).toBe(0);
});
