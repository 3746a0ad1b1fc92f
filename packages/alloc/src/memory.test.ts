import { expect, test } from "vitest";
import { bytesOf, type MemorySource } from "./memory.js";
import { SlabPool } from "./slab-pool.js";

interface WasmMemory {
  readonly buffer: ArrayBuffer;
}
/** The types of the web are not in this package's. */
const WasmMemory = (globalThis as unknown as { WebAssembly: { Memory: new (options: object) => WasmMemory } })
  .WebAssembly.Memory;

test.each<[string, MemorySource, number]>([
  ["an ArrayBuffer", new ArrayBuffer(64), 64],
  ["a SharedArrayBuffer", new SharedArrayBuffer(64), 64],
  ["a view", new Uint8Array(new ArrayBuffer(64), 8, 16), 16],
  ["a view of words", new Int32Array(new ArrayBuffer(64), 8, 4), 16],
  ["a Buffer", Buffer.alloc(8192), 8192],
  ["a region with bytes", { bytes: new Uint8Array(24) }, 24],
  ["a WebAssembly.Memory", new WasmMemory({ initial: 1, maximum: 1 }), 65_536],
])("takes %s", (_name, memory, length) => {
  expect(bytesOf("test", memory).length).toBe(length);
});

test("a pool works in the memory of a WebAssembly module", () => {
  const memory = new WasmMemory({ initial: 1, maximum: 1 });
  const pool = new SlabPool({ slotBytes: 4096, capacity: 16, memory });
  pool.view(pool.allocate()).fill(7);
  expect(new Uint8Array(memory.buffer)[4095]).toBe(7);
});

test.each([undefined, null, 5, {}, { bytes: [1] }, { buffer: {} }])("refuses %o", (memory) => {
  expect(() => bytesOf("test", memory as never)).toThrow(
    expect.objectContaining({
      code: "TZ_ALLOC_REGION",
      message: expect.stringContaining("test: memory must be a buffer"),
    }),
  );
});
