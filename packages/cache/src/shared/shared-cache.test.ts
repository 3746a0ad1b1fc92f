import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { expect, test } from "vitest";
import { CHANNELS } from "../channels.js";
import { CacheError } from "../errors.js";
import { GiB, KiB, MiB, SHARED_ATTACH_NUMBERS, SHARED_CACHE_NUMBERS } from "../options.js";
import { inconsistencies, pinsHeld, workersAttached } from "./consistency.fixture.js";
import type { SharedCacheOptions } from "./layout.js";
import { SharedCache } from "./shared-cache.js";

const { NONE, ANY_VERSION } = SharedCache;

function make(options: SharedCacheOptions = { maxBytes: MiB, maxWorkers: 4 }) {
  const memory = new SharedArrayBuffer(SharedCache.byteLength(options));
  SharedCache.create(memory, options);
  return { memory, cache: SharedCache.attach(memory) };
}

function code(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof CacheError) return `${error.code}: ${error.message}`;
    throw error;
  }
  return "no error";
}

const text = (cache: SharedCache, key: string | Uint8Array, version: number): string | undefined => {
  const handle = cache.pin(key, version);
  if (handle === NONE) return undefined;
  const found = Buffer.from(cache.view(handle)).toString();
  cache.unpin(handle);
  return found;
};

test("what one worker inserts the others find, by offset in the common memory", () => {
  const { memory, cache } = make();
  const other = SharedCache.attach(memory);
  expect(cache.insert("/a.css", 7, Buffer.from("body {}"), { meta: 42 })).toBe(true);
  const handle = other.pin("/a.css", 7);
  expect(handle).toBeGreaterThanOrEqual(0);
  expect(other.byteLength(handle)).toBe(7);
  expect(other.offset(handle) % 64).toBe(0);
  expect(Buffer.from(new Uint8Array(memory, other.offset(handle), 7)).toString()).toBe("body {}");
  expect([other.version(handle), other.meta(handle), other.pinned]).toEqual([7, 42, 1]);
  other.unpin(handle);
  expect(other.pinned).toBe(0);
});

test("a version is all of 2^53, and only the one asked for is found", () => {
  const { cache } = make();
  for (const version of [
    0,
    1,
    2 ** 31,
    2 ** 32,
    2 ** 32 + 1,
    1_763_712_345_678_901,
    Number.MAX_SAFE_INTEGER,
  ]) {
    expect(cache.insert("/k", version, Buffer.from(`v${version}`))).toBe(true);
    expect(text(cache, "/k", version)).toBe(`v${version}`);
    expect(text(cache, "/k", ANY_VERSION)).toBe(`v${version}`);
    for (const wrong of [version + 1, version - 1, version % 2 ** 32, version + 2 ** 32])
      if (wrong !== version && wrong >= 0) expect(text(cache, "/k", wrong)).toBeUndefined();
    const handle = cache.pin("/k", version);
    expect(cache.version(handle)).toBe(version);
    cache.unpin(handle);
  }
  expect(cache.statistics()).toMatchObject({ entries: 1, replaced: 6 });
});

test("keys are bytes: a string is its UTF-8, part of a buffer is as good", () => {
  const { cache } = make();
  for (const key of ["/plain", "/größe/ß", "/日本", "/🚀", "__proto__", "/".padEnd(4096, "x")]) {
    const bytes = Buffer.from(key);
    cache.insert(key, 1, Buffer.from(`of ${key.slice(0, 20)}`));
    const value = `of ${key.slice(0, 20)}`;
    expect(text(cache, key, 1)).toBe(value);
    expect(text(cache, bytes, 1)).toBe(value);
    const request = Buffer.concat([Buffer.from("GET "), bytes, Buffer.from(" HTTP/1.1")]);
    const handle = cache.pinBytes(request, 4, 4 + bytes.length, 1);
    expect(Buffer.from(cache.view(handle)).toString()).toBe(value);
    cache.unpin(handle);
    expect(text(cache, `${key.slice(0, -1)}~`, 1)).toBeUndefined();
  }
});

