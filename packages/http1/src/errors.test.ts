import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { ERROR, PARSE_ERRORS, parseErrorOf } from "./errors.js";
import { CHUNKED_LIMITS, HEAD_LIMITS } from "./options.js";
import { RELAXATIONS } from "./relaxations.js";
import { WE_ACCEPT, WE_REFUSE } from "./testing/llhttp-differences.fixture.js";

const reference = readFileSync(new URL("../../../docs/reference/http1.md", import.meta.url), "utf8");

test("an id finds its row, negated or not", () => {
  expect(parseErrorOf(-ERROR.bareCr)).toMatchObject({
    code: "TZ_HTTP1_BARE_CR",
    status: 400,
    section: "RFC 9112 §2.2",
  });
  expect(parseErrorOf(ERROR.bareCr)).toBe(parseErrorOf(-ERROR.bareCr));
  expect(() => parseErrorOf(0)).toThrow(RangeError);
  expect(() => parseErrorOf(-1000)).toThrow(RangeError);
});

test("codes are unique, and ids are positions", () => {
  expect(new Set(PARSE_ERRORS.map((row) => row.code)).size).toBe(PARSE_ERRORS.length);
  expect(PARSE_ERRORS.map((row) => row.id)).toEqual(PARSE_ERRORS.map((_, i) => i + 1));
});

test("the reference page lists every error with its status and rule, every limit, relaxation and difference", () => {
  for (const { code, status, section } of PARSE_ERRORS)
    expect(reference).toContain(`| \`${code}\` | ${status} | ${section} |`);
  for (const [name, row] of [...Object.entries(HEAD_LIMITS), ...Object.entries(CHUNKED_LIMITS)]) {
    expect(reference).toContain(
      `| \`${name}\` | ${row.default === Number.MAX_SAFE_INTEGER ? "2^53 - 1" : row.default.toLocaleString("en")} |`,
    );
  }
  for (const [name, row] of Object.entries(RELAXATIONS))
    expect(reference).toContain(`| \`${name}\` | ${row.of.join(", ")} | ${row.section} |`);
  for (const [code, row] of Object.entries(WE_REFUSE))
    expect(reference).toContain(`| \`${code}\` | ${row.section} | ${row.why} |`);
  for (const [code, row] of Object.entries(WE_ACCEPT))
    expect(reference).toContain(`| \`${code}\` | ${row.section} | ${row.why} |`);
});
