import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import * as alloc from "./index.js";

const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");

test("the example of the README runs", () => {
  const code = /```js\n([\s\S]*?)```/.exec(readme)![1]!;
  const flags = ["--import", "tsx", "--conditions=@tz/source", "--input-type=module", "-e", code];
  const text = execFileSync(process.execPath, flags, {
    cwd: new URL("..", import.meta.url),
    encoding: "utf8",
  });
  expect(text).toContain("slot 0 of 100 connections + 10 handshakes = 110\nreadable true\n");
  expect(text).toMatch(/partial requests {2}SlabPool +16\.0 KiB/);
});

test("the table of errors is that of the code", () => {
  const rows = [...readme.matchAll(/^\| `(TZ_ALLOC_[A-Z_]+)` \| (.*) \|$/gm)].map(([, code, means]) => [
    code,
    means,
  ]);
  expect(rows).toEqual(Object.entries(alloc.ALLOC_ERROR_CODES));
});

test("the table of options is that of the code", () => {
  for (const [structure, options] of Object.entries(alloc.ALLOC_OPTIONS)) {
    for (const [name, rule] of Object.entries<alloc.NumberRule>(options)) {
      const bounds = `${rule.min} … ${rule.max}${rule.powerOfTwo ? ", a power of two" : ""}`;
      const given = Number.isNaN(rule.default) ? "–" : rule.default;
      expect(readme).toContain(`| \`${structure}\` | \`${name}\` | ${given} | ${bounds} | ${rule.unit} |`);
    }
  }
});

test("the README names every class", () => {
  for (const [name, value] of Object.entries(alloc)) {
    if (typeof value === "function" && !["ArenaMark", "Report"].includes(name))
      expect(readme).toContain(name);
  }
});
