import { describe, expect, test } from "vitest";
import { encodeSegment, parseTarget } from "./target.js";

const pathOf = (target: string, prefix = "/") => {
  const parsed = parseTarget(target, prefix);
  return typeof parsed === "string" ? parsed : parsed.path;
};

describe("decodes once", () => {
  test.each([
    ["/", ""],
    ["/a/b.txt", "a/b.txt"],
    ["/a/b.txt?x=/../y", "a/b.txt"],
    ["/sp%20ace", "sp ace"],
    ["/a%2520b", "a%20b"],
    ["/%C3%BCn", "ün"],
    ["/%c3%bcn", "ün"],
    ["/\xc3\xbcn", "ün"],
    ["/plus+sign", "plus+sign"],
    ["/q%3Fmark", "q?mark"],
    ["/a%23b", "a#b"],
    ["//a///b/", "a/b"],
    ["/...", "..."],
    ["/..a/b..", "..a/b.."],
  ])("%s is %s", (target, path) => {
    expect(pathOf(target)).toBe(path);
  });
});

describe("refuses what has two readings, or none", () => {
  test.each([
    ["/..", "ambiguous"],
    ["/a/../b", "ambiguous"],
    ["/./a", "ambiguous"],
    ["/a/.", "ambiguous"],
    ["/%2e%2e/a", "ambiguous"],
    ["/.%2E/a", "ambiguous"],
    ["/a%2fb", "ambiguous"],
    ["/..%2Fa", "ambiguous"],
    ["/..%5ca", "ambiguous"],
    ["/a\\b", "ambiguous"],
    ["/a%00.png", "ambiguous"],
    ["/a%0d%0aX:1", "ambiguous"],
    ["/%7f", "ambiguous"],
    ["/%c0%ae%c0%ae/a", "malformed"],
    ["/%ff", "malformed"],
    ["/\xff", "malformed"],
    ["/%ed%a0%80", "malformed"],
    ["/%zz", "malformed"],
    ["/%", "malformed"],
    ["/%4", "malformed"],
    ["a", "malformed"],
    ["", "malformed"],
    ["*", "malformed"],
  ])("%s: %s", (target, fault) => {
    expect(parseTarget(target, "/")).toBe(fault);
  });
});

test("a prefix ends at a slash or at the end", () => {
  expect(pathOf("/assets/a", "/assets")).toBe("a");
  expect(pathOf("/assets", "/assets")).toBe("");
  expect(pathOf("/assets?x", "/assets")).toBe("");
  expect(pathOf("/assetsX/a", "/assets")).toBe("elsewhere");
  expect(pathOf("/a", "/assets")).toBe("elsewhere");
});

test("the canonical form begins with one slash and can be sent in Location", () => {
  const canonical = (target: string, prefix = "/") => {
    const parsed = parseTarget(target, prefix);
    return typeof parsed === "string" ? parsed : parsed.canonical;
  };
  expect(canonical("//evil.example//x")).toBe("/evil.example/x");
  expect(canonical("//")).toBe("/");
  expect(canonical("/%61/%c3%bc/")).toBe("/a/%C3%BC/");
  expect(canonical("/assets", "/assets")).toBe("/assets/");
  expect(canonical("/assets//a b", "/assets")).toBe("/assets/a%20b");
  expect(encodeSegment("a$&+,;=:@b c/?#")).toBe("a$&+,;=:@b%20c%2F%3F%23");
});
