/** The review names tests that exist. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";

const root = new URL("../../../../", import.meta.url);
const table = readFileSync(new URL("docs/reference/attack-review.md", root), "utf8");
const rows = [...table.matchAll(/`([\w/.-]+\.ts)`: "([^|]*?)"(?=; `| \|)/g)].map(
  ([, file = "", name = ""]) => ({
    file,
    name,
  }),
);

test.each(rows)("$file: $name", ({ file, name }) => {
  expect(readFileSync(new URL(file, root), "utf8")).toContain(name);
});

test("the whole table was read", () => {
  expect(rows.length).toBeGreaterThan(30);
  expect(rows.length).toBe(table.split('.ts`: "').length - 1);
});
