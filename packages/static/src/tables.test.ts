/** The README says what the code does. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { STATIC_ERROR_CODES } from "./errors.js";
import { IMAGE_OPTIONS } from "./images/options.js";
import type { Rule } from "./option-rules.js";
import { STATIC_OPTIONS } from "./options.js";

const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");

/** Cells of the table whose first column is headed so. */
function table(heading: string): string[][] {
  const lines = readme.split("\n");
  const rows: string[][] = [];
  for (
    let i = lines.findIndex((line) => line.startsWith(`| ${heading} |`)) + 2;
    lines[i]?.startsWith("|");
    i++
  ) {
    rows.push(
      lines[i]!.split(/(?<!\\)\|/)
        .slice(1, -1)
        .map((cell) => cell.trim().replaceAll("\\|", "|")),
    );
  }
  return rows;
}

test("every option, in the order of the table, with its default and what it takes", () => {
  const rows = table("Option");
  expect(rows.map(([name]) => name)).toEqual(Object.keys(STATIC_OPTIONS).map((name) => `\`${name}\``));
  Object.entries<Rule>(STATIC_OPTIONS).forEach(([name, rule], i) => {
    const [, fallback, allowed, what] = rows[i]!;
    expect(allowed, name).toBe(rule.allowed);
    expect(what, name).not.toBe("");
    // The default list of types is long: the README has it in words.
    if (name !== "compress.types") expect(fallback, name).toBe(rule.default);
  });
});

test("every option of image mounts", () => {
  const rules = Object.entries<Rule>(IMAGE_OPTIONS);
  const rows = table("Image option").map(([name, fallback, allowed]) => [name, fallback, allowed]);
  expect(rows).toEqual(rules.map(([name, rule]) => [`\`${name}\``, rule.default, rule.allowed]));
});

test("every error code and when it comes", () => {
  expect(table("Code")).toEqual(
    Object.entries(STATIC_ERROR_CODES).map(([code, when]) => [`\`${code}\``, when]),
  );
});
