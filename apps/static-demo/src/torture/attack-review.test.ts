/** The review names tests that exist. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { isAsvsLevel2 } from "./asvs.fixture.js";

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

test("its requirements are of ASVS 4.0.3, level 2", () => {
  const ids = [...table.matchAll(/(?<![\w.])\d{1,2}\.\d{1,2}\.\d{1,2}(?![\w.]*\/)/g)]
    .map(([id]) => id)
    .filter((id) => id !== "4.0.3");
  expect(ids.length).toBeGreaterThan(50);
  expect(ids.filter((id) => !isAsvsLevel2(id))).toEqual([]);
  // Deleted, of level 3, and none.
  for (const id of ["4.1.4", "6.2.8", "2.4.7"]) expect(isAsvsLevel2(id)).toBe(false);
});
