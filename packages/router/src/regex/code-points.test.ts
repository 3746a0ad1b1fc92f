import { expect, test } from "vitest";
import { invertRanges, normalizeRanges, utf8Sequences } from "./code-points.js";

const encoder = new TextEncoder();

test("ranges are sorted and joined", () => {
  expect(
    normalizeRanges([
      [5, 9],
      [1, 2],
      [3, 3],
      [8, 12],
    ]),
  ).toEqual([
    [1, 3],
    [5, 12],
  ]);
  expect(
    invertRanges([
      [0, 0x40],
      [0x43, 0x10ffff],
    ]),
  ).toEqual([[0x41, 0x42]]);
});

test.each([
  [0, 0x10ffff],
  [0x7f, 0x80],
  [0x7ff, 0x800],
  [0xd000, 0xe001],
  [0xfff0, 0x10010],
  [0x1f300, 0x1f6ff],
  [0x10fffe, 0x10ffff],
])("the sequences of U+%s to U+%s are those of its characters and of no others", (low, high) => {
  const sequences = utf8Sequences([low, high]);
  const covers = (bytes: Uint8Array) =>
    sequences.filter(
      (sequence) =>
        sequence.length === bytes.length &&
        sequence.every(([from, to], index) => from <= bytes[index]! && bytes[index]! <= to),
    ).length;
  const edges = [low, high, 0x7f, 0x80, 0x7ff, 0x800, 0xd7ff, 0xe000, 0xffff, 0x10000, 0x10ffff];
  for (const codePoint of edges.flatMap((edge) => [edge - 1, edge, edge + 1])) {
    const isCharacter =
      codePoint >= 0 && codePoint <= 0x10ffff && !(codePoint >= 0xd800 && codePoint <= 0xdfff);
    if (!isCharacter) continue;
    const expected = codePoint >= low && codePoint <= high ? 1 : 0;
    expect(covers(encoder.encode(String.fromCodePoint(codePoint))), codePoint.toString(16)).toBe(expected);
  }
});