test("bad keys, versions, sizes and handles are errors that name them", () => {
  const { cache } = make();
  const value = new Uint8Array(10);
  for (const key of ["", "x".repeat(4097), "ß".repeat(2049), new Uint8Array(0), new Uint8Array(5000)])
    expect(code(() => cache.insert(key, 1, value))).toMatch(
      /^TZ_CACHE_KEY: a key of \d+ bytes, must be from 1 to 4096/,
    );
  for (const key of [undefined, null, 5, {}, ["a"]])
    expect(code(() => cache.pin(key as never, 1))).toMatch(/^TZ_CACHE_KEY: a key is /);
  for (const [start, end] of [
    [-1, 4],
    [3, 3],
    [5, 4],
    [0, 11],
    [Number.NaN, 3],
  ] as const)
    expect(code(() => cache.pinBytes(value, start, end, 1))).toMatch(/^TZ_CACHE_KEY/);
  for (const version of [-1, 1.5, Number.NaN, 2 ** 53, "1", undefined])
    expect(code(() => cache.insert("k", version as never, value))).toMatch(
      /^TZ_CACHE_VERSION: a version is /,
    );
  for (const bytes of [-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY])
    expect(code(() => cache.reserve("k", 1, bytes))).toMatch(/^TZ_CACHE_SIZE/);
  cache.insert("k", 1, value);
  const handle = cache.pin("k", 1);
  cache.unpin(handle);
  for (const wrong of [handle, NONE, 1e9, 0.5, undefined])
    expect(code(() => cache.unpin(wrong as never))).toMatch(/^TZ_CACHE_HANDLE/);
  for (const wrong of [handle, NONE, 1e9]) {
    expect(code(() => cache.publish(wrong))).toMatch(/^TZ_CACHE_HANDLE/);
    expect(code(() => cache.abandon(wrong))).toMatch(/^TZ_CACHE_HANDLE/);
  }
  expect(cache.statistics()).toMatchObject({ entries: 1, inserts: 1 });
});

test("options name themselves, the value and the bounds", () => {
  for (const [name, rule] of Object.entries(SHARED_CACHE_NUMBERS)) {
    for (const value of [rule.max + 1, -1, 1.5, Number.NaN, "8"])
      expect(code(() => SharedCache.byteLength({ [name]: value }))).toMatch(
        new RegExp(`^TZ_CACHE_OPTION: .*"${name}" is .*${rule.min} to ${rule.max}`),
      );
    if (name !== "maxEntryBytes")
      expect(code(() => SharedCache.byteLength({ [name]: rule.min }))).toBe("no error");
  }
  expect(code(() => SharedCache.byteLength({ maxBytes: MiB, maxEntryBytes: 512 * KiB }))).toMatch(
    /^TZ_CACHE_OPTION: .*"maxEntryBytes" is 524288, too much for a budget of 1048576 bytes: at most \d+/,
  );
  expect(code(() => SharedCache.byteLength({ bytes: 1 } as never))).toMatch(
    /OPTION: .*unknown option "bytes"/,
  );
  const { memory } = make();
  expect(
    code(() => SharedCache.attach(memory, { lockWaitMs: SHARED_ATTACH_NUMBERS.lockWaitMs.max + 1 })),
  ).toMatch(/"lockWaitMs"/);
  expect(code(() => SharedCache.attach(memory, { name: 5 as never }))).toMatch(/"name" is 5/);
  expect(code(() => SharedCache.attach(memory, { worker: 1 } as never))).toMatch(/unknown option "worker"/);
});

