import { describe, expect, test } from "vitest";
import { ChunkedDecoder } from "../chunked/decoder.js";
import { RELAXATIONS, type Relaxation } from "../relaxations.js";
import { RequestHead } from "../request-head.js";
import { createScanner } from "../scan/create-scanner.js";
import { get, post } from "../testing/cases.fixture.js";
import { exchange } from "../testing/exchange.fixture.js";

const scanner = createScanner();
const chunk = "1\r\nx\r\n0\r\n\r\n";

/** What each relaxation is for: bytes that are refused without it, and the fields or the target that they come to. */
const cases: readonly [Relaxation, string, string][] = [
  ["bare-lf", "\nGET / HTTP/1.1\nHost: a\nX: y\r\n\n", "/ Host: a, X: y"],
  ["obs-fold", get("X: a \r\n\t b\r\n c", "Y:\r\n d"), "/ Host: a, X: a     b   c, Y: d"],
  ["control-characters", get("X: a\x07\x7fb"), "/ Host: a, X: a\x07\x7fb"],
  ["raw-target", 'GET /\xe9"<#> HTTP/1.1\r\nHost: a\r\n\r\n', '/\xe9"<#> Host: a'],
  ["loose-request-line", "GET \t / \t HTTP/1.1 \t\r\nHost: a\r\n\r\n", "/ Host: a"],
  ["missing-host", "GET / HTTP/1.1\r\nX: y\r\n\r\n", "/ X: y"],
  [
    "repeated-content-length",
    post(["Content-Length: 1", "Content-Length: 1, 01"], "x"),
    "/ Host: a, Content-Length: 1, Content-Length: 1, 01 x",
  ],
  [
    "length-with-transfer-encoding",
    post(["Content-Length: 1", "Transfer-Encoding: chunked"], chunk),
    "/ Host: a, Content-Length: 1, Transfer-Encoding: chunked x",
  ],
  [
    "http10-transfer-encoding",
    `POST / HTTP/1.0\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n${chunk}`,
    "/ Connection: keep-alive, Transfer-Encoding: chunked x",
  ],
];

describe("relaxations for requests", () => {
  for (const [name, input, expected] of cases) {
    const { section, what } = RELAXATIONS[name];
    test(`${section}: ${name}: ${what}`, () => {
      const others = cases.map(([other]) => other).filter((other) => other !== name);
      expect(exchange(scanner, input).requests).toEqual([]);
      expect(exchange(scanner, input, { lenient: others }).requests).toEqual([]);
      const got = exchange(scanner, input, { lenient: [name] });
      const [request] = got.requests;
      const fields = request!.fields
        .flatMap((text, i) => (i % 2 === 0 ? [`${text}: ${request!.fields[i + 1]}`] : []))
        .join(", ");
      expect(`${request!.target} ${fields}${request!.body === "" ? "" : ` ${request!.body}`}`).toBe(expected);
      // The framing is not to be trusted further.
      if (name.includes("transfer-encoding")) expect(got.end).toBe("close");
      const cuts = Array.from(input, (_, i) => i);
      expect(exchange(scanner, input, { lenient: [name], cuts })).toEqual(got);
    });
  }

  test("none of them lets different lengths, NUL or a CR pass", () => {
    const lenient = cases.map(([name]) => name);
    const refused = [
      post(["Content-Length: 1", "Content-Length: 2"], "xx"),
      post(["Content-Length: 1, 2"], "xx"),
      get("X: a\0b"),
      get("X: a\rb"),
      get("X : y"),
      "GET /\0 HTTP/1.1\r\nHost: a\r\n\r\n",
      "GET / HTTP/2.0\r\nHost: a\r\n\r\n",
    ];
    for (const input of refused)
      expect(exchange(scanner, input, { lenient }).requests, JSON.stringify(input)).toEqual([]);
  });

  test("an unknown one, and one for replies, is refused", () => {
    expect(() => new RequestHead(scanner, {}, { lenient: ["everything" as Relaxation] })).toThrow(
      'lenient has "everything"',
    );
    expect(() => new RequestHead(scanner, {}, { lenient: ["missing-reason-space"] })).toThrow(
      "for a request it may list",
    );
  });

  test("RFC 9112 §7.1: chunk-size-space", () => {
    const bytes = Buffer.from("1 \t\r\nx\r\n0 \r\n\r\n");
    const run = (decoder: ChunkedDecoder) => {
      let at = 0;
      while (at >= 0 && at < bytes.length) at = decoder.step(bytes, at, bytes.length);
      return decoder.done;
    };
    expect(run(new ChunkedDecoder({}, { lenient: ["chunk-size-space"] }))).toBe(true);
    expect(run(new ChunkedDecoder())).toBe(false);
    expect(() => new ChunkedDecoder({}, { lenient: ["bare-lf"] })).toThrow(
      "for a chunked it may list chunk-size-space",
    );
  });
});
