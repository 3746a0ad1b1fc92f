import fc from "fast-check";
import { expect, test } from "vitest";
import { closeReason } from "./close-reason.js";

test("a close reason is never cut inside of a character", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme", maxLength: 200 }), (text) => {
      const reason = closeReason(text);
      const bytes = Buffer.from(reason);
      expect(bytes.length).toBeLessThanOrEqual(123);
      expect(text.startsWith(reason)).toBe(true);
      expect(new TextDecoder("utf-8", { fatal: true }).decode(bytes)).toBe(reason);
      // As much as fits.
      if (reason !== text) expect(bytes.length).toBeGreaterThan(119);
    }),
  );
  expect(closeReason("é".repeat(100))).toBe("é".repeat(61));
  expect(closeReason("🙂".repeat(100))).toBe("🙂".repeat(30));
  expect(closeReason("x".repeat(123))).toBe("x".repeat(123));
});
