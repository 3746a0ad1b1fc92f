import { describe, expect, test } from "vitest";
import type { HeadLimits } from "../options.js";
import { createScanner } from "../scan/create-scanner.js";
import { exchange } from "./exchange.fixture.js";

/**
 * `rule` decides, `what` is sent, `input` are the bytes (one character each), `outcome` is what becomes of them,
 * in order: `ok` for each request served, then `wait` for an incomplete one or `STATUS CODE` for a refusal.
 */
export interface Case {
  readonly rule: string;
  readonly what: string;
  readonly input: string;
  readonly outcome: string;
  readonly target?: string;
  readonly body?: string;
  readonly trailers?: readonly string[];
  readonly close?: boolean;
  readonly continued?: number;
  readonly limits?: Partial<HeadLimits>;
}

const scanners = [createScanner({ kind: "plain" }), createScanner({ kind: "simd" })];

/** Each case on both scanners, whole and in pieces. */
export function describeCases(title: string, cases: readonly Case[]): void {
  describe(title, () => {
    for (const row of cases) {
      test(`${row.rule}: ${row.what}`, () => {
        for (const scanner of scanners) {
          const options = { limits: row.limits };
          const got = exchange(scanner, row.input, options);
          // Byte by byte; long ones in pieces of some bytes.
          const step = Math.ceil(row.input.length / 1000);
          const cuts = Array.from({ length: Math.ceil(row.input.length / step) }, (_, i) => i * step);
          expect(exchange(scanner, row.input, { ...options, cuts })).toEqual(got);
          const served = got.requests.map(() => "ok");
          const last =
            got.error === undefined
              ? got.end === "wait"
                ? ["wait"]
                : []
              : [`${got.error.status} ${got.error.code.slice("TZ_HTTP1_".length)}`];
          expect([...served, ...last].join(" "), scanner.kind).toBe(row.outcome);
          if (row.target !== undefined) expect(got.requests[0]?.target).toBe(row.target);
          if (row.body !== undefined) expect(got.requests[0]?.body).toBe(row.body);
          if (row.trailers !== undefined) expect(got.requests[0]?.trailers).toEqual(row.trailers);
          if (row.close !== undefined) expect(got.end === "close").toBe(row.close);
          if (row.continued !== undefined) expect(got.continued).toBe(row.continued);
        }
      });
    }
  });
}

/** A GET with these field lines behind Host. */
export function get(...lines: string[]): string {
  return `GET / HTTP/1.1\r\nHost: a\r\n${lines.map((line) => `${line}\r\n`).join("")}\r\n`;
}

/** A POST with these field lines behind Host, and what follows the head. */
export function post(lines: readonly string[], content: string): string {
  return `POST / HTTP/1.1\r\nHost: a\r\n${lines.map((line) => `${line}\r\n`).join("")}\r\n${content}`;
}

/** A chunked POST. */
export function chunked(content: string): string {
  return post(["Transfer-Encoding: chunked"], content);
}
