import { FIELD_NAMES, type FieldId, type PlanRequest } from "@tz/http1";
import fc from "fast-check";
import { expect, test } from "vitest";
import { evaluatePreconditions, rangeApplies } from "./preconditions.js";

function request(fields: Readonly<Record<string, string>>): PlanRequest {
  let fieldMask = 0;
  for (const name of Object.keys(fields)) fieldMask |= 1 << FIELD_NAMES.indexOf(name);
  const field = (name: FieldId | string) => fields[typeof name === "string" ? name : FIELD_NAMES[name]!];
  return { method: "GET", target: "/", minorVersion: 1, fieldMask, field };
}

const opaque = fc.string({ unit: fc.constantFrom(..."aW/*,; !\u00ff"), maxLength: 4 });
const tag = fc
  .tuple(fc.boolean(), opaque)
  .map(([weak, text]) => `${weak ? "W/" : ""}"${text.replaceAll(" ", "")}"`);
const blank = fc.constantFrom("", " ", "\t", "  ");
const anything = fc.oneof(
  fc.string({ unit: "binary" }),
  fc
    .array(fc.constantFrom('"a"', 'W/"a"', '"', "W/", ",", " ", "*", "a", "\\"), { maxLength: 20 })
    .map((parts) => parts.join("")),
);
const strong = (one: string, other: string): boolean => one === other && !one.startsWith("W/");
const bare = (text: string): string => text.replace(/^W\//, "");

test("a list of tags names what one of its members names", () => {
  fc.assert(
    fc.property(
      fc.array(tag, { minLength: 1, maxLength: 6 }),
      tag,
      blank,
      blank,
      (tags, etag, before, behind) => {
        const list = tags.join(`${before},${behind}`);
        const validators = { etag, formerEtag: undefined, lastModifiedSeconds: undefined };
        const weakly = tags.some((each) => bare(each) === bare(etag));
        const strongly = tags.some((each) => strong(each, etag));
        expect(evaluatePreconditions(request({ "if-none-match": list }), validators)).toBe(
          weakly ? "not-modified" : "proceed",
        );
        expect(evaluatePreconditions(request({ "if-match": list }), validators)).toBe(
          strongly ? "proceed" : "failed",
        );
      },
    ),
    { numRuns: 2000 },
  );
});

test("what is no list never says that a client has a representation that it does not name", () => {
  const validators = { etag: '"kept"', formerEtag: 'W/"former"', lastModifiedSeconds: 1_700_000_000 };
  fc.assert(
    fc.property(anything, anything, (text, date) => {
      const verdict = evaluatePreconditions(
        request({ "if-none-match": text, "if-modified-since": date }),
        validators,
      );
      const names = text.trim() === "*" || text.includes('"kept"') || text.includes('"former"');
      if (!names) expect(verdict).toBe("proceed");
      const applies = rangeApplies(request({ "if-range": text }), validators, 1_800_000_000_000);
      if (text !== '"kept"') expect(applies).toBe(false);
    }),
    { numRuns: 3000 },
  );
});
