import { describe, expect, test } from "vitest";
import { parseErrorOf } from "../errors.js";
import type { HeadLimits } from "../options.js";
import type { LenientOptions } from "../relaxations.js";
import { ReplyHead } from "../reply-head.js";
import { createScanner } from "../scan/create-scanner.js";
import { METHOD, type MethodId } from "../tables/methods.js";

const scanners = [createScanner({ kind: "plain" }), createScanner({ kind: "simd" })];
const AT = 200;

interface Options extends LenientOptions {
  readonly method?: MethodId;
  readonly limits?: Partial<HeadLimits>;
}

function parseWith(
  kind: number,
  text: string,
  { method = METHOD.GET, limits = {}, ...lenient }: Options,
): string {
  const scanner = scanners[kind]!;
  const head = new ReplyHead(scanner, limits, lenient);
  Buffer.from(scanner.bytes.buffer, scanner.bytes.byteOffset).write(text, AT, "latin1");
  // Every prefix (of long replies: some hundred) is incomplete until the answer is final, and stays so.
  let final = 0;
  const step = Math.ceil(text.length / 300);
  for (let length = text.length % step; length <= text.length; length += step) {
    const result = head.parse(AT, AT + length, method);
    if (final !== 0) expect(result).toBe(final);
    final = result;
  }
  if (final === 0) return "wait";
  if (final < 0) return parseErrorOf(final).code.slice("TZ_HTTP1_".length);
  expect(final).toBe(text.length);
  const length = head.contentLength < 0 ? "" : ` ${head.contentLength}`;
  return `${head.status} ${head.content}${length}${head.keepAlive ? "" : " last"}${head.reason === "" ? "" : ` (${head.reason})`}`;
}

function parse(text: string, options: Options = {}): string {
  const [plain, simd] = [parseWith(0, text, options), parseWith(1, text, options)];
  expect(simd).toBe(plain);
  return plain;
}

const reply = (line: string, ...fields: string[]) =>
  `${line}\r\n${fields.map((field) => `${field}\r\n`).join("")}\r\n`;
const ok = (...fields: string[]) => reply("HTTP/1.1 200 OK", ...fields);

describe("status line", () => {
  test.each([
    [
      "RFC 9112 §4: version, status and reason",
      reply("HTTP/1.1 404 Not Found"),
      "404 close last (Not Found)",
    ],
    ["RFC 9112 §4: an empty reason", reply("HTTP/1.1 200 "), "200 close last"],
    [
      "RFC 9112 §4: a reason with bytes above 0x7f",
      reply("HTTP/1.1 200 \xe9t\xe9"),
      "200 close last (\xe9t\xe9)",
    ],
    ["RFC 9110 §2.5: HTTP/1.0", reply("HTTP/1.0 200 OK", "Content-Length: 1"), "200 length 1 last (OK)"],
    ["RFC 9112 §4: the space behind the status is missing", reply("HTTP/1.1 200"), "BAD_STATUS_LINE"],
    ["RFC 9112 §4: two digits", reply("HTTP/1.1 20 OK"), "BAD_STATUS_LINE"],
    ["RFC 9112 §4: four digits", reply("HTTP/1.1 2000 OK"), "BAD_STATUS_LINE"],
    ["RFC 9112 §4: two spaces", reply("HTTP/1.1  200 OK"), "BAD_STATUS_LINE"],
    ["RFC 9110 §15: status 099", reply("HTTP/1.1 099 X"), "BAD_STATUS"],
    ["RFC 9110 §15: status 600", reply("HTTP/1.1 600 X"), "BAD_STATUS"],
    ["RFC 9112 §2.3: HTTP/2", reply("HTTP/2.0 200 OK"), "BAD_STATUS_LINE"],
    ["RFC 9112 §2.3: lower case", reply("http/1.1 200 OK"), "BAD_STATUS_LINE"],
    ["RFC 9112 §4: another protocol", reply("ICY 200 OK"), "BAD_STATUS_LINE"],
    ["RFC 9112 §2.2: an empty line in front", `\r\n${ok()}`, "BAD_STATUS_LINE"],
    ["RFC 9112 §2.2: a bare CR in the reason", reply("HTTP/1.1 200 O\rK"), "BARE_CR"],
    ["RFC 9112 §2.2: LF alone", "HTTP/1.1 200 OK\n\n", "BARE_LF"],
    ["RFC 9112 §4: NUL in the reason", reply("HTTP/1.1 200 O\0K"), "BAD_STATUS_LINE"],
    ["RFC 9112 §4: too long", reply(`HTTP/1.1 200 ${"a".repeat(8180)}`), "STATUS_LINE_TOO_LONG"],
  ])("%s", (_rule, text, outcome) => expect(parse(text)).toBe(outcome));
});

