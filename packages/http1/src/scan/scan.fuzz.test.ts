import fc from "fast-check";
import { describe, expect, test, vi } from "vitest";
import { FIELDS_MAX } from "../options.js";
import { fieldSection, requestBytes } from "../testing/heads.fixture.js";
import { createScanner } from "./create-scanner.js";
import type { HeadScanner } from "./scanner.js";
import * as T from "./table.js";

// On a busy machine many runs take long; a hang is what this is for.
vi.setConfig({ testTimeout: 120_000 });

const simd = createScanner({ kind: "simd" });
const plain = createScanner({ bytes: new Uint8Array(simd.bytes.length) });

/** All that a scan promises to have written. */
function found(scanner: HeadScanner, result: number): unknown {
  const { table } = scanner;
  if (result < 0) return { result, offset: table[T.ERROR_OFFSET] };
  const count = table[T.COUNT]!;
  if (result === 0) return { result, count };
  const ids = Array.from({ length: count }, (_, i) => table[T.RECORDS + i * T.RECORD_SIZE + T.FIELD_ID]!);
  return {
    result,
    line: [...table.subarray(T.METHOD_START, T.MINOR_VERSION + 1)],
    masks: [...table.subarray(T.MASK, T.REPEATED + 2)],
    records: [...table.subarray(T.RECORDS, T.RECORDS + count * T.RECORD_SIZE)],
    lastLines: ids.map((id) => (id < 127 ? table[T.LINE_INDEX + id] : -1)),
  };
}

function place(text: string, at: number, rest: number): void {
  for (const scanner of [simd, plain]) {
    // What is behind the end must not matter, so it differs from run to run.
    scanner.bytes.fill(rest, at, at + text.length + 128);
    Buffer.from(scanner.bytes.buffer, scanner.bytes.byteOffset).write(text, at, "latin1");
  }
}

function expectSame(text: string, at: number, end: number, rest: number): void {
  place(text, at, rest);
  expect(found(simd, simd.scan(at, at + end))).toEqual(found(plain, plain.scan(at, at + end)));
}

const start = fc.integer({ min: 0, max: 130 });
/** What lies behind the bytes to scan: nothing, line ends, letters, colons. */
const rest = fc.constantFrom(0, 10, 13, 32, 58, 65, 255);

describe("SIMD and plain scanner agree", () => {
  test("on generated heads at any alignment", () => {
    fc.assert(
      fc.property(requestBytes, start, rest, (text, at, fill) => expectSame(text, at, text.length, fill)),
      { numRuns: 4_000 },
    );
  });

  test("on every prefix of generated heads", () => {
    fc.assert(
      fc.property(requestBytes, start, rest, (text, at, fill) => {
        for (let end = 0; end <= text.length; end++) expectSame(text, at, end, fill);
      }),
      { numRuns: 60 },
    );
  });

  test("on heads with one byte changed", () => {
    const head =
      "POST /a/b?c=d HTTP/1.1\r\nHost: localhost:8080\r\nX-A: b\tc \r\nAccept-Encoding: gzip, br\r\nTE: x\r\n\r\n";
    for (let at = 0; at < head.length; at++) {
      for (let byte = 0; byte < 256; byte++) {
        const text = head.slice(0, at) + String.fromCharCode(byte) + head.slice(at + 1);
        place(text, 3, byte);
        const a = found(simd, simd.scan(3, 3 + text.length));
        const b = found(plain, plain.scan(3, 3 + text.length));
        // `toEqual` on 24,000 objects takes long: compare cheaply first.
        if (JSON.stringify(a) !== JSON.stringify(b)) expect(a, JSON.stringify(text)).toEqual(b);
      }
    }
  });

  test("on field sections behind any line", () => {
    fc.assert(
      fc.property(
        fieldSection,
        fc.constantFrom("\r\n", "HTTP/1.1 200 OK\r\n", "x"),
        start,
        rest,
        (text, line, at, fill) => {
          place(line + text, at, fill);
          const from = at + line.length;
          for (const end of [from + text.length, from + (text.length >> 1)]) {
            expect(found(simd, simd.scanFields(at, from, end))).toEqual(
              found(plain, plain.scanFields(at, from, end)),
            );
          }
        },
      ),
      { numRuns: 2_000 },
    );
  });

  test("on more fields than the table holds, and on a head of 64 KiB", () => {
    const many = `GET / HTTP/1.1\r\n${"a:b\r\n".repeat(FIELDS_MAX + 1)}\r\n`;
    expectSame(many, 0, many.length, 0);
    const most = `GET / HTTP/1.1\r\n${"a:b\r\n".repeat(FIELDS_MAX)}\r\n`;
    expectSame(most, 0, most.length, 0);
    const long = `GET / HTTP/1.1\r\nX: ${"y".repeat(65_600)}\r\n\r\n`;
    for (const end of [65_534, 65_535, 65_536, long.length]) expectSame(long, 0, end, 121);
  });
});
