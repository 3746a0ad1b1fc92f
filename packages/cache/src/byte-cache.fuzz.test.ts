import fc from "fast-check";
import { expect, test } from "vitest";
import { ByteCache } from "./byte-cache.js";
import { MiB } from "./options.js";
import { POLICY_NAMES } from "./policy/choose.js";

const KEYS = ["/a/1", "/a/2", "/a/3", "/b/1", "/b/2", "__proto__", "constructor", "/c"];
const TAGS = ["red", "green", "toString"];
const PART = MiB / 8;

type Operation =
  | { op: "set"; key: string; parts: number; ttlMs: number; tags: string[] }
  | { op: "setNegative"; key: string; ttlMs: number }
  | { op: "get" | "peek" | "stateOf" | "delete"; key: string }
  | { op: "invalidateTag"; tag: string }
  | { op: "invalidatePrefix"; prefix: string }
  | { op: "pass"; ms: number }
  | { op: "purgeExpired" | "clear" | "reincarnate" };

const key = fc.constantFrom(...KEYS);
const ttlMs = fc.constantFrom(0, 1000, 2000, 5000);
const operations = fc.array(
  fc.oneof(
    {
      weight: 8,
      arbitrary: fc.record({
        op: fc.constant("set" as const),
        key,
        parts: fc.integer({ min: 0, max: 9 }),
        ttlMs,
        tags: fc.subarray(TAGS),
      }),
    },
    { weight: 1, arbitrary: fc.record({ op: fc.constant("setNegative" as const), key, ttlMs }) },
    {
      weight: 10,
      arbitrary: fc.record({ op: fc.constantFrom("get" as const, "peek" as const, "stateOf" as const), key }),
    },
    { weight: 1, arbitrary: fc.record({ op: fc.constant("delete" as const), key }) },
    {
      weight: 1,
      arbitrary: fc.record({ op: fc.constant("invalidateTag" as const), tag: fc.constantFrom(...TAGS) }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        op: fc.constant("invalidatePrefix" as const),
        prefix: fc.constantFrom("/a/", "/", "_"),
      }),
    },
    {
      weight: 5,
      arbitrary: fc.record({ op: fc.constant("pass" as const), ms: fc.integer({ min: 0, max: 1500 }) }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        op: fc.constantFrom("purgeExpired" as const, "clear" as const, "reincarnate" as const),
      }),
    },
  ),
  { maxLength: 200, size: "max" },
) as fc.Arbitrary<Operation[]>;

interface ModelEntry {
  key: string;
  value: number | undefined;
  bytes: number;
  expiresAtMs: number;
  tags: string[];
}

const STALE_MS = 1000;

/** The cache as a list in order of use. */
class Model {
  list: ModelEntry[] = [];
  nowMs = 0;
  gone: unknown[] = [];

  find(key: string) {
    return this.list.find((entry) => entry.key === key);
  }

  leave(entry: ModelEntry, reason: string) {
    this.list = this.list.filter((other) => other !== entry);
    if (entry.value !== undefined) this.gone.push([entry.key, entry.value, reason]);
  }

  state(entry: ModelEntry | undefined) {
    if (!entry) return "absent";
    const left = entry.expiresAtMs - this.nowMs;
    if (entry.expiresAtMs === 0 || left > 0) return entry.value === undefined ? "negative" : "fresh";
    return entry.value === undefined || left <= -STALE_MS ? "absent" : "stale";
  }

  put(entry: ModelEntry) {
    const old = this.find(entry.key);
    if (old) this.leave(old, "replaced");
    if (entry.bytes > MiB) return false;
    const used = () => this.list.reduce((sum, { bytes }) => sum + bytes, 0);
    while (used() + entry.bytes > MiB) this.leave(this.list[0]!, "bytes");
    this.list.push(entry);
    return true;
  }

  touch(key: string) {
    const entry = this.find(key);
    if (!entry) return undefined;
    this.list = [...this.list.filter((other) => other !== entry), entry];
    const state = this.state(entry);
    if (state === "absent") this.leave(entry, "expired");
    return state === "fresh" ? entry.value : undefined;
  }

  drop(reason: string, which: (entry: ModelEntry) => boolean) {
    const leaving = this.list.filter(which);
    for (const entry of leaving) this.leave(entry, reason);
    return leaving.length;
  }

