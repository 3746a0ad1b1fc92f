import fc from "fast-check";
import { expect, test } from "vitest";
import { parseTarget } from "../resolve/target.js";
import { isPlainTarget } from "./plain-target.js";

const piece = fc.oneof(
  fc.constantFrom("/", "//", ".", "..", "%2e", "%2f", "\\", "?", "a", "b.txt", "~", "-", "_", "Z9", ":", "ü"),
  fc.string({ maxLength: 3 }),
);

test("a plain target is its own path, and hides nothing", () => {
  let plain = 0;
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
      const target = `/${pieces.join("")}`;
      const bytes = Buffer.from(`GET ${target} HTTP/1.1`, "latin1");
      if (!isPlainTarget(bytes, 4, 4 + target.length)) return;
      plain++;
      expect(parseTarget(target, "/")).toMatchObject({
        path: target.slice(1),
        canonical: target,
        isDirectory: false,
      });
      expect(target).not.toMatch(/\/\.|\/\/|\/$/);
    }),
    { numRuns: 5000 },
  );
  expect(plain).toBeGreaterThan(100);
});