test("memory that is too small, misplaced, used or foreign is refused", () => {
  const options = { maxBytes: MiB };
  const bytes = SharedCache.byteLength(options);
  expect(code(() => SharedCache.create(new ArrayBuffer(bytes - 1), options))).toMatch(
    /^TZ_CACHE_BUFFER: memory has/,
  );
  expect(code(() => SharedCache.create(5 as never, options))).toMatch(/^TZ_CACHE_BUFFER: memory must be/);
  expect(code(() => SharedCache.create(new Uint8Array(new ArrayBuffer(bytes + 8), 8), options))).toMatch(
    /begins at 8/,
  );
  const memory = new SharedArrayBuffer(bytes);
  expect(code(() => SharedCache.attach(memory))).toMatch(/^TZ_CACHE_BUFFER: .*create it first/);
  expect(code(() => SharedCache.attach(new ArrayBuffer(10)))).toMatch(/^TZ_CACHE_BUFFER: .*it has 10 bytes/);
  SharedCache.create(memory, options);
  expect(code(() => SharedCache.create(memory, options))).toMatch(/^TZ_CACHE_BUFFER: memory is not fresh/);
  expect(code(() => SharedCache.attach(new Uint8Array(memory, 0, bytes - 4096)))).toMatch(
    /^TZ_CACHE_BUFFER: .*it has/,
  );
  // Any memory will do: a part of a buffer, an object with bytes, a plain ArrayBuffer as a mapping is.
  const part = new Uint8Array(new ArrayBuffer(bytes + 4096), 4096);
  SharedCache.create({ bytes: part }, options);
  const cache = SharedCache.attach(part);
  cache.insert("k", 1, Buffer.from("v"));
  const handle = cache.pin("k", 1);
  expect(part[cache.offset(handle)]).toBe("v".charCodeAt(0));
});

test("there are as many workers as there are rows, and a row that is left can be taken again", () => {
  const { memory, cache } = make({ maxBytes: MiB, maxWorkers: 3 });
  const others = [SharedCache.attach(memory), SharedCache.attach(memory)];
  expect([cache, ...others].map(({ worker }) => worker)).toEqual([0, 1, 2]);
  expect(code(() => SharedCache.attach(memory))).toMatch(/^TZ_CACHE_WORKERS: all 3 worker rows/);
  others[0]!.close();
  expect(SharedCache.attach(memory).worker).toBe(1);
  expect(workersAttached(memory)).toBe(3);
});

test("pinned bytes stay whatever happens around them, and go when the pin goes", () => {
  const { memory, cache } = make({ maxBytes: MiB, maxEntryBytes: 60 * KiB, maxWorkers: 2 });
  const other = SharedCache.attach(memory);
  cache.insert("/pinned", 1, new Uint8Array(50_000).fill(1));
  const handle = other.pin("/pinned", 1);
  const view = other.view(handle);
  cache.insert("/pinned", 2, new Uint8Array(50_000).fill(2));
  cache.invalidate("/pinned");
  for (let i = 0; i < 500; i++) cache.insert(`/flood/${i}`, 1, new Uint8Array(40_000).fill(3));
  cache.invalidateAll();
  cache.close();
  expect(view.every((byte) => byte === 1)).toBe(true);
  expect(other.pin("/pinned", 1)).toBe(NONE);
  other.unpin(handle);
  for (let i = 0; i < 50; i++)
    expect(other.insert(`/flood/${i}`, 1, new Uint8Array(50_000).fill(4))).toBe(true);
  expect(view.every((byte) => byte === 1)).toBe(false);
  expect(inconsistencies(memory)).toEqual([]);
});

test("when everything is pinned there is no room, and the cache says so and goes on", () => {
  const { memory, cache } = make({ maxBytes: MiB, maxEntryBytes: 60 * KiB, maxEntries: 100, maxWorkers: 1 });
  const pins: number[] = [];
  for (let i = 0; ; i++) {
    if (!cache.insert(`/k${i}`, 1, new Uint8Array(60_000))) break;
    pins.push(cache.pin(`/k${i}`, 1));
  }
  expect(pins.length).toBe(16);
  expect(cache.statistics()).toMatchObject({ rejectedFull: 1, evictions: 0, entries: 16 });
  cache.unpin(pins[3]!);
  expect(cache.insert("/now", 1, new Uint8Array(60_000))).toBe(true);
  expect(cache.pin("/k3", 1)).toBe(NONE);
  expect(inconsistencies(memory)).toEqual([]);
});

