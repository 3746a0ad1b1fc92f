/** Structure-aware generators of request heads: mostly right, with the mistakes that break parsers. */
import fc from "fast-check";
import { FIELD_NAMES } from "../tables/fields.js";

const pick = (...texts: string[]) => fc.constantFrom(...texts);

const eol = fc.oneof(
  { weight: 60, arbitrary: pick("\r\n") },
  { weight: 1, arbitrary: pick("\n", "\r", "\r\r\n", "\n\r", "\r\n ", "\r\n\t", "\r\n\r\n") },
);
const byte = fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code));
const noise = fc.array(byte, { maxLength: 4 }).map((bytes) => bytes.join(""));
const rarely = (text: fc.Arbitrary<string>, otherwise: fc.Arbitrary<string>) =>
  fc.oneof({ weight: 1, arbitrary: text }, { weight: 25, arbitrary: otherwise });

const token = fc
  .array(
    fc.constantFrom(..."abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$%&'*+-.^_`|~"),
    { minLength: 1, maxLength: 40 },
  )
  .map((letters) => letters.join(""));
const method = fc.oneof(
  pick("GET", "POST", "HEAD", "OPTIONS", "CONNECT", "PUT", "DELETE", "PATCH", "TRACE", "get", "GETT", "G"),
  token,
);
const targetByte = fc.constantFrom(..."abcXYZ019-._~!$&'()*+,;=:@/?%[]{}|^\\`");
const path = fc.array(targetByte, { maxLength: 80 }).map((letters) => `/${letters.join("")}`);
const target = fc.oneof(
  { weight: 10, arbitrary: path },
  {
    weight: 1,
    arbitrary: pick(
      "*",
      "http://a/b",
      "HTTPS://[::1]:8/?x",
      "http://a?x",
      "a:80",
      "[::1]:443",
      "http://u@a/",
      "//a",
      "",
      "*?x",
      "ftp://a/",
    ),
  },
  { weight: 1, arbitrary: fc.tuple(path, noise, path).map((parts) => parts.join("")) },
);
const version = fc.oneof(
  { weight: 20, arbitrary: pick("HTTP/1.1") },
  {
    weight: 1,
    arbitrary: pick(
      "HTTP/1.0",
      "HTTP/1.2",
      "HTTP/2.0",
      "HTTP/0.9",
      "http/1.1",
      "HTTP/1.",
      "HTTP/11",
      "",
      "HTTP/1.1 ",
      "HTTP/1.10",
      "HTTP /1.1",
    ),
  },
);
const space = rarely(pick("  ", "\t", "", "\0"), pick(" "));
const anyCase = (name: string) => fc.mixedCase(fc.constant(name));
const wellKnown = fc.constantFrom(...FIELD_NAMES.filter((name) => name !== "")).chain(anyCase);
const name = fc.oneof(wellKnown, token, rarely(noise, wellKnown));
const valueByte = fc
  .integer({ min: 0x20, max: 0xff })
  .filter((code) => code !== 0x7f)
  .map((code) => String.fromCharCode(code));
const value = fc.oneof(
  fc.array(valueByte, { maxLength: 120 }).map((letters) => letters.join("")),
  pick(
    "",
    " ",
    "a",
    "a b",
    "chunked",
    "gzip, chunked",
    "close",
    "keep-alive, Upgrade",
    "5",
    "100-continue",
    "localhost:80",
    "\t",
    "a\tb",
    "0",
    "18446744073709551616",
  ),
  rarely(noise, pick("x")),
);
const ows = fc.oneof(
  { weight: 10, arbitrary: pick(" ") },
  { weight: 1, arbitrary: pick("", "  ", "\t", " \t ", "          ") },
);
const colon = fc.oneof(
  { weight: 50, arbitrary: pick(":") },
  { weight: 1, arbitrary: pick(" :", "", "\t:", "::", ";") },
);
const fieldLine = fc
  .tuple(name, colon, ows, value, rarely(pick(" ", "\t", "   "), pick("")), eol)
  .map((parts) => parts.join(""));
const hostLine = fc.oneof(
  { weight: 8, arbitrary: pick("Host: localhost\r\n", "host:a\r\n", "HOST: 127.0.0.1:8080\r\n") },
  { weight: 1, arbitrary: pick("", "Host: a b\r\n", "Host:\r\n") },
);