describe("length of a reply's content", () => {
  test.each<[string, string, string, MethodId]>([
    ["RFC 9112 §6.3: Content-Length", ok("Content-Length: 5"), "200 length 5 (OK)", METHOD.GET],
    ["RFC 9112 §6.3: chunked", ok("Transfer-Encoding: chunked"), "200 chunked (OK)", METHOD.GET],
    ["RFC 9112 §6.3: until the connection closes", ok(), "200 close last (OK)", METHOD.GET],
    [
      "RFC 9112 §6.3: HEAD announces but does not send",
      ok("Content-Length: 5"),
      "200 none 5 (OK)",
      METHOD.HEAD,
    ],
    ["RFC 9112 §6.3: HEAD without a length leaves the connection open", ok(), "200 none (OK)", METHOD.HEAD],
    [
      "RFC 9112 §6.3: 204 has none whatever the fields say",
      reply("HTTP/1.1 204 ", "Content-Length: 5"),
      "204 none",
      METHOD.GET,
    ],
    [
      "RFC 9112 §6.3: 304 has none whatever the fields say",
      reply("HTTP/1.1 304 ", "Transfer-Encoding: chunked"),
      "304 none",
      METHOD.GET,
    ],
    ["RFC 9112 §6.3: interim replies have none", reply("HTTP/1.1 103 ", "Link: <a>"), "103 none", METHOD.GET],
    [
      "RFC 9110 §9.3.6: 2xx to CONNECT opens a tunnel",
      ok("Content-Length: 5"),
      "200 tunnel (OK)",
      METHOD.CONNECT,
    ],
    [
      "RFC 9110 §9.3.6: 4xx to CONNECT has content",
      reply("HTTP/1.1 407 ", "Content-Length: 5"),
      "407 length 5",
      METHOD.CONNECT,
    ],
    [
      "RFC 9112 §6.3: both lengths",
      ok("Content-Length: 5", "Transfer-Encoding: chunked"),
      "TRANSFER_ENCODING_WITH_LENGTH",
      METHOD.GET,
    ],
    [
      "RFC 9112 §6.3: two lengths",
      ok("Content-Length: 5", "Content-Length: 5"),
      "DUPLICATE_CONTENT_LENGTH",
      METHOD.GET,
    ],
    ["RFC 9112 §6.3: a bad length", ok("Content-Length: 5,5"), "BAD_CONTENT_LENGTH", METHOD.GET],
    [
      "RFC 9112 §6.1: Transfer-Encoding in HTTP/1.0",
      reply("HTTP/1.0 200 OK", "Transfer-Encoding: chunked"),
      "TRANSFER_ENCODING_VERSION",
      METHOD.GET,
    ],
    [
      "RFC 9112 §6.1: an unknown coding",
      ok("Transfer-Encoding: gzip, chunked"),
      "UNKNOWN_TRANSFER_CODING",
      METHOD.GET,
    ],
    [
      "RFC 9112 §9.3: close",
      ok("Content-Length: 5", "Connection: close"),
      "200 length 5 last (OK)",
      METHOD.GET,
    ],
    [
      "RFC 9112 §9.3: HTTP/1.0 with keep-alive",
      reply("HTTP/1.0 200 OK", "Content-Length: 5", "Connection: keep-alive"),
      "200 length 5 (OK)",
      METHOD.GET,
    ],
  ])("%s", (_rule, text, outcome, method) => expect(parse(text, { method })).toBe(outcome));
});