test("a value larger than an entry may be is refused and leaves what is there", () => {
  const { cache } = make();
  const most = cache.maxEntryBytes - 2;
  expect(cache.insert("/k", 1, new Uint8Array(most))).toBe(true);
  expect(cache.insert("/k", 2, new Uint8Array(most + 1))).toBe(false);
  expect(cache.pin("/k", 1)).not.toBe(NONE);
  expect(cache.statistics().rejectedSize).toBe(1);
  expect(cache.insert("/empty", 1, new Uint8Array(0))).toBe(true);
  expect(text(cache, "/empty", 1)).toBe("");
});

test("the budget follows the sizes: all small, then all large, then small again", () => {
  const { memory, cache } = make({
    maxBytes: 8 * MiB,
    maxEntryBytes: 100 * KiB,
    maxEntries: 20_000,
    maxWorkers: 1,
  });
  const share = (prefix: string, count: number): number => {
    let found = 0;
    for (let i = 0; i < count; i++) {
      const handle = cache.pin(`${prefix}${i}`, 1);
      if (handle === NONE) continue;
      found++;
      cache.unpin(handle);
    }
    return found / count;
  };
  const phases = [
    ["/small/", 1000, 6000],
    ["/large/", 60_000, 90],
    ["/middle/", 9000, 600],
  ] as const;
  for (const [prefix, bytes, count] of phases) {
    for (let round = 0; round < 4; round++)
      for (let i = 0; i < count; i++) {
        const handle = cache.pin(`${prefix}${i}`, 1);
        if (handle !== NONE) cache.unpin(handle);
        else expect(cache.insert(`${prefix}${i}`, 1, new Uint8Array(bytes))).toBe(true);
      }
    // Six of eight MiB are asked for: after some rounds most of them are there.
    expect([prefix, share(prefix, count)]).toEqual([prefix, expect.closeTo(1, 0)]);
    expect(inconsistencies(memory)).toEqual([]);
  }
});

test("invalidation: by key, of all, and against what is being made meanwhile", () => {
  const { memory, cache } = make();
  const other = SharedCache.attach(memory);
  cache.insert("/a", 1, Buffer.from("old"));
  cache.insert("/b", 1, Buffer.from("b"));
  const handle = cache.reserve("/a", 2, 3);
  const ticket = cache.ticket("/a");
  other.invalidate("/a");
  expect(text(cache, "/a", ANY_VERSION)).toBeUndefined();
  expect(text(cache, "/b", 1)).toBe("b");
  expect(cache.publish(handle)).toBe(false);
  expect(cache.insert("/a", 2, Buffer.from("old too"), { since: ticket })).toBe(false);
  expect(cache.insert("/a", 3, Buffer.from("new"), { since: cache.ticket("/a") })).toBe(true);
  expect(text(other, "/a", 3)).toBe("new");
  other.invalidateAll();
  expect([text(cache, "/a", ANY_VERSION), text(cache, "/b", ANY_VERSION)]).toEqual([undefined, undefined]);
  cache.statistics(); // each worker writes its counts down now and then, and when it is asked
  expect(other.statistics()).toMatchObject({ droppedInvalidated: 2, invalidations: 2 });
  for (let i = 0; i < 300; i++) expect(cache.insert(`/k${i}`, 1, new Uint8Array(5000))).toBe(true);
  expect(inconsistencies(memory)).toEqual([]);
});

test("a reserved entry is seen by nobody until it is published, and leaves nothing when it is abandoned", () => {
  const { memory, cache } = make();
  const other = SharedCache.attach(memory);
  const handle = cache.reserve("/slow", 1, 5, { meta: 3 });
  cache.view(handle).set(Buffer.from("12345"));
  expect(other.pin("/slow", 1)).toBe(NONE);
  expect(cache.publish(handle)).toBe(true);
  expect(text(other, "/slow", 1)).toBe("12345");
  const given = cache.reserve("/given-up", 1, 100);
  cache.abandon(given);
  cache.insert("/next", 1, Buffer.from("x"));
  expect(inconsistencies(memory)).toEqual([]);
  expect(cache.statistics().entries).toBe(2);
});

