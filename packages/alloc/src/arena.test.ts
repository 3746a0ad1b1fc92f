import { expect, test } from "vitest";
import { Arena } from "./arena.js";

test("offsets in memory of the caller are positions in it", () => {
  const memory = new ArrayBuffer(256);
  const arena = new Arena({ memory });
  expect(arena.allocate(3)).toBe(0);
  expect(arena.allocate(8)).toBe(8);
  expect(arena.allocate(1, 64)).toBe(64);
  arena.view(8, 8).fill(7);
  expect([...new Uint8Array(memory, 7, 10)]).toEqual([0, 7, 7, 7, 7, 7, 7, 7, 7, 0]);
  expect(arena.usedBytes).toBe(65);
});

test("grows by chunks up to the limit and keeps views of earlier chunks", () => {
  const arena = new Arena({ chunkBytes: 4096, limitBytes: 16384, atCapacity: "null" });
  const offsets: number[] = [];
  for (let i = 0; i < 4; i++) {
    const offset = arena.allocate(4000)!;
    arena.view(offset, 4000).fill(i + 1);
    offsets.push(offset);
  }
  expect(arena.allocate(4000)).toBeNull();
  expect(arena.statistics()).toMatchObject({ mappedBytes: 16384, allocatedBytes: 16000, failures: 1 });
  offsets.forEach((offset, i) => {
    expect(arena.view(offset, 4000).every((byte) => byte === i + 1)).toBe(true);
  });
  // A request larger than a chunk gets one of its own, given back at the reset.
  arena.reset();
  expect(arena.trim()).toBeGreaterThan(0);
  expect(arena.allocate(10000)).not.toBeNull();
  expect(arena.statistics().mappedBytes).toBe(10000);
});

test("scopes nest and free what they allocated, also when they throw", () => {
  const arena = new Arena({ chunkBytes: 128 });
  arena.allocate(100);
  const used = arena.usedBytes;
  const inner = arena.scope(() => {
    arena.allocate(100);
    expect(() =>
      arena.scope(() => {
        arena.allocate(100);
        throw new Error("boom");
      }),
    ).toThrow("boom");
    return arena.usedBytes;
  });
  expect(inner).toBe(used + 100);
  expect(arena.usedBytes).toBe(used);
  expect(arena.allocate(8)).toBe(104);
});

test("a scope refuses a promise and frees what it took", () => {
  const arena = new Arena();
  expect(() => arena.scope(async () => arena.allocate(8))).toThrow(/must be synchronous/);
  expect(arena.usedBytes).toBe(0);
});

test("a mark ends with a reset to an earlier one, and can be used again until then", () => {
  const arena = new Arena();
  const first = arena.mark();
  arena.allocate(10);
  const second = arena.mark();
  arena.allocate(10);
  arena.reset(second);
  arena.allocate(10);
  arena.reset(second);
  expect(arena.usedBytes).toBe(10);
  arena.reset(first);
  expect(() => arena.reset(second)).toThrow(expect.objectContaining({ code: "TZ_ALLOC_STALE" }));
  expect(() => new Arena().reset(first)).toThrow(expect.objectContaining({ code: "TZ_ALLOC_ADDRESS" }));
  expect(arena.usedBytes).toBe(0);
});

test("debug mode finds an offset used after reset, even when its place is allocated again", () => {
  const arena = new Arena({ debug: true });
  const kept = arena.allocate(16);
  const mark = arena.mark();
  const stale = arena.allocate(16);
  arena.reset(mark);
  const fresh = arena.allocate(16);
  expect(fresh).not.toBe(stale);
  expect(() => arena.view(stale, 16)).toThrow(
    expect.objectContaining({
      code: "TZ_ALLOC_STALE",
      message: expect.stringContaining(`16 bytes at offset ${stale}`),
    }),
  );
  expect(arena.view(kept, 16).length).toBe(16);
  expect(arena.view(fresh, 16).length).toBe(16);
  arena.reset();
  expect(() => arena.view(kept, 16)).toThrow(/not allocated since the last reset/);
});

