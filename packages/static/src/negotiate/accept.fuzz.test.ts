import fc from "fast-check";
import { expect, test } from "vitest";
import { parseWeighted, weightOfType } from "./accept.js";

const aField = fc.oneof(
  fc.string({ unit: "binary" }),
  fc
    .array(
      fc.constantFrom(
        "gzip",
        "br",
        "*",
        ",",
        ";",
        "q",
        "=",
        "0.5",
        "1.0001",
        "-1",
        "q=0",
        " ",
        "text/html",
        "/*",
      ),
      {
        maxLength: 40,
      },
    )
    .map((parts) => parts.join("")),
);

test("whatever Accept or Accept-Encoding holds, its weights are from 0 to 1 and its list is bounded", () => {
  fc.assert(
    fc.property(aField, (field) => {
      const members = parseWeighted(field);
      expect(members.length).toBeLessThanOrEqual(64);
      for (const { value, weight } of members) {
        expect(value).not.toBe("");
        expect(weight >= 0 && weight <= 1).toBe(true);
      }
      const weight = weightOfType(field, "text/html");
      expect(weight >= 0 && weight <= 1).toBe(true);
    }),
    { numRuns: 3000 },
  );
});
