import { expect, test } from "vitest";
import { listMatches, matchesWeakly } from "./entity-tag.js";

const matches = (value: string, tag = '"a"') => listMatches(value, tag, matchesWeakly);

test("lists of tags", () => {
  for (const value of [
    '"a"',
    ' "a" ',
    '"b","a"',
    '"b" ,\t"a"',
    ', ,"a"',
    'W/"a"',
    '"b", W/"a" ,',
    "*",
    " * ",
  ]) {
    expect(matches(value), value).toBe(true);
  }
  for (const value of ['"b"', "a", '"a" "a"', 'x, "a"', '"b" x, "a"', '"b"x', "", '"a', "**"]) {
    expect(matches(value), value).toBe(false);
  }
});

// A scan that goes back over the blanks takes an hour for these; one that does not, milliseconds.
test("long runs of blanks are read once", () => {
  const blanks = " \t".repeat(1_000_000);
  expect(matches(`"b",${blanks}x`)).toBe(false);
  expect(matches(`"b"${blanks}x`)).toBe(false);
  expect(matches(`${blanks}"b"${blanks}x`)).toBe(false);
  expect(matches(`"b",${blanks}"a"`)).toBe(true);
  expect(matches(`"b"${blanks},"a"${blanks}`)).toBe(true);
  expect(matches(`"b",${blanks.replaceAll("\t", ",")}"a"`)).toBe(true);
});
