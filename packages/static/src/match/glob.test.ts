import { describe, expect, test } from "vitest";
import { compileGlob } from "./glob.js";

describe("matches", () => {
  test.each([
    ["*.js", "a.js", true],
    ["*.js", "deep/down/a.js", true],
    ["*.js", "a.jsx", false],
    ["a?.txt", "ab.txt", true],
    ["a?.txt", "a.txt", false],
    ["/a.js", "a.js", true],
    ["/a.js", "b/a.js", false],
    ["assets/*", "assets/a.js", true],
    ["assets/*", "assets/b/a.js", false],
    ["assets/*", "x/assets/a.js", false],
    ["assets/**", "assets/b/c/a.js", true],
    ["assets/**", "assets", true],
    ["**", "anything/at/all", true],
    ["**/a.js", "a.js", true],
    ["**/a.js", "x/y/a.js", true],
    ["**/b/**/c", "a/b/x/b/y/c", true],
    ["**/b/**/c", "a/c", false],
    ["*.{js,css}", "x/a.css", true],
    ["*.{js,css}", "x/a.png", false],
    ["{a,b/{c,d}}/*.txt", "b/d/x.txt", true],
    ["{a,b/{c,d}}/*.txt", "b/x.txt", false],
    ["[a-c]x", "bx", true],
    ["[!a-c]x", "bx", false],
    ["[!a-c]x", "dx", true],
    ["[]]x", "]x", true],
    ["ü*", "ünï", true],
    ["?", "😀", true],
    ["*a*b*c", "xxaxxbxxc", true],
    ["a.b", "axb", false],
    ["a(b)+", "a(b)+", true],
  ])("%s on %s: %s", (pattern, path, expected) => {
    expect(compileGlob(pattern)?.(path)).toBe(expected);
  });
});

test.each(["", "[a", "{a", "a}", "{a,{b}", `${"{a,b}".repeat(9)}`])("%j is no glob", (pattern) => {
  expect(compileGlob(pattern)).toBeUndefined();
});

test("a hostile path costs no more than pattern × path", () => {
  const matches = compileGlob("*a*a*a*a*a*a*a*a*a*b")!;
  expect(matches("a".repeat(4000))).toBe(false);
  expect(compileGlob("**/a/**/a/**/a/**/a/**/b")!("a/".repeat(2000))).toBe(false);
});
