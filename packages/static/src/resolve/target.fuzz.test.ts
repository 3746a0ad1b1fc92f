import path from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { encodeSegment, parseTarget } from "./target.js";

const piece = fc.oneof(
  fc.constantFrom(
    "/",
    "//",
    ".",
    "..",
    "%2e",
    "%2E%2e",
    "%2f",
    "%5c",
    "\\",
    "%00",
    "%25",
    "%c0%ae",
    "%ff",
    "a",
    "b.txt",
    "?",
    "ü",
    "%C3%BC",
    "~",
    ";",
  ),
  fc.string({ maxLength: 4 }),
);
const target = fc.array(piece, { maxLength: 12 }).map((pieces) => `/${pieces.join("")}`);

test("whatever comes, the path stays below the root", () => {
  fc.assert(
    fc.property(target, (text) => {
      const parsed = parseTarget(text, "/");
      if (typeof parsed === "string") return;
      const file = path.posix.resolve("/root", parsed.path);
      expect(file === "/root" || file.startsWith("/root/")).toBe(true);
      expect(path.posix.relative("/root", file)).toBe(parsed.path);
      expect(parsed.path).not.toMatch(/[\0\\\r\n]/);
    }),
    { numRuns: 5000 },
  );
});

test("the canonical form is a fixed point that means the same path and leads nowhere else", () => {
  fc.assert(
    fc.property(target, (text) => {
      const parsed = parseTarget(text, "/");
      if (typeof parsed === "string") return;
      expect(parsed.canonical).toMatch(/^\/(?![/\\])[\x21-\x7e]*$/);
      const again = parseTarget(parsed.canonical, "/");
      expect(again).toMatchObject({
        path: parsed.path,
        canonical: parsed.canonical,
        isDirectory: parsed.isDirectory,
      });
    }),
    { numRuns: 5000 },
  );
});

test("every name comes back from its encoding", () => {
  const name = fc
    .string({ unit: "grapheme", minLength: 1 })
    .filter(
      (text) =>
        Buffer.from(text).toString() === text &&
        text !== "." &&
        text !== ".." &&
        !/[/\\\x00-\x1f\x7f]/.test(text),
    );
  fc.assert(
    fc.property(name, (text) => {
      expect(parseTarget(`/${encodeSegment(text)}`, "/")).toMatchObject({ segments: [text] });
    }),
  );
});
