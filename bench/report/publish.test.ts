import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { READMES, withTable } from "./publish.js";
import { loadReports } from "./save.js";

const reports = loadReports(new URL("../../docs/bench", import.meta.url).pathname);

test.each(READMES)("%s shows the figures of docs/bench", (file) => {
  const text = readFileSync(file, "utf8");
  const shown = [...text.matchAll(/<!-- bench ([\w-]+) -->/g)].map(([, name]) => name!);
  expect(shown.length).toBeGreaterThan(0);
  for (const name of shown) {
    const report = reports.find(({ scenario }) => scenario === name);
    expect(report, name).toBeDefined();
    expect(withTable(text, report!), `after npm run bench -- ${name} --publish`).toBe(text);
  }
});

test("a text without the place stays as it is", () => {
  expect(withTable("# A\n\n| no | place |\n", reports[0]!)).toBe("# A\n\n| no | place |\n");
});
