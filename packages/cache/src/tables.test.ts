import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { CACHE_ERROR_CODES } from "./errors.js";
import {
  BYTE_CACHE_NUMBERS,
  BYTE_CACHE_OTHERS,
  type NumberRule,
  type OtherRule,
  SHARED_ATTACH_NUMBERS,
  SHARED_CACHE_NUMBERS,
} from "./options.js";

const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");

function row(name: string, rule: NumberRule | OtherRule): string {
  if ("takes" in rule) return `| \`${name}\` | ${rule.default} | ${rule.takes} | ${rule.about} |`;
  const zero = rule.zero === undefined ? "" : `, or 0: ${rule.zero}`;
  return `| \`${name}\` | ${rule.default} | ${rule.min} – ${rule.max} ${rule.unit}${zero} | ${rule.about} |`;
}

test("the README has every option as the code has it", () => {
  const tables = [BYTE_CACHE_NUMBERS, BYTE_CACHE_OTHERS, SHARED_CACHE_NUMBERS, SHARED_ATTACH_NUMBERS];
  for (const table of tables)
    for (const [name, rule] of Object.entries(table)) expect(readme).toContain(row(name, rule));
});

test("the README has every error code as the code has it, and no other", () => {
  for (const [code, { status, meaning }] of Object.entries(CACHE_ERROR_CODES))
    expect(readme).toContain(`| \`${code}\` | ${status} | ${meaning} |`);
  const codes = new Set(readme.match(/TZ_CACHE_[A-Z_]+/g));
  expect([...codes].sort()).toEqual(Object.keys(CACHE_ERROR_CODES).sort());
});
