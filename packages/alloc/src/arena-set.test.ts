import { expect, test } from "vitest";
import { Arena } from "./arena.js";
import { ArenaSet, LIFETIMES } from "./arena-set.js";

test("the five lifetimes have arenas, limits and statistics of their own", () => {
  const set = new ArenaSet({ request: { chunkBytes: 1024, limitBytes: 4096, atCapacity: "null" } });
  expect(set.statistics().map((row) => row.name)).toEqual([...LIFETIMES]);
  const arenas = Array.from({ length: 4 }, () => set.lease("request"));
  for (const arena of arenas) expect(arena.allocate(1000)).not.toBeNull();
  const fifth = set.lease("request");
  expect(fifth.allocate(1000)).toBeNull();
  expect(set.lease("cache").allocate(1000)).toBe(0);
  const [request, , , cache, fixed] = set.statistics();
  expect(request).toMatchObject({ allocatedBytes: 4000, mappedBytes: 4096, failures: 1 });
  expect(request?.parts[0]).toMatchObject({ live: 5, liveMax: 5 });
  expect(cache).toMatchObject({ allocatedBytes: 1000 });
  expect(fixed).toMatchObject({ allocatedBytes: 0, mappedBytes: 0 });
  // A released arena's chunk serves another at once.
  set.release(arenas[0]!);
  expect(fifth.allocate(1000)).toBe(0);
  expect(set.statistics()[0]).toMatchObject({ allocatedBytes: 4000, frees: 1 });
});

test("releasing twice, or an arena of somebody else, is an error", () => {
  const set = new ArenaSet();
  const arena = set.lease("task");
  set.release(arena);
  expect(() => set.release(arena)).toThrow(/"task" is not leased from this set/);
  expect(() => set.release(new Arena({ name: "task" }))).toThrow(
    expect.objectContaining({ code: "TZ_ALLOC_DOUBLE_FREE" }),
  );
  expect(() => set.release(new Arena({ name: "toString" }))).toThrow(/not leased/);
  expect(() => set.lease("session" as never)).toThrow(
    /lifetime must be one of request, response, task, cache, static/,
  );
});

test("an arena cannot be used after its release", () => {
  const set = new ArenaSet({ debug: true });
  const arena = set.lease("request");
  const offset = arena.allocate(8)!;
  set.release(arena);
  expect(() => arena.allocate(8)).toThrow(expect.objectContaining({ code: "TZ_ALLOC_STALE" }));
  expect(() => arena.view(offset, 8)).toThrow(expect.objectContaining({ code: "TZ_ALLOC_STALE" }));
  // In debug mode it never comes back, so the late user stays visible.
  expect(set.lease("request")).not.toBe(arena);
});

test("with() releases after the body, its throw, or its promise", async () => {
  const set = new ArenaSet();
  const live = () => set.statistics()[0]?.parts[0]?.live;
  expect(set.with("request", (arena) => arena.allocate(8))).toBe(0);
  expect(() =>
    set.with("request", () => {
      throw new Error("boom");
    }),
  ).toThrow("boom");
  const later = set.with("request", async (arena) => {
    await null;
    return arena.allocate(16);
  });
  expect(live()).toBe(1);
  expect(await later).toBe(0);
  await expect(set.with("request", () => Promise.reject(new Error("late")))).rejects.toThrow("late");
  expect(live()).toBe(0);
});

test("statistics survive arenas that are not kept", () => {
  const set = new ArenaSet({ idleArenasMax: 0 });
  for (let i = 0; i < 3; i++) set.with("request", (arena) => arena.allocate(100));
  expect(set.statistics()[0]).toMatchObject({ allocations: 3, allocatedBytes: 0 });
  expect(set.statistics()[0]?.highWater.allocatedBytes).toBe(100);
  expect(set.trim()).toBe(4096);
});

test("debug mode names who did not release", () => {
  const set = new ArenaSet({ debug: true });
  set.lease("request");
  const leaks = set.leaks();
  expect(leaks).toHaveLength(1);
  expect(leaks[0]?.stack).toContain("arena-set.test.ts");
});
