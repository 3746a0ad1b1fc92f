import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { SERVER_ERRORS } from "./errors.js";
import { HTTP2_OPTIONS } from "./http2/http2-options.js";
import { MULTIPART_OPTIONS, OTHER_RULES, ROUTE_OPTIONS, SERVER_OPTIONS } from "./options.js";
import { TLS_OPTIONS } from "./tls/tls-options.js";
import { WORKER_OPTIONS } from "./workers/worker-options.js";

const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");

const reference = readFileSync(new URL("../../../docs/reference/server.md", import.meta.url), "utf8");

/** The section "Options" with all that is below it. */
const optionsOf = (page: string): string => /\n## Options\n([\s\S]*?)(?=\n## |$)/.exec(page)![1]!.trim();
const withoutLinks = (text: string): string => text.replace(/\]\([^)]*\)/g, "]");

test("the reference page has every option, as the README has", () => {
  const rowsOf = (page: string): string[] =>
    withoutLinks(optionsOf(page))
      .split("\n")
      .filter((line) => line.startsWith("| `"));
  expect(rowsOf(reference)).toEqual(rowsOf(readme));
});

test("no option is documented that is not there, and none is left out", () => {
  const rows = optionsOf(readme).matchAll(/^\| `(\w+)` \| [^|]+ \| [^|]+ \| [^|]*\|/gm);
  const documented = new Set([...rows].map(([, name]) => name));
  const tables = [SERVER_OPTIONS, ROUTE_OPTIONS, MULTIPART_OPTIONS, TLS_OPTIONS, HTTP2_OPTIONS, OTHER_RULES];
  expect([...documented].sort()).toEqual([...new Set(tables.flatMap((table) => Object.keys(table)))].sort());
});

test.each([SERVER_OPTIONS, ROUTE_OPTIONS, MULTIPART_OPTIONS, TLS_OPTIONS, HTTP2_OPTIONS, WORKER_OPTIONS])(
  "the README's option table is the option table",
  (table) => {
    for (const [name, row] of Object.entries(table)) {
      expect(readme).toContain(
        `| \`${name}\` | ${row.default} | ${row.min} – ${row.max} | ${row.unit} | ${row.meaning} |`,
      );
    }
  },
);

test("the README's error table is the error table", () => {
  for (const [code, { status, meaning }] of Object.entries(SERVER_ERRORS)) {
    expect(readme).toContain(`| \`${code}\` | ${status ?? "–"} | ${meaning} |`);
  }
});
