import { FIELD_NAMES, type FieldId, type PlanRequest } from "@tz/http1";
import { describe, expect, test } from "vitest";
import { evaluatePreconditions, rangeApplies } from "./preconditions.js";

function request(fields: Record<string, string>): PlanRequest {
  let fieldMask = 0;
  for (const name of Object.keys(fields)) fieldMask |= 1 << FIELD_NAMES.indexOf(name);
  const field = (name: FieldId | string) => fields[typeof name === "string" ? name : FIELD_NAMES[name]!];
  return { method: "GET", target: "/", minorVersion: 1, fieldMask, field };
}

const SAME = "Tue, 14 Nov 2023 22:13:20 GMT";
const OLDER = "Tue, 14 Nov 2023 22:13:19 GMT";
const NEWER = "Tue, 14 Nov 2023 22:13:21 GMT";
const weak = { etag: 'W/"a"', formerEtag: undefined, lastModifiedSeconds: 1_700_000_000 };
const strong = { etag: '"a"', formerEtag: 'W/"former"', lastModifiedSeconds: 1_700_000_000 };
const none = { etag: undefined, formerEtag: undefined, lastModifiedSeconds: undefined };

describe("each alone", () => {
  test.each([
    ["if-none-match", 'W/"a"', weak, "not-modified"],
    ["if-none-match", '"a"', weak, "not-modified"],
    ["if-none-match", '"x", W/"a", "y"', weak, "not-modified"],
    ["if-none-match", '"x","a"', strong, "not-modified"],
    ["if-none-match", '"x,", ,\t"a"', strong, "not-modified"],
    ["if-none-match", "*", weak, "not-modified"],
    ["if-none-match", 'W/"former"', strong, "not-modified"],
    ["if-match", '"former"', strong, "failed"],
    ["if-none-match", " * ", none, "not-modified"],
    ["if-none-match", '"b"', weak, "proceed"],
    ["if-none-match", "a", strong, "proceed"],
    ["if-none-match", '"a', strong, "proceed"],
    ["if-none-match", 'w/"a"', weak, "proceed"],
    ["if-none-match", '"a"', none, "proceed"],
    ["if-modified-since", SAME, weak, "not-modified"],
    ["if-modified-since", NEWER, weak, "not-modified"],
    ["if-modified-since", OLDER, weak, "proceed"],
    ["if-modified-since", "Tuesday, 14-Nov-23 22:13:20 GMT", weak, "not-modified"],
    ["if-modified-since", "Tue Nov 14 22:13:20 2023", weak, "not-modified"],
    ["if-modified-since", "yesterday", weak, "proceed"],
    ["if-modified-since", "1700000000", weak, "proceed"],
    ["if-modified-since", SAME, none, "proceed"],
    ["if-match", '"a"', strong, "proceed"],
    ["if-match", '"b", "a"', strong, "proceed"],
    ["if-match", "*", weak, "proceed"],
    ["if-match", '"b"', strong, "failed"],
    // Strong comparison (RFC 9110 §13.1.1): a weak tag of ours matches nothing.
    ["if-match", 'W/"a"', weak, "failed"],
    ["if-match", '"a"', weak, "failed"],
    ["if-unmodified-since", SAME, weak, "proceed"],
    ["if-unmodified-since", NEWER, weak, "proceed"],
    ["if-unmodified-since", OLDER, weak, "failed"],
    ["if-unmodified-since", "never", weak, "proceed"],
    ["if-unmodified-since", OLDER, none, "proceed"],
  ])("%s: %s", (name, value, validators, verdict) => {
    expect(evaluatePreconditions(request({ [name]: value }), validators)).toBe(verdict);
  });
});

describe("the order of RFC 9110 §13.2.2", () => {
  test.each([
    [{ "if-none-match": '"b"', "if-modified-since": SAME }, "proceed"],
    [{ "if-none-match": '"a"', "if-modified-since": OLDER }, "not-modified"],
    [{ "if-match": '"a"', "if-unmodified-since": OLDER }, "proceed"],
    [{ "if-match": '"b"', "if-none-match": '"a"' }, "failed"],
    [{ "if-match": '"a"', "if-none-match": '"a"' }, "not-modified"],
    [{ "if-unmodified-since": OLDER, "if-none-match": '"a"' }, "failed"],
    [{ "if-unmodified-since": SAME, "if-modified-since": SAME }, "not-modified"],
  ])("%j", (fields, verdict) => {
    expect(evaluatePreconditions(request(fields), strong)).toBe(verdict);
  });
});

describe("If-Range", () => {
  const later = 1_700_000_100_000;
  test.each([
    ['"a"', strong, later, true],
    ['"b"', strong, later, false],
    ['W/"a"', strong, later, false],
    ['W/"a"', weak, later, false],
    ['"a"', none, later, false],
    [SAME, strong, later, true],
    [SAME, weak, later, true],
    // The file may change again within its own second.
    [SAME, strong, 1_700_000_000_900, false],
    [OLDER, strong, later, false],
    [NEWER, strong, later, false],
    ["a", strong, later, false],
  ])("%s", (value, validators, nowMs, applies) => {
    expect(rangeApplies(request({ "if-range": value }), validators, nowMs)).toBe(applies);
  });
  test("absent", () => {
    expect(rangeApplies(request({}), strong, later)).toBe(true);
  });
});
