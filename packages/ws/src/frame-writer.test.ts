import fc from "fast-check";
import { expect, test } from "vitest";
import { headLength, writeHead } from "./frame-writer.js";
import { encodeFrame } from "./wire.fixture.js";

test.each([
  ["0", 0],
  ["125, the longest in 7 bits", 125],
  ["126, the shortest in 16 bits", 126],
  ["65535, the longest in 16 bits", 65535],
  ["65536, the shortest in 64 bits", 65536],
  ["2^31", 2 ** 31],
  ["2^32 + 5", 2 ** 32 + 5],
  ["2^53 - 1", 2 ** 53 - 1],
])("RFC 6455 §5.2: a payload length of %s is written in its shortest form", (_name, length) => {
  for (const masked of [false, true]) {
    const key = [0x11, 0x22, 0x33, 0x84] as const;
    const expected = encodeFrame({ opcode: 2 }, { masked, key, announced: BigInt(length) });
    const head = Buffer.alloc(20, 0xaa);
    const end = writeHead(head, 3, 0x82, length, masked ? Buffer.from(key).readInt32LE() : undefined);
    expect(end).toBe(3 + headLength(length, masked));
    expect(head.subarray(3, end)).toEqual(expected);
    expect(head.subarray(end).every((byte) => byte === 0xaa)).toBe(true);
  }
});

test("every first byte and every key is written as it is", () => {
  fc.assert(
    fc.property(fc.nat(255), fc.integer(), (first, key) => {
      const head = Buffer.alloc(6);
      writeHead(head, 0, first, 5, key);
      expect([head[0], head[1], head.readInt32LE(2)]).toEqual([first, 0x85, key]);
    }),
  );
});