test("leaving gives pins and reserved entries back, and is final", () => {
  const { memory, cache } = make();
  const other = SharedCache.attach(memory);
  cache.insert("/k", 1, Buffer.from("v"));
  other.pin("/k", 1);
  other.reserve("/half", 1, 10);
  other.close();
  other.close();
  expect(pinsHeld(memory)).toBe(0);
  expect(code(() => other.insert("/x", 1, new Uint8Array(1)))).toMatch(/^TZ_CACHE_CLOSED/);
  expect(code(() => other.pin("/k", 1))).toMatch(/^TZ_CACHE_CLOSED/);
  expect(text(cache, "/k", 1)).toBe("v");
  cache.insert("/next", 1, Buffer.from("x"));
  expect(inconsistencies(memory)).toEqual([]);
});

test("recover takes the word of the caller, but never for itself or for nobody", () => {
  const { memory, cache } = make();
  const dead = SharedCache.attach(memory, {
    liveness: { self: { thread: 4242, start: 1 }, isAlive: () => true },
  });
  cache.insert("/k", 1, Buffer.from("v"));
  dead.pin("/k", 1);
  expect(pinsHeld(memory)).toBe(1);
  expect([cache.recover(cache.worker), cache.recover(3), cache.recover(99)]).toEqual([false, false, false]);
  expect(cache.recover(dead.worker)).toBe(true);
  expect([pinsHeld(memory), workersAttached(memory)]).toEqual([0, 1]);
  expect(cache.recover(dead.worker)).toBe(false);
});

test("statistics add up over workers, and are published", () => {
  const { memory, cache } = make();
  const other = SharedCache.attach(memory, { name: "files" });
  cache.insert("/k", 1, new Uint8Array(1000));
  for (let i = 0; i < 300; i++) other.unpin(other.pin("/k", 1));
  cache.pin("/absent", 1);
  cache.statistics();
  const statistics = other.statistics();
  expect(statistics).toMatchObject({
    hits: 300,
    misses: 1,
    inserts: 1,
    entries: 1,
    maxBytes: MiB,
    hitRatio: 300 / 301,
  });
  expect(statistics.bytes).toBeGreaterThanOrEqual(1002);
  expect(statistics.bytes).toBeLessThan(1300);
  expect(statistics.workers.map(({ hits, misses }) => [hits, misses])).toEqual([
    [0, 1],
    [300, 0],
  ]);
  const messages: unknown[] = [];
  const listener = (message: unknown) => void messages.push(message);
  subscribe(CHANNELS.statistics, listener);
  other.publishStatistics();
  unsubscribe(CHANNELS.statistics, listener);
  expect(messages).toMatchObject([{ cache: "files", statistics: { hits: 300 } }]);
});

test("10 GiB are accepted without being allocated", () => {
  const options = { maxBytes: 10 * GiB };
  const before = process.memoryUsage.rss();
  const { memory, cache } = make(options);
  expect(memory.byteLength).toBeGreaterThan(10 * GiB);
  expect(cache.maxBytes).toBe(10 * GiB);
  for (let i = 0; i < 1000; i++) cache.insert(`/k${i}`, 1, new Uint8Array(10_000).fill(i));
  const handle = cache.pin("/k777", 1);
  expect(cache.view(handle).every((byte) => byte === (777 & 0xff))).toBe(true);
  expect(process.memoryUsage.rss() - before).toBeLessThan(100 * MiB);
});

test("entries behind 4 GiB are as good as the first", () => {
  const options = { maxBytes: 6 * GiB, maxEntryBytes: 60 * MiB, maxEntries: 1000, maxWorkers: 1 };
  const { cache } = make(options);
  // Reserved and not filled: only the keys at their ends take memory.
  const last = (5 * GiB) / (64 * MiB);
  for (let i = 0; i <= last; i++) expect(cache.publish(cache.reserve(`/k${i}`, 1, 59 * MiB))).toBe(true);
  const handle = cache.pin(`/k${last}`, 1);
  expect(cache.offset(handle)).toBeGreaterThan(4 * GiB);
  expect(cache.view(handle).byteLength).toBe(59 * MiB);
  const small = cache.reserve("/small", 1, 4);
  cache.view(small).set([1, 2, 3, 4]);
  cache.publish(small);
  expect([...cache.view(cache.pin("/small", 1))]).toEqual([1, 2, 3, 4]);
});
