import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { readConfig } from "./config.js";

const help = readConfig(["--help"], "0");
const options =
  "text" in help
    ? [...help.text.matchAll(/^ {2}(?:-\w, )?(--[a-z0-9-]+)/gm)].map(([, name]) => name ?? "")
    : [];

test.each(["../README.md", "../../../docs/reference/cli.md"])(
  "%s has every option, and none that is not",
  (file) => {
    const text = readFileSync(new URL(file, import.meta.url), "utf8");
    const rows = [...text.matchAll(/^\| `(--[^|]*)/gm)].flatMap(([, cell]) => [
      ...(cell ?? "").matchAll(/--[a-z0-9-]+/g),
    ]);
    const documented = new Set(rows.map(([name]) => name));
    const always = file.endsWith("cli.md") ? [] : ["--version", "--help"];
    expect(options.length).toBeGreaterThan(10);
    expect([...documented, ...always].filter((name) => name !== "--").sort()).toEqual([...options].sort());
  },
);
