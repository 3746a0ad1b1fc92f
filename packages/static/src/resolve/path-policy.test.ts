import { describe, expect, test } from "vitest";
import { resolveOptions, type StaticOptions } from "../options.js";
import { isDenied, isServed, judgePath } from "./path-policy.js";

const judge = (path: string, options: StaticOptions = {}, platform: "posix" | "win32" = "posix") =>
  judgePath(path.split("/"), resolveOptions(options), platform);

describe("dotfiles", () => {
  test.each([
    ["a/b.txt", "open"],
    [".env", "denied"],
    ["a/.git/config", "denied"],
    ["...", "denied"],
    [".well-known/a", "open"],
    [".well-known/.a", "denied"],
    ["a/.well-known/b", "denied"],
    [".well-knownX/a", "denied"],
  ])("%s: %s", (path, verdict) => {
    expect(judge(path)).toBe(verdict);
    expect(judge(path, { dotfiles: "ignore" })).toBe(verdict === "denied" ? "ignored" : "open");
    expect(judge(path, { dotfiles: "allow" })).toBe("open");
  });
});

describe("Windows reads some names as something else", () => {
  test.each([
    "C:",
    "C:/Windows/win.ini",
    "a.txt::$DATA",
    "a.txt:stream",
    "dir:/a",
    "con",
    "CON.txt",
    "aux/a.txt",
    "nul",
    "Com1",
    "lpt9.log",
    "COM².txt",
    "conin$",
    "a.php.",
    "a.php ",
    "a.php. .",
    "dir./a.txt",
    "PROGRA~1/a.txt",
    "a*.txt",
    "a?.txt",
    'a".txt',
    "a<b",
    "a|b",
  ])("%j is refused there and means itself elsewhere", (path) => {
    expect(judge(path, {}, "win32")).toBe("denied");
    expect(judge(path, {}, "posix")).toBe("open");
  });
  test.each(["console.txt", "com10", "lpt", "auxiliary", "a.con", "null", "~user/a"])(
    "%j is a name like others",
    (path) => {
      expect(judge(path, {}, "win32")).toBe("open");
    },
  );
});

test("extensions, in any case", () => {
  const denies = resolveOptions({ denyExtensions: [".map", "PHP"] });
  expect([isServed("a.js", denies), isServed("a.MAP", denies), isServed("a.php", denies)]).toEqual([
    true,
    false,
    false,
  ]);
  const allows = resolveOptions({ allowExtensions: ["js", ""] });
  expect([isServed("a.JS", allows), isServed("a", allows), isServed("a.css", allows)]).toEqual([
    true,
    true,
    false,
  ]);
  expect(isDenied("a.css", allows)).toBe(false);
});

test("globs", () => {
  const options = resolveOptions({ allow: ["public/**", "*.txt"], deny: ["**/private/**"] });
  expect(isServed("public/a.js", options)).toBe(true);
  expect(isServed("x/a.txt", options)).toBe(true);
  expect(isServed("x/a.js", options)).toBe(false);
  expect(isServed("public/private/a.js", options)).toBe(false);
  expect(isDenied("public/private/a.js", options)).toBe(true);
});