  apply(operation: Operation, turn: number): unknown {
    const expiry = (ttl: number) => (ttl === 0 ? 0 : this.nowMs + ttl);
    switch (operation.op) {
      case "set": {
        const { key, parts, tags } = operation;
        return this.put({
          key,
          value: turn,
          bytes: parts * PART || 1,
          expiresAtMs: expiry(operation.ttlMs),
          tags,
        });
      }
      case "setNegative":
        return this.put({
          key: operation.key,
          value: undefined,
          bytes: 1,
          expiresAtMs: expiry(operation.ttlMs),
          tags: [],
        });
      case "get":
        return this.touch(operation.key);
      case "peek": {
        const entry = this.find(operation.key);
        return this.state(entry) === "fresh" ? entry?.value : undefined;
      }
      case "stateOf":
        return this.state(this.find(operation.key));
      case "delete":
        return this.drop("deleted", ({ key }) => key === operation.key) === 1;
      case "invalidateTag":
        return this.drop("invalidated", ({ tags }) => tags.includes(operation.tag));
      case "invalidatePrefix":
        return this.drop("invalidated", ({ key }) => key.startsWith(operation.prefix));
      case "purgeExpired":
        return this.drop("expired", (entry) => this.state(entry) === "absent");
      case "clear":
        return void this.drop("cleared", () => true);
      case "reincarnate":
        // A snapshot leaves out what is expired.
        this.list = this.list.filter((entry) => ["fresh", "negative"].includes(this.state(entry)));
        return undefined;
      case "pass":
        this.nowMs += operation.ms;
        return undefined;
    }
  }
}

test("ByteCache on LRU is equal to a list with expiry times", () => {
  fc.assert(
    fc.property(operations, (list) => {
      const model = new Model();
      const gone: unknown[] = [];
      const make = () =>
        new ByteCache<string, number>({
          maxBytes: MiB,
          staleIfErrorMs: STALE_MS,
          now: () => model.nowMs,
          wallNow: () => model.nowMs,
          onEvict: (key, value, reason) => gone.push([key, value, reason]),
        });
      let cache = make();
      const apply = (operation: Operation, turn: number): unknown => {
        if (operation.op === "set") {
          const { key, parts, ttlMs, tags } = operation;
          return cache.set(key, turn, { bytes: parts * PART, ttlMs, tags });
        }
        if (operation.op === "setNegative")
          return cache.setNegative(operation.key, { ttlMs: operation.ttlMs });
        if (operation.op === "invalidateTag") return cache.invalidateTag(operation.tag);
        if (operation.op === "invalidatePrefix") return cache.invalidatePrefix(operation.prefix);
        if (operation.op === "purgeExpired") return cache.purgeExpired();
        if (operation.op === "clear") return cache.clear();
        if (operation.op === "pass") return undefined;
        if (operation.op === "reincarnate") {
          const snapshot = structuredClone(cache.snapshot());
          cache = make();
          expect(cache.restore(snapshot)).toBe(snapshot.entries.length);
          return undefined;
        }
        const { op, key } = operation as { op: "get" | "peek" | "stateOf" | "delete"; key: string };
        return cache[op](key);
      };
      list.forEach((operation, turn) => {
        const wanted = model.apply(operation, turn);
        expect([turn, operation.op, apply(operation, turn)]).toEqual([turn, operation.op, wanted]);
        // Which of a tag's entries goes first is left open.
        expect(gone.splice(0).map(String).sort()).toEqual(model.gone.splice(0).map(String).sort());
        expect(cache.size).toBe(model.list.length);
        expect(cache.bytes).toBe(model.list.reduce((sum, { bytes }) => sum + bytes, 0));
      });
      expect([...cache.entries()]).toEqual(
        model.list.filter((entry) => model.state(entry) === "fresh").map(({ key, value }) => [key, value]),
      );
    }),
    { numRuns: 300 },
  );
});

test("under every policy a value is right or absent, and the counters add up", () => {
  fc.assert(
    fc.property(operations, fc.constantFrom(...POLICY_NAMES), (list, policy) => {
      let nowMs = 0;
      let left = 0;
      const cache = new ByteCache<string, number>({
        maxBytes: MiB,
        policy,
        now: () => nowMs,
        onEvict: () => left++,
      });
      const latest = new Map<string, { value: number; untilMs: number }>();
      let [gets, found] = [0, 0];
      list.forEach((operation, turn) => {
        if (operation.op === "set") {
          const { key, parts, ttlMs, tags } = operation;
          const stored = cache.set(key, turn, { bytes: parts * PART, ttlMs, tags });
          if (stored) latest.set(key, { value: turn, untilMs: ttlMs === 0 ? Infinity : nowMs + ttlMs });
          else latest.delete(key);
          expect(cache.peek(key)).toBe(stored ? turn : undefined);
        } else if (operation.op === "get") {
          gets++;
          const value = cache.get(operation.key);
          if (value === undefined) return;
          found++;
          expect(latest.get(operation.key)?.value).toBe(value);
          expect(latest.get(operation.key)!.untilMs).toBeGreaterThan(nowMs);
        } else if (operation.op === "delete") {
          cache.delete(operation.key);
          latest.delete(operation.key);
        } else if (operation.op === "pass") nowMs += operation.ms;
        expect(cache.bytes).toBeLessThanOrEqual(MiB);
      });
      const counts = cache.statistics();
      expect([counts.hits, counts.misses]).toEqual([found, gets - found]);
      expect([counts.bytes, counts.entries]).toEqual([cache.bytes, cache.size]);
      const { evictedBytes, evictedEntries, evictedAdmission, expirations, replaced, deleted } = counts;
      expect(evictedBytes + evictedEntries + evictedAdmission + expirations + replaced + deleted).toBe(left);
    }),
    { numRuns: 150 },
  );
});
