import { expect, test } from "vitest";
import { halfSipHash } from "./half-sip-hash.js";

/** Of the Linux kernel's hsiphash on 32-bit machines (lib/siphash_kunit.c): the input is 0, 1, 2 …, n bytes. */
const VECTORS = [
  0x5814c896, 0xe7e864ca, 0xbc4b0e30, 0x01539939, 0x7e059ea6, 0x88e3d89b, 0xa0080b65, 0x9d38d9d6,
];

test("the published vectors", () => {
  const bytes = Uint8Array.from({ length: 16 }, (_, i) => i);
  const hashes = VECTORS.map((_, length) => halfSipHash(bytes, 0, length, 0x03020100, 0x07060504) >>> 0);
  expect(hashes).toEqual(VECTORS);
});

test("a part of an array hashes as the part alone", () => {
  const bytes = Buffer.from("xxuser-123456xx");
  expect(halfSipHash(bytes, 2, 13, 1, 2)).toBe(halfSipHash(Buffer.from("user-123456"), 0, 11, 1, 2));
});