describe("fields of a reply", () => {
  test.each([
    ["RFC 9112 §5.1: a space before the colon", ok("X : y"), "SPACE_BEFORE_COLON"],
    ["RFC 9112 §5.2: a fold", ok("X: y\r\n z"), "OBS_FOLD"],
    ["RFC 9112 §2.2: white space before the first", ok(" X: y"), "SPACE_BEFORE_FIELD"],
    ["RFC 9110 §5.5: NUL", ok("X: \0"), "BAD_FIELD_VALUE"],
    ["RFC 6585 §5: too many", ok(...Array.from({ length: 129 }, () => "x: y")), "TOO_MANY_FIELDS"],
    ["RFC 6585 §5: too large", ok(`x: ${"y".repeat(33_000)}`), "HEAD_TOO_LARGE"],
  ])("%s", (_rule, text, outcome) => expect(parse(text)).toBe(outcome));
});

test("RFC 9110 §7.8: 101 changes the protocol", () => {
  const scanner = scanners[1]!;
  const head = new ReplyHead(scanner);
  const text = reply(
    "HTTP/1.1 101 Switching Protocols",
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Set-Cookie: a=b",
    "Set-Cookie: c=d",
  );
  Buffer.from(scanner.bytes.buffer).write(text, AT, "latin1");
  expect(head.parse(AT, AT + text.length, METHOD.GET)).toBe(text.length);
  expect([head.upgrade, head.content, head.field("upgrade"), head.fieldCount]).toEqual([
    true,
    "none",
    "websocket",
    4,
  ]);
  const cookies: string[] = [];
  for (let i = head.indexOf("set-cookie"); i >= 0; i = head.indexOf("set-cookie", i + 1))
    cookies.push(head.fieldValue(i));
  expect(cookies).toEqual(["a=b", "c=d"]);
});

describe("relaxations for replies", () => {
  test("each accepts what strictness refuses, and only that", () => {
    const cases = [
      ["missing-reason-space", reply("HTTP/1.1 200"), "200 close last"],
      ["bare-lf", "HTTP/1.1 200 OK\nContent-Length: 3\n\n", "200 length 3 (OK)"],
      ["space-before-colon", ok("Content-Length \t: 3"), "200 length 3 (OK)"],
      ["obs-fold", ok("Content-Length: \r\n 3"), "200 length 3 (OK)"],
      ["control-characters", ok("Content-Length: 3", "X: \x07\x7f"), "200 length 3 (OK)"],
      ["repeated-content-length", ok("Content-Length: 3, 3", "Content-Length: 3"), "200 length 3 (OK)"],
      [
        "length-with-transfer-encoding",
        ok("Content-Length: 3", "Transfer-Encoding: chunked"),
        "200 chunked last (OK)",
      ],
      [
        "http10-transfer-encoding",
        reply("HTTP/1.0 200 OK", "Transfer-Encoding: chunked"),
        "200 chunked last (OK)",
      ],
    ] as const;
    for (const [name, text, outcome] of cases) {
      const others = cases.map(([other]) => other).filter((other) => other !== name);
      expect(parse(text, { lenient: [name] })).toBe(outcome);
      expect(parse(text, { lenient: others })).toMatch(/^[A-Z_]+$/);
    }
  });

  test("one for requests is refused", () => {
    expect(() => new ReplyHead(scanners[0]!, {}, { lenient: ["raw-target"] })).toThrow(
      "for a reply it may list bare-lf",
    );
    expect(() => new ReplyHead(scanners[0]!, {}, { strict: true } as object)).toThrow(
      "Unknown option strict",
    );
  });
});
