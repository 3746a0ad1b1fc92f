import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import { read, write } from "./file.js";
import { addressOfBytes } from "./native.js";
import { pipe2 } from "./pipe.js";
import { Region } from "./region.js";
import { regionStats } from "./region-registry.js";

// The types of Node 20 lack it.
declare const WebAssembly: {
  Memory: new (limits: {
    initial: number;
    maximum: number;
    shared?: boolean;
  }) => { buffer: ArrayBufferLike; grow(pages: number): number };
};

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

test("allocates zeroed bytes at the address that it tells, aligned as asked", () => {
  for (const alignment of [8, 16, 64, 4096, 2 * 1024 * 1024]) {
    const region = Region.allocate(100, { alignment });
    expect(region.address % alignment).toBe(0);
    expect(region.address).toBe(addressOfBytes(region.bytes));
    expect(region.bytes).toEqual(new Uint8Array(100));
    expect(region.u32.length).toBe(25);
    region.release();
  }
});

test("the typed views see the same memory", () => {
  const region = Region.allocate(7);
  region.u32[0] = 0xfffffffe;
  expect(region.i32[0]).toBe(-2);
  expect(region.view.getUint8(0)).toBe(0xfe);
  expect(region.view.byteLength).toBe(7);
  region.release();
});

test.each([0, -1, 1.5, Number.NaN, 2 ** 60])("refuses a length of %s", (byteLength) => {
  expect(() => Region.allocate(byteLength)).toThrow(expect.objectContaining({ code: "TZ_SYS_BAD_ARGUMENT" }));
});

test.each([0, 1, 12, -16, 2 ** 22, 16.5, Number.NaN])("refuses an alignment of %s", (alignment) => {
  expect(() => Region.allocate(8, { alignment })).toThrow(
    expect.objectContaining({ code: "TZ_SYS_BAD_ARGUMENT" }),
  );
});

test("takes WebAssembly, shared and plain memory of others", () => {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1 });
  const shared = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
  const regions = [
    Region.fromMemory(memory),
    Region.fromMemory(shared),
    Region.fromBuffer(new ArrayBuffer(64)),
    Region.fromBuffer(new SharedArrayBuffer(64)),
  ];
  const { readFd, writeFd } = pipe2(0);
  for (const region of regions) {
    region.bytes.set([1, 2, 3, 4]);
    expect(write(writeFd, region.address, 4)).toBe(4);
    expect(read(readFd, region.address + 8, 4)).toBe(4);
    expect([...region.bytes.subarray(0, 12)]).toEqual([1, 2, 3, 4, 0, 0, 0, 0, 1, 2, 3, 4]);
    region.release();
  }
  expect(() => Region.fromBuffer(new ArrayBuffer(0))).toThrow("empty or detached");
});

test("addressOf gives addresses inside and nothing else", () => {
  const region = Region.allocate(64);
  expect(region.addressOf(0, 64)).toBe(region.address);
  expect(region.addressOf(60, 4)).toBe(region.address + 60);
  expect(region.addressOf(64)).toBe(region.address + 64);
  const bad = [
    [61, 4],
    [-1, 1],
    [65, 0],
    [0, 65],
    [Number.NaN, 1],
    [0, -1],
  ] as const;
  for (const [offset, length] of bad) {
    expect(() => region.addressOf(offset, length)).toThrow(
      expect.objectContaining({ code: "TZ_SYS_BAD_ADDRESS" }),
    );
  }
  region.release();
});

test("after release every use throws, and releasing again does nothing", () => {
  const before = regionStats();
  const region = Region.allocate(64);
  expect(regionStats()).toEqual({ regions: before.regions + 1, bytes: before.bytes + 64 });
  region.release();
  region.release();
  expect(regionStats()).toEqual(before);
  expect(region.isReleased).toBe(true);
  const uses = [
    () => region.bytes,
    () => region.view,
    () => region.u32,
    () => region.i32,
    () => region.addressOf(0),
  ];
  for (const use of uses) expect(use).toThrow(expect.objectContaining({ code: "TZ_SYS_RELEASED" }));
});

test("a detached buffer is noticed", () => {
  const buffer = new ArrayBuffer(64);
  const region = Region.fromBuffer(buffer);
  structuredClone(buffer, { transfer: [buffer] });
  expect(buffer.byteLength).toBe(0);
  expect(() => region.addressOf(0, 8)).toThrow("detached");
  region.release();
});

test("a WebAssembly memory that grows is noticed", () => {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 2 });
  const region = Region.fromMemory(memory);
  memory.grow(1);
  expect(() => region.addressOf(0, 8)).toThrow("detached");
  region.release();
});

test("our own buffers cannot be transferred away", () => {
  const region = Region.allocate(64);
  const { buffer } = region.bytes;
  try {
    structuredClone(buffer, { transfer: [buffer as ArrayBuffer] });
  } catch {
    // Newer Node throws, Node 20 copies; neither takes the memory.
  }
  expect(buffer.byteLength).toBeGreaterThanOrEqual(64);
  region.release();
});

test("memory that only the kernel knows outlives the garbage collector until its release", async () => {
  const { readFd, writeFd } = pipe2(0);
  const check = Region.allocate(512);
  const addresses: number[] = [];
  const weak: WeakRef<ArrayBufferLike>[] = [];
  const releases: (() => void)[] = [];
  for (let i = 0; i < 500; i++) {
    const region = Region.allocate(512);
    region.bytes.fill(i);
    addresses.push(region.address);
    weak.push(new WeakRef(region.bytes.buffer));
    if (i % 2 === 0) releases.push(() => region.release());
  }
  // A WeakRef keeps its target until the end of the task that made it.
  await nextTask();
  collectGarbage();
  for (let i = 0; i < 2000; i++) new Uint8Array(new ArrayBuffer(512 + 15)).fill(0xee);
  for (const [i, address] of addresses.entries()) {
    expect(write(writeFd, address, 512)).toBe(512);
    expect(read(readFd, check.address, 512)).toBe(512);
    expect(check.bytes.every((byte) => byte === (i & 0xff))).toBe(true);
  }
  for (const release of releases.splice(0)) release();
  await nextTask();
  collectGarbage();
  await nextTask();
  collectGarbage();
  const alive = weak.map((ref) => ref.deref() !== undefined);
  expect(alive.filter((_, i) => i % 2 === 1).every(Boolean)).toBe(true);
  expect(alive.filter((isAlive, i) => i % 2 === 0 && isAlive).length).toBeLessThan(25);
  check.release();
});

function nextTask(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
