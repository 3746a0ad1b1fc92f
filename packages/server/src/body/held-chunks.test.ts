import { expect, test } from "vitest";
import { HeldChunks, JOINED_BYTES } from "./held-chunks.js";

const bytes = Uint8Array.from({ length: 20_000 }, (_, i) => i * 31);

function pieces(held: HeldChunks): Uint8Array[] {
  const all: Uint8Array[] = [];
  for (let chunk = held.shift(); chunk !== undefined; chunk = held.shift()) all.push(chunk);
  return all;
}

test("bytes that come one at a time are joined: no object for each of them", () => {
  const held = new HeldChunks();
  for (let i = 0; i < bytes.byteLength; i++) held.keep(bytes, i, i + 1);
  expect(held.byteLength).toBe(bytes.byteLength);
  const all = pieces(held);
  expect(all.length).toBeLessThanOrEqual(bytes.byteLength / JOINED_BYTES + 2);
  expect(Buffer.concat(all).equals(bytes)).toBe(true);
  expect(held.byteLength).toBe(0);
});

test("pieces of all sizes keep their order, read between them or at once", () => {
  const lengths = [1, 5000, 2, 3, 4095, 4096, 4097, 1, 1, 700];
  const held = new HeldChunks();
  let start = 0;
  for (const length of lengths) held.keep(bytes, start, (start += length));
  expect(Buffer.from(held.takeAll()).equals(bytes.subarray(0, start))).toBe(true);
  const read: Uint8Array[] = [];
  let at = 0;
  lengths.forEach((length, i) => {
    held.keep(bytes, at, (at += length));
    if (i % 3 === 2) read.push(held.shift()!);
  });
  expect(Buffer.concat([...read, ...pieces(held)]).equals(bytes.subarray(0, at))).toBe(true);
});

test("a piece that was taken is not written again, and a short one keeps no empty memory", () => {
  const held = new HeldChunks();
  for (let i = 0; i < 3; i++) held.keep(bytes, i, i + 1);
  expect(held.shift()).toEqual(bytes.slice(0, 1));
  const joined = held.shift()!;
  for (let i = 3; i < 10; i++) held.keep(bytes, i, i + 1);
  expect(joined).toEqual(bytes.slice(1, 3));
  expect(joined.buffer.byteLength).toBe(2);
});
