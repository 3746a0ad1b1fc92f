import { describe, expect, test } from "vitest";
import { parseRange } from "./byte-ranges.js";

const ranges = (value: string, byteLength = 100, maxRanges = 10) => {
  const parsed = parseRange(value, byteLength, maxRanges);
  return typeof parsed === "string"
    ? parsed
    : parsed.map(({ start, end }) => `${start}-${end - 1}`).join(",");
};

describe("well formed", () => {
  test.each([
    ["bytes=0-4", "0-4"],
    ["bytes=5-", "5-99"],
    ["bytes=-6", "94-99"],
    ["bytes=-1000", "0-99"],
    ["bytes=90-1000", "90-99"],
    ["bytes=0-0", "0-0"],
    ["bytes=99-99", "99-99"],
    ["Bytes = 1-2", "1-2"],
    ["bytes= 1-2 ,, 4-5 ,", "1-2,4-5"],
    ["bytes=0-18446744073709551615", "0-99"],
    ["bytes=-18446744073709551616", "0-99"],
    ["bytes=0-1,200-300", "0-1"],
  ])("%s is %s", (value, expected) => {
    expect(ranges(value)).toBe(expected);
  });
});

describe("joined where they overlap or touch, in the order asked for", () => {
  test.each([
    ["bytes=0-4,5-9", "0-9"],
    ["bytes=0-9,3-5", "0-9"],
    ["bytes=50-59,0-4,55-70", "50-70,0-4"],
    ["bytes=-10,0-1,2-3", "90-99,0-3"],
    ["bytes=0-1,4-5", "0-1,4-5"],
  ])("%s is %s", (value, expected) => {
    expect(ranges(value)).toBe(expected);
  });
});

describe("nothing of it exists: 416", () => {
  test.each(["bytes=100-", "bytes=100-200", "bytes=100-,200-", "bytes=-0"])("%s", (value) => {
    expect(ranges(value)).toBe("unsatisfiable");
  });
  test("of an empty file", () => {
    expect(ranges("bytes=0-", 0)).toBe("unsatisfiable");
    expect(ranges("bytes=-0", 0)).toBe("unsatisfiable");
    expect(ranges("bytes=-5", 0)).toBe("whole");
  });
});

describe("not a range that we understand: the whole", () => {
  test.each([
    "items=0-4",
    "bytes",
    "bytes=",
    "bytes=,",
    "bytes=5-4",
    "bytes=a-b",
    "bytes=1-2,x",
    "bytes=--1",
    "bytes=1-2-3",
    "bytes=0x1-2",
    "bytes=1.0-2",
    "bytes=-",
    "",
  ])("%j", (value) => {
    expect(ranges(value)).toBe("whole");
  });
  test("more than the limit, even when they would be joined", () => {
    const many = Array.from({ length: 11 }, () => "0-").join(",");
    expect(ranges(`bytes=${many}`)).toBe("whole");
    expect(ranges(`bytes=${many}`, 100, 11)).toBe("0-99");
  });
});
