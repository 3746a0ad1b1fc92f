import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { createScanner } from "./scan/create-scanner.js";
import { type Exchange, exchange } from "./testing/exchange.fixture.js";

interface Case {
  readonly name: string;
  readonly group: string;
  readonly request: string;
  readonly expect: string;
  readonly why: string;
  readonly alt?: readonly string[];
  readonly n?: number;
  readonly altN?: readonly number[];
  readonly body?: string;
  readonly close?: boolean;
  readonly no100?: boolean;
}

/** Cases that are judged outside of this repository; absent in a plain clone. */
const file = fileURLToPath(new URL("../../../../shared/acceptance/h1-cases.json", import.meta.url));

function verdictOf(got: Exchange): string {
  if (got.requests.length > 0) return "accept";
  return got.error === undefined ? "wait" : String(got.error.status);
}

describe.runIf(existsSync(file))("shared acceptance cases, at the level of the parser", () => {
  const cases: readonly Case[] = existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : [];
  const plain = createScanner({ kind: "plain" });
  const simd = createScanner({ kind: "simd" });
  for (const row of cases) {
    test(`${row.group}/${row.name}: ${row.why}`, () => {
      const got = exchange(plain, row.request);
      expect(exchange(simd, row.request)).toEqual(got);
      // Not one of the permitted alternatives: the answer that the RFC prefers.
      expect(row.expect.split("|")).toContain(verdictOf(got));
      if (row.n !== undefined && got.requests.length > 0)
        expect([row.n, ...(row.altN ?? [])]).toContain(got.requests.length);
      if (row.body !== undefined) expect(got.requests[0]?.body).toBe(row.body);
      if (row.close === true) expect(got.end).toBe("close");
      if (row.no100 === true) expect(got.continued).toBe(0);
    });
  }
});
