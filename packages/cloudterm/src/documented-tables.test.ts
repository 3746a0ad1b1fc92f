import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { CLOUDTERM_ERRORS } from "./errors.js";

const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");

test("the README's error table is the error table", () => {
  for (const [code, { status, meaning }] of Object.entries(CLOUDTERM_ERRORS)) {
    expect(readme).toContain(`| \`${code}\` | ${status ?? "–"} | ${meaning} |`);
  }
});