test("debug mode finds a write after reset", () => {
  const arena = new Arena({ debug: true, name: "request" });
  const view = arena.allocateView(32);
  view.fill(1);
  arena.reset();
  expect(view[0]).toBe(0xdd);
  view[5] = 1;
  expect(() => arena.allocate(32)).toThrow(
    /byte 5 of the 32 bytes at offset \d+ was written \(0x01\) while nobody held it/,
  );
});

test.each([0, -1, Number.NaN, 1.5, 2 ** 31, Number.POSITIVE_INFINITY])("refuses a size of %s", (size) => {
  const arena = new Arena({ limitBytes: 4096 });
  arena.allocate(8);
  expect(() => arena.allocate(size)).toThrow(
    expect.objectContaining({
      code: "TZ_ALLOC_SIZE",
      message: `Arena Arena: bytes must be an integer from 1 to 4096, got ${size}`,
    }),
  );
  expect(arena.allocate(8)).toBe(8);
});

test.each([0, 3, -8, Number.NaN, 8192, 0.5])("refuses an alignment of %s", (alignment) => {
  const arena = new Arena();
  expect(() => arena.allocate(8, alignment)).toThrow(
    expect.objectContaining({
      code: "TZ_ALLOC_ALIGNMENT",
      message: `Arena Arena: alignment must be a power of two from 1 to 4096, got ${alignment}`,
    }),
  );
  expect(arena.allocate(8)).toBe(0);
});

test("refuses a view that is not allocated", () => {
  const arena = new Arena();
  arena.allocate(8);
  for (const [offset, bytes] of [
    [8, 1],
    [0, 9],
    [-1, 1],
    [Number.NaN, 1],
    [0, -1],
    [0.5, 1],
  ] as const) {
    expect(() => arena.view(offset, bytes)).toThrow(expect.objectContaining({ code: "TZ_ALLOC_ADDRESS" }));
  }
});

test("a function at capacity may make room", () => {
  const arena: Arena<() => boolean> = new Arena({
    memory: new ArrayBuffer(64),
    atCapacity: () => {
      arena.reset();
      return true;
    },
  });
  expect(arena.allocate(40)).toBe(0);
  expect(arena.allocate(40)).toBe(0);
  expect(arena.statistics().failures).toBe(1);
});

test("throws at capacity by default, with what is used", () => {
  const arena = new Arena({ memory: new ArrayBuffer(64) });
  arena.allocate(40);
  expect(() => arena.allocate(40)).toThrow(
    "Arena Arena: no room for 40 bytes: 40 are used and 64 of 64 are mapped",
  );
});

test("refuses options that contradict each other", () => {
  expect(() => new Arena({ memory: new ArrayBuffer(64), chunkBytes: 64 })).toThrow(
    /"chunkBytes" has no meaning/,
  );
  expect(() => new Arena({ memory: {} as never })).toThrow(/memory must be a buffer, a view or a region/);
});

test("takes chunks from a source and gives them back", () => {
  const live = new Set<unknown>();
  const source = {
    map(bytes: number) {
      const region = { bytes: new Uint8Array(bytes + 10) };
      live.add(region);
      return region;
    },
    unmap(memory: unknown) {
      expect(live.delete(memory)).toBe(true);
    },
  };
  const arena = new Arena({ source, chunkBytes: 1024 });
  for (let i = 0; i < 10; i++) arena.allocate(1000);
  expect(live.size).toBe(10);
  arena.reset();
  arena.trim();
  expect(live.size).toBe(0);
  expect(arena.statistics().mappedBytes).toBe(0);
  expect(arena.allocate(8)).toBeGreaterThanOrEqual(0);
});

test("a source that gives too little is found out", () => {
  const arena = new Arena({ source: { map: () => new ArrayBuffer(8) } });
  expect(() => arena.allocate(8)).toThrow(/was asked for 65536 bytes and gave 8/);
});
