import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { SERVER_ERRORS } from "./errors.js";
import { MULTIPART_OPTIONS, ROUTE_OPTIONS, SERVER_OPTIONS } from "./options.js";
import { TLS_OPTIONS } from "./tls/tls-options.js";
import { WORKER_OPTIONS } from "./workers/worker-options.js";

const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");

test.each([SERVER_OPTIONS, ROUTE_OPTIONS, MULTIPART_OPTIONS, TLS_OPTIONS, WORKER_OPTIONS])(
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