const line = fc
  .tuple(
    rarely(pick("\r\n", "\r\n\r\n", "\n", "\r", " "), pick("")),
    method,
    space,
    target,
    space,
    version,
    eol,
  )
  .map((parts) => parts.join(""));

/** One head, as a string with one character a byte. */
export const requestHead: fc.Arbitrary<string> = fc
  .tuple(line, hostLine, fc.array(fieldLine, { maxLength: 30 }), eol)
  .map(([start, host, fields, end]) => start + host + fields.join("") + end);

/** A head and what comes behind it: another head, content, or anything. */
export const requestBytes: fc.Arbitrary<string> = fc
  .tuple(requestHead, fc.oneof(pick(""), requestHead, noise))
  .map((parts) => parts.join(""));

/** Field lines with the empty line, without a start line. */
export const fieldSection: fc.Arbitrary<string> = fc
  .tuple(fc.array(fieldLine, { maxLength: 20 }), eol)
  .map(([fields, end]) => fields.join("") + end);

const bodyText = fc.string({ unit: "binary-ascii", maxLength: 20 });
const extension = rarely(
  pick(";a", ";a=b", ';a="b;c"', " ;a", ";", ";a=", ' ; a = "\\""', ";\n", ";a\x01"),
  pick(""),
);
const hexCase = (digits: string) => fc.constantFrom(digits, digits.toUpperCase(), `0${digits}`);
const chunk = fc
  .tuple(
    bodyText.filter((text) => text.length > 0),
    extension,
    rarely(pick("\n", "", "\r", "XX", "\r\nx"), pick("\r\n")),
  )
  .chain(([text, ext, end]) =>
    rarely(
      pick("0x1", "-1", " 1", "1 ", "", "g", "ffffffffffffffffff", "100000001"),
      hexCase(text.length.toString(16)),
    ).map((size) => `${size}${ext}\r\n${text}${end}`),
  );
const trailerSection = fc.oneof(
  { weight: 8, arbitrary: pick("") },
  { weight: 1, arbitrary: fc.array(fieldLine, { maxLength: 3 }).map((lines) => lines.join("")) },
);

/** A chunked body with its end. */
export const chunkedBody: fc.Arbitrary<string> = fc
  .tuple(
    fc.array(chunk, { maxLength: 4 }),
    extension,
    trailerSection,
    rarely(pick("", "\n", "\rx", "XX\r\n"), pick("\r\n")),
  )
  .map(([chunks, ext, section, end]) => `${chunks.join("")}0${ext}\r\n${section}${end}`);

const framed = fc.oneof(
  { weight: 2, arbitrary: fc.constant({ field: "", body: "" }) },
  { weight: 2, arbitrary: bodyText.map((body) => ({ field: `Content-Length: ${body.length}\r\n`, body })) },
  { weight: 3, arbitrary: chunkedBody.map((body) => ({ field: "Transfer-Encoding: chunked\r\n", body })) },
  {
    weight: 1,
    arbitrary: fc
      .tuple(
        fc.constantFrom(
          "Content-Length: +3",
          "Content-Length: 3, 3",
          "Content-Length: 3\r\nContent-Length: 3",
          "Content-Length : 3",
          "Content-Length: 0x3",
          "Content-Length:",
          "Content-Length: 99999999999999999999",
          "Transfer-Encoding: gzip, chunked",
          "Transfer-Encoding: chunked, gzip",
          "Transfer-Encoding: gzip",
          "Transfer-Encoding: , chunked",
          "Transfer-Encoding: chunked;q=1",
          "Transfer-Encoding: xchunked",
          "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
          "Content-Length: 3\r\nTransfer-Encoding: chunked",
          "Transfer-Encoding: chunked\r\nContent-Length: 3",
          "Transfer-Encoding:\x0bchunked",
          "Transfer-Encoding: chunked\r\nConnection: close",
        ),
        fc.oneof(pick("abc"), chunkedBody),
      )
      .map(([field, body]) => ({ field: `${field}\r\n`, body })),
  },
);

/** One message with its content. */
const message = fc
  .tuple(line, hostLine, fc.array(fieldLine, { maxLength: 4 }), framed, eol)
  .map(([start, host, fields, { field, body }, end]) => start + host + field + fields.join("") + end + body);

/** What one client sends: some messages, often right. */
export const connectionBytes: fc.Arbitrary<string> = fc
  .array(message, { minLength: 1, maxLength: 4 })
  .map((messages) => messages.join(""));
