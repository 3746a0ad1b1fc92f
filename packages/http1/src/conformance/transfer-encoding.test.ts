import { describeCases, get, post } from "../testing/cases.fixture.js";

const content = "5\r\nhello\r\n0\r\n\r\n";
const te = (rule: string, what: string, value: string, outcome: string) => ({
  rule,
  what,
  input: post([`Transfer-Encoding: ${value}`], content + get()),
  outcome,
});
const lines = (rule: string, what: string, fields: readonly string[], outcome: string) => ({
  rule,
  what,
  input: post(fields, content + get()),
  outcome,
});

describeCases("Transfer-Encoding", [
  te("RFC 9112 §6.1", "chunked", "chunked", "ok ok"),
  te("RFC 9112 §7", "names are case-insensitive", "ChUnKeD", "ok ok"),
  te("RFC 9110 §5.6.1", "empty list elements are ignored", " , chunked ,", "ok ok"),
  te("RFC 9112 §6.1", "chunked twice", "chunked, chunked", "400 BAD_TRANSFER_ENCODING"),
  lines(
    "RFC 9112 §6.1",
    "chunked on two lines",
    ["Transfer-Encoding: chunked", "Transfer-Encoding: chunked"],
    "400 BAD_TRANSFER_ENCODING",
  ),
  te("RFC 9112 §6.3", "chunked is not the last", "chunked, identity", "400 CHUNKED_NOT_FINAL"),
  te("RFC 9112 §6.3", "chunked before gzip", "chunked, gzip", "400 CHUNKED_NOT_FINAL"),
  lines(
    "RFC 9112 §6.3",
    "an unknown coding on a second line (CVE-2020-8287)",
    ["Transfer-Encoding: chunked", "Transfer-Encoding: cow"],
    "400 CHUNKED_NOT_FINAL",
  ),
  lines(
    "RFC 9112 §6.3",
    "chunked-false (CVE-2022-32215)",
    ["Transfer-Encoding: chunked", "Transfer-Encoding: chunked-false"],
    "400 CHUNKED_NOT_FINAL",
  ),
  te("RFC 9112 §6.3", "gzip alone", "gzip", "400 CHUNKED_NOT_FINAL"),
  te("RFC 9112 §6.3", "identity", "identity", "400 CHUNKED_NOT_FINAL"),
  te("RFC 9112 §6.1", "gzip, then chunked", "gzip, chunked", "501 UNKNOWN_TRANSFER_CODING"),
  te("RFC 9112 §6.1", "unknown, then chunked", "eee, chunked", "501 UNKNOWN_TRANSFER_CODING"),
  te("RFC 9112 §6.1", "an unknown coding", "cow", "501 UNKNOWN_TRANSFER_CODING"),
  te("RFC 9112 §6.1", "a prefix of chunked", "chunk", "501 UNKNOWN_TRANSFER_CODING"),
  te("RFC 9112 §6.1", "xchunked", "xchunked", "501 UNKNOWN_TRANSFER_CODING"),
  te("RFC 9112 §7.1", "parameters", "chunked;a=b", "400 BAD_TRANSFER_ENCODING"),
  te("RFC 9112 §7", "quotes", '"chunked"', "400 BAD_TRANSFER_ENCODING"),
  te("RFC 9112 §7", "a space inside", "chun ked", "400 BAD_TRANSFER_ENCODING"),
  te("RFC 9112 §7", "a byte above 0x7f around", "\xffchunked\xff", "400 BAD_TRANSFER_ENCODING"),
  te("RFC 9110 §5.6.1", "empty", "", "400 BAD_TRANSFER_ENCODING"),
  te("RFC 9110 §5.5", "a vertical tab behind", "chunked\x0b", "400 BAD_FIELD_VALUE"),
  te("RFC 9110 §5.5", "NUL behind", "chunked\0", "400 BAD_FIELD_VALUE"),
  te("RFC 9112 §2.2", "CR behind", "chunked\r", "400 BARE_CR"),
  lines(
    "RFC 9112 §6.1",
    "with Content-Length",
    ["Content-Length: 5", "Transfer-Encoding: chunked"],
    "400 TRANSFER_ENCODING_WITH_LENGTH",
  ),
  lines(
    "RFC 9112 §6.1",
    "before Content-Length",
    ["Transfer-Encoding: chunked", "Content-Length: 5"],
    "400 TRANSFER_ENCODING_WITH_LENGTH",
  ),
  lines(
    "RFC 9112 §6.1",
    "an obfuscated list with Content-Length",
    ["Transfer-Encoding: eee, chunked", "Content-Length: 5"],
    "400 TRANSFER_ENCODING_WITH_LENGTH",
  ),
  {
    rule: "RFC 9112 §6.1",
    what: "in HTTP/1.0",
    input: `POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${content}`,
    outcome: "400 TRANSFER_ENCODING_VERSION",
    close: true,
  },
  {
    rule: "RFC 9112 §5.1",
    what: "a space before its colon",
    input: post(["Transfer-Encoding : chunked"], content),
    outcome: "400 SPACE_BEFORE_COLON",
  },
]);
