import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Kernel, plainKernel, simdKernel } from "./kernel.js";
import { maskBytes, maskWords, readKey, rotateKey } from "./mask.js";
import { webAssembly } from "./webassembly.js";

const MEMORY_BYTES = 65536;

/** RFC 6455 §5.3 as it is written: j = i MOD 4, one octet at a time. */
function asTheRfcSays(payload: Uint8Array, key: readonly number[]): Buffer {
  return Buffer.from(payload.map((octet, i) => octet ^ key[i % 4]!));
}

const aKey = fc.tuple(fc.nat(255), fc.nat(255), fc.nat(255), fc.nat(255));
const aPayload = fc.oneof(
  fc.uint8Array({ maxLength: 300 }),
  fc.uint8Array({ minLength: 0, maxLength: 40 }).map((bytes) => bytes.map((byte) => byte & 0x7f)),
);

type Masker = (memory: Uint8Array, start: number, end: number, key: number) => boolean;

function ofKernel(make: (memory: { readonly buffer: ArrayBuffer }) => Kernel): Masker {
  const memory = new webAssembly!.Memory({ initial: 1, maximum: 1 });
  const kernel = make(memory);
  const all = new Uint8Array(memory.buffer);
  return (bytes, start, end, key) => {
    all.set(bytes);
    const ascii = kernel.mask(start, end, key) === 0;
    bytes.set(all.subarray(0, bytes.length));
    return ascii;
  };
}

const MASKERS: readonly (readonly [string, Masker])[] = [
  ["byte by byte", maskBytes],
  ["by words", (bytes, start, end, key) => maskWords(bytes, new Int32Array(bytes.buffer), start, end, key)],
  ["the plain kernel", ofKernel((memory) => plainKernel(memory.buffer))],
  ["the SIMD kernel", ofKernel((memory) => simdKernel(memory)!)],
];

describe.each(MASKERS)("masking, %s", (_name, mask) => {
  test("the example of RFC 6455 §5.7: a masked Hello", () => {
    const payload = Buffer.from("7f9f4d5158", "hex");
    const memory = new Uint8Array(8);
    memory.set(payload);
    expect(mask(memory, 0, 5, readKey(Buffer.from("37fa213d", "hex"), 0))).toBe(true);
    expect(Buffer.from(memory.subarray(0, 5)).toString()).toBe("Hello");
  });

  test("RFC 6455 §5.3 for every payload, key and position, and nothing beside it", () => {
    fc.assert(
      fc.property(aPayload, aKey, fc.nat(40), (payload, key, offset) => {
        const memory = new Uint8Array((offset + payload.length + 72) & ~3).fill(0xaa);
        memory.set(payload, offset);
        const expected = Buffer.from(memory);
        const masked = asTheRfcSays(payload, key);
        expected.set(masked, offset);
        const ascii = mask(memory, offset, offset + payload.length, readKey(Uint8Array.from(key), 0));
        expect(expected.equals(memory)).toBe(true);
        expect(ascii).toBe(masked.every((byte) => byte < 0x80));
      }),
      { numRuns: 2000 },
    );
  });

  test("every length to 200 at every alignment, each byte in turn not ASCII", () => {
    for (let length = 0; length <= 200; length++) {
      const start = length % 17;
      const memory = new Uint8Array(256);
      if (length > 0) memory[start + ((length * 7) % length)] = 0x80;
      expect(mask(memory, start, start + length, 0)).toBe(length === 0);
    }
  });
});

test("a payload that is masked in two parts is masked as in one", () => {
  fc.assert(
    fc.property(aPayload, aKey, fc.nat(300), (payload, bytes, at) => {
      const key = readKey(Uint8Array.from(bytes), 0);
      const cut = Math.min(at, payload.length);
      const parts = Uint8Array.from(payload);
      maskBytes(parts, 0, cut, key);
      maskBytes(parts, cut, parts.length, rotateKey(key, cut));
      expect(asTheRfcSays(payload, bytes).equals(parts)).toBe(true);
    }),
  );
});

test("a kernel's copy is memmove: ranges may overlap", () => {
  const memory = new webAssembly!.Memory({ initial: 1, maximum: 1 });
  const bytes = Buffer.from(memory.buffer);
  const kernels = [simdKernel(memory)!, plainKernel(memory.buffer)];
  for (const kernel of kernels) {
    for (const [to, from] of [
      [0, 3],
      [3, 0],
      [100, 0],
    ] as const) {
      bytes.fill(0).write("abcdefghij");
      const expected = Buffer.from(bytes).copyWithin(to, from, from + 10);
      kernel.copy(to, from, 10);
      expect(bytes.equals(expected)).toBe(true);
    }
  }
  expect(bytes.length).toBe(MEMORY_BYTES);
});
