import { expect, test } from "vitest";
import { RequestHead } from "../request-head.js";
import { createScanner } from "../scan/create-scanner.js";
import { describeCases, get } from "../testing/cases.fixture.js";

const field = (rule: string, what: string, line: string, outcome: string) => ({
  rule,
  what,
  input: get(line),
  outcome,
});
const start = "GET / HTTP/1.1\r\nHost: a\r\n";
const many = (count: number) =>
  `GET / HTTP/1.1\r\nHost: a\r\n${Array.from({ length: count - 1 }, (_, i) => `X${i}: y\r\n`).join("")}\r\n`;
const sized = (bytes: number) => get(`X: ${"y".repeat(bytes - get("X: ").length)}`);

describeCases("field lines", [
  field("RFC 9110 §5.6.2", "every token character in a name", "!#$%&'*+-.^_`|~9aZ: y", "ok"),
  field("RFC 9112 §5.1", "no space behind the colon", "X:y", "ok"),
  field("RFC 9110 §5.5", "spaces and tabs around the value", "X: \t y \t", "ok"),
  field("RFC 9110 §5.5", "an empty value", "X:", "ok"),
  field("RFC 9110 §5.5", "a value of white space", "X: \t ", "ok"),
  field("RFC 9110 §5.5", "a tab inside", "X: a\tb", "ok"),
  field("RFC 9110 §5.5", "bytes above 0x7f", "X: caf\xe9\xff", "ok"),
  field("RFC 9110 §5.5", "colons in a value", "X: a:b::c", "ok"),
  field("RFC 9110 §5.1", "a name of 100 bytes", `${"x".repeat(100)}: y`, "ok"),
  field("RFC 9112 §5.1", "a space before the colon", "X : y", "400 SPACE_BEFORE_COLON"),
  field("RFC 9112 §5.1", "a tab before the colon", "X\t: y", "400 SPACE_BEFORE_COLON"),
  field(
    "RFC 9112 §5.1",
    "a space before the colon of Content-Length",
    "Content-Length : 5",
    "400 SPACE_BEFORE_COLON",
  ),
  field("RFC 9110 §5.1", "an empty name", ": y", "400 BAD_FIELD_NAME"),
  field("RFC 9110 §5.6.2", "brackets in a name", "X[]: y", "400 BAD_FIELD_NAME"),
  field("RFC 9110 §5.6.2", "a slash in a name", "X/Y: y", "400 BAD_FIELD_NAME"),
  field("RFC 9110 §5.6.2", "a byte above 0x7f in a name", "X\xe9: y", "400 BAD_FIELD_NAME"),
  field("RFC 9110 §5.6.2", "NUL in a name", "X\0: y", "400 BAD_FIELD_NAME"),
  field(
    "RFC 9110 §5.6.2",
    "a control character before the colon",
    "Transfer-Encoding\x0b: chunked",
    "400 BAD_FIELD_NAME",
  ),
  field("RFC 9112 §5", "no colon", "X", "400 MISSING_COLON"),
  field("RFC 9112 §5.2", "a fold with a space", "X: a\r\n b", "400 OBS_FOLD"),
  field("RFC 9112 §5.2", "a fold with a tab", "X: a\r\n\tb", "400 OBS_FOLD"),
  field("RFC 9112 §5.2", "a folded Transfer-Encoding", "Transfer-Encoding:\r\n chunked", "400 OBS_FOLD"),
  field("RFC 9110 §5.5", "NUL in a value", "X: a\0b", "400 BAD_FIELD_VALUE"),
  field("RFC 9110 §5.5", "BEL in a value", "X: a\x07b", "400 BAD_FIELD_VALUE"),
  field("RFC 9110 §5.5", "DEL in a value", "X: a\x7fb", "400 BAD_FIELD_VALUE"),
  field("RFC 9110 §5.5", "ESC in a value", "X: \x1b[31m", "400 BAD_FIELD_VALUE"),
  field("RFC 9112 §2.2", "a bare CR in a value", "X: a\rb", "400 BARE_CR"),
  field("RFC 9112 §2.2", "two CRs at the end of a line", "X: a\r", "400 BARE_CR"),
  field(
    "RFC 9112 §2.2",
    "a bare CR that hides a field (CVE-2023-30589)",
    "X: \rxTransfer-Encoding: chunked",
    "400 BARE_CR",
  ),
  field(
    "RFC 9112 §2.2",
    "a bare LF that hides a field (CVE-2022-32214)",
    "x:\nTransfer-Encoding: chunked",
    "400 BARE_LF",
  ),
  {
    rule: "RFC 9112 §2.2",
    what: "white space before the first field",
    input: "GET / HTTP/1.1\r\n Host: a\r\n\r\n",
    outcome: "400 SPACE_BEFORE_FIELD",
  },
  {
    rule: "RFC 9112 §2.2",
    what: "CR and another byte for the empty line (CVE-2025-23167)",
    input: `${start}\rZGET /evil: HTTP/1.1\r\nHost: a\r\n\r\n`,
    outcome: "400 BARE_CR",
  },
  { rule: "RFC 9112 §2.2", what: "LF for the empty line", input: `${start}\n`, outcome: "400 BARE_LF" },
  { rule: "RFC 9112 §2.1", what: "no empty line yet", input: start, outcome: "wait" },
  { rule: "RFC 9112 §2.1", what: "half an empty line", input: `${start}\r`, outcome: "wait" },
  {
    rule: "RFC 9110 §5.1",
    what: "another name that a gateway may fold to Transfer-Encoding",
    input: get("Transfer_Encoding: chunked") + get(),
    outcome: "ok ok",
  },
  { rule: "RFC 6585 §5", what: "128 fields", input: many(128), outcome: "ok" },
  { rule: "RFC 6585 §5", what: "129 fields", input: many(129), outcome: "431 TOO_MANY_FIELDS" },
  {
    rule: "RFC 6585 §5",
    what: "the 129th field is refused before the head ends",
    input: many(130).slice(0, -2),
    outcome: "431 TOO_MANY_FIELDS",
  },
  { rule: "RFC 6585 §5", what: "a head of 32 KiB", input: sized(32_768), outcome: "ok" },
  {
    rule: "RFC 6585 §5",
    what: "a head of 32 KiB and one byte",
    input: sized(32_769),
    outcome: "431 HEAD_TOO_LARGE",
  },
  {
    rule: "RFC 6585 §5",
    what: "an endless value is refused before it ends",
    input: `${start}X: ${"y".repeat(40_000)}`,
    outcome: "431 HEAD_TOO_LARGE",
  },
  {
    rule: "RFC 6585 §5",
    what: "an endless name",
    input: `${start}${"y".repeat(40_000)}`,
    outcome: "431 HEAD_TOO_LARGE",
  },
]);

test("names of Object.prototype are fields like others", () => {
  const scanner = createScanner();
  const head = new RequestHead(scanner);
  const text = get("__proto__: a", "constructor: b", "toString: c");
  Buffer.from(scanner.bytes.buffer).write(text, 0, "latin1");
  expect(head.parse(0, text.length)).toBe(text.length);
  expect(
    ["__proto__", "constructor", "tostring", "hasownproperty", "valueof"].map((name) => head.field(name)),
  ).toEqual(["a", "b", "c", undefined, undefined]);
  expect(head.toFields()).toEqual(["Host", "a", "__proto__", "a", "constructor", "b", "toString", "c"]);
});
