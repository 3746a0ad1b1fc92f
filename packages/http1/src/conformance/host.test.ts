import { expect, test } from "vitest";
import { RequestHead } from "../request-head.js";
import { createScanner } from "../scan/create-scanner.js";
import { describeCases } from "../testing/cases.fixture.js";

const host = (value: string) => `GET / HTTP/1.1\r\nHost: ${value}\r\n\r\n`;
const valid = (what: string, value: string, rule = "RFC 3986 §3.2.2") => ({
  rule,
  what,
  input: host(value),
  outcome: "ok",
});
const invalid = (what: string, value: string, rule = "RFC 9112 §3.2") => ({
  rule,
  what,
  input: host(value),
  outcome: "400 BAD_HOST",
});

describeCases("Host", [
  {
    rule: "RFC 9112 §3.2",
    what: "missing in HTTP/1.1",
    input: "GET / HTTP/1.1\r\n\r\n",
    outcome: "400 MISSING_HOST",
  },
  {
    rule: "RFC 9112 §3.2",
    what: "missing in HTTP/1.1 among other fields",
    input: "GET / HTTP/1.1\r\nX-Host: a\r\nHos: b\r\n\r\n",
    outcome: "400 MISSING_HOST",
  },
  {
    rule: "RFC 9112 §3.2",
    what: "two lines, different",
    input: "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    outcome: "400 DUPLICATE_HOST",
  },
  {
    rule: "RFC 9112 §3.2",
    what: "two lines, equal, other case",
    input: "GET / HTTP/1.1\r\nHost: a\r\nX: y\r\nhOST: a\r\n\r\n",
    outcome: "400 DUPLICATE_HOST",
  },
  {
    rule: "RFC 9112 §3.2",
    what: "two lines in HTTP/1.0",
    input: "GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n",
    outcome: "400 DUPLICATE_HOST",
  },
  {
    rule: "RFC 9112 §3.2",
    what: "invalid in HTTP/1.0",
    input: "GET / HTTP/1.0\r\nHost: a b\r\n\r\n",
    outcome: "400 BAD_HOST",
  },
  valid("empty: the target has no authority", "", "RFC 9112 §3.2"),
  valid("a name", "example.com"),
  valid("a name and a port", "example.com:8080", "RFC 9110 §7.2"),
  valid("an empty port", "example.com:", "RFC 3986 §3.2.3"),
  valid("the highest port", "a:65535", "RFC 3986 §3.2.3"),
  valid("a long name", `${"a".repeat(63)}.example.org:443`),
  valid("names may have underscores and sub-delims", "a_b~!$&'()*+,;=c"),
  valid("percent-encoded", "caf%C3%A9"),
  valid("an IPv4 address", "127.0.0.1:80"),
  valid("an IPv6 address", "[::1]:80"),
  valid("a full IPv6 address", "[2001:db8:0:1:1:1:1:1]"),
  valid("IPv6 with IPv4", "[::ffff:192.0.2.1]"),
  valid("IPv6 that ends compressed", "[fe80::]"),
  valid("a future address", "[v1.fe80::a+en1]"),
  invalid("a space", "a b"),
  invalid("a tab", "a\tb"),
  invalid("user information", "u@a", "RFC 9110 §7.2"),
  invalid("a path", "a/b"),
  invalid("a scheme", "http://a"),
  invalid("a list", "a, b"),
  invalid("a port with letters", "a:8x", "RFC 3986 §3.2.3"),
  invalid("a port beyond 65535", "a:65536", "RFC 3986 §3.2.3"),
  invalid("a port of many digits", "a:00000000000000000000000000000000080800", "RFC 3986 §3.2.3"),
  invalid("two ports", "a:80:80", "RFC 3986 §3.2.3"),
  invalid("a port and no host", ":80", "RFC 9110 §4.2.1"),
  invalid("hashes", "###"),
  invalid("a question mark", "a?b"),
  invalid("a byte above 0x7f", "caf\xe9"),
  invalid("percent and no digits", "a%zz", "RFC 3986 §2.1"),
  invalid("percent at the end", "a%4", "RFC 3986 §2.1"),
  invalid("IPv6 without brackets", "::1"),
  invalid("an open bracket", "[::1"),
  invalid("empty brackets", "[]"),
  invalid("IPv6 compressed twice", "[1::2::3]"),
  invalid("IPv6 with nine groups", "[1:2:3:4:5:6:7:8:9]"),
  invalid("IPv6 with seven groups", "[1:2:3:4:5:6:7]"),
  invalid("IPv6 with a group too long", "[12345::]"),
  invalid("IPv6 with a colon at the end", "[1:2:3:4:5:6:7:]"),
  invalid("IPv6 with a zone", "[fe80::1%25eth0]"),
  invalid("IPv6 with a wrong IPv4", "[::256.0.0.1]"),
  invalid("letters behind the bracket", "[::1]a"),
  invalid("a future address without a version", "[v.a]"),
]);

test("RFC 9112 §3.2.2: the authority of the absolute form overrides Host", () => {
  const scanner = createScanner();
  const head = new RequestHead(scanner);
  const parse = (text: string) => {
    Buffer.from(scanner.bytes.buffer).write(text, 0, "latin1");
    expect(head.parse(0, text.length)).toBe(text.length);
    return [head.authority, head.host, head.field("host"), head.targetForm];
  };
  expect(parse("GET http://Target:81/ HTTP/1.1\r\nHost: Header:82\r\n\r\n")).toEqual([
    "Target:81",
    "target",
    "Header:82",
    "absolute",
  ]);
  expect(parse("GET http://Target:81?q HTTP/1.1\r\nHost: Header:82\r\n\r\n")).toEqual([
    "Target:81",
    "target",
    "Header:82",
    "absolute",
  ]);
  expect(parse("GET / HTTP/1.1\r\nHost: Header:82\r\n\r\n")).toEqual([
    "Header:82",
    "header",
    "Header:82",
    "origin",
  ]);
  expect(parse("GET / HTTP/1.1\r\nHost: [::1]:82\r\n\r\n")).toEqual([
    "[::1]:82",
    "[::1]",
    "[::1]:82",
    "origin",
  ]);
  expect(parse("GET / HTTP/1.0\r\n\r\n")).toEqual(["", "", undefined, "origin"]);
  expect(parse("CONNECT b:1 HTTP/1.1\r\nHost: c\r\n\r\n")).toEqual(["b:1", "b", "c", "authority"]);
});
