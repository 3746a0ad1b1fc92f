import fc from "fast-check";
import { expect, test } from "vitest";
import { parseCookies } from "./cookies.js";

const aField = fc.oneof(
  fc.string({ unit: "binary" }),
  fc
    .array(fc.constantFrom("a", "=", ";", " ", '"', "%", "%zz", "%C3%A4", "__proto__", "\\", ","), {
      maxLength: 30,
    })
    .map((parts) => parts.join("")),
);

test("whatever a Cookie field holds, its values are texts under names of their own", () => {
  fc.assert(
    fc.property(aField, (field) => {
      const cookies = parseCookies(field);
      for (const [name, value] of Object.entries(cookies)) {
        expect(typeof value).toBe("string");
        expect(field.includes(name)).toBe(true);
      }
      expect(({} as { polluted?: unknown }).polluted).toBe(undefined);
    }),
    { numRuns: 3000 },
  );
});
