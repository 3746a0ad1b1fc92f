import { describe, expect, test } from "vitest";
import { parseErrorOf } from "./errors.js";
import { RequestHead } from "./request-head.js";
import { createScanner } from "./scan/create-scanner.js";
import { FIELD, UNKNOWN_FIELD } from "./tables/fields.js";
import { METHOD } from "./tables/methods.js";

const AT = 1000;

describe.each(["simd", "plain"] as const)("%s", (kind) => {
  const scanner = createScanner({ kind });
  const head = new RequestHead(scanner);
  const place = (text: string, at = AT) => {
    Buffer.from(scanner.bytes.buffer, scanner.bytes.byteOffset).write(text, at, "latin1");
    return text.length;
  };
  const parse = (text: string) => {
    const length = place(text);
    expect(head.parse(AT, AT + length)).toBe(length);
  };

  test("offers method, target and version as numbers, strings and positions", () => {
    parse("\r\nDELETE /a?b HTTP/1.0\r\nHost: x\r\n\r\n");
    expect([head.methodId, head.method, head.target, head.minorVersion]).toEqual([
      METHOD.DELETE,
      "DELETE",
      "/a?b",
      0,
    ]);
    expect(Buffer.from(head.bytes.subarray(head.targetStart, head.targetEnd)).toString()).toBe("/a?b");
    parse("BREW /pot HTTP/1.1\r\nHost: x\r\n\r\n");
    expect([head.methodId, head.method]).toEqual([METHOD.other, "BREW"]);
  });

  test("finds fields by id, by name in any case, by position, and repeated ones", () => {
    parse(
      "GET / HTTP/1.1\r\nHost: x\r\nACCEPT: a\r\nX-Thing: 1\r\nAccept: b\r\nx-thing: 2\r\nUser-Agent: u\r\n\r\n",
    );
    expect([head.field(FIELD.accept), head.field("accept"), head.field("ACCEPT")]).toEqual([
      "a, b",
      "a, b",
      "a, b",
    ]);
    expect([
      head.field("x-thing"),
      head.field("X-Thing"),
      head.field("x-thin"),
      head.field(FIELD.range),
    ]).toEqual(["1, 2", "1, 2", undefined, undefined]);
    expect([head.has("user-agent"), head.has(FIELD.userAgent), head.has("cookie")]).toEqual([
      true,
      true,
      false,
    ]);
    expect([
      head.indexOf("accept"),
      head.indexOf("accept", 2),
      head.indexOf("accept", 4),
      head.indexOf("host", 1),
    ]).toEqual([1, 3, -1, -1]);
    expect([head.fieldCount, head.fieldId(0), head.fieldId(2), head.fieldName(1), head.fieldName(2)]).toEqual(
      [6, FIELD.host, UNKNOWN_FIELD, "accept", "X-Thing"],
    );
    expect(head.fieldMask & (1 << FIELD.accept)).not.toBe(0);
    expect(head.fieldMask & (1 << FIELD.cookie)).toBe(0);
    expect(Buffer.from(head.bytes.subarray(head.valueStart(5), head.valueEnd(5))).toString()).toBe("u");
    expect(Buffer.from(head.bytes.subarray(head.nameStart(2), head.nameEnd(2))).toString()).toBe("X-Thing");
    expect(() => head.fieldValue(6)).toThrow("Field line 6 of 6");
  });

  test("joins cookies with a semicolon (RFC 6265 §4.2.1)", () => {
    parse("GET / HTTP/1.1\r\nHost: x\r\nCookie: a=b\r\nCookie: c=d\r\n\r\n");
    expect(head.field("cookie")).toBe("a=b; c=d");
  });

  test("forgets the head before", () => {
    parse("GET / HTTP/1.1\r\nHost: x\r\nCookie: a\r\nUser-Agent: b\r\nX: y\r\nContent-Length: 5\r\n\r\n");
    expect([
      head.field("cookie"),
      head.field("user-agent"),
      head.field("x"),
      head.contentLength,
      head.target,
    ]).toEqual(["a", "b", "y", 5, "/"]);
    parse("GET /b HTTP/1.1\r\nHost: z\r\n\r\n");
    expect([
      head.field("cookie"),
      head.field("user-agent"),
      head.field("x"),
      head.contentLength,
      head.target,
      head.field("host"),
    ]).toEqual([undefined, undefined, undefined, -1, "/b", "z"]);
    expect([head.chunked, head.upgrade, head.expectContinue, head.keepAlive]).toEqual([
      false,
      false,
      false,
      true,
    ]);
  });

  test("keeps a detached head when its bytes are overwritten", () => {
    const detached = new RequestHead(scanner);
    const length = place("GET http://h:1/a?b HTTP/1.1\r\nHost: x\r\nX: y\r\n\r\n");
    expect(detached.parse(AT, AT + length)).toBe(length);
    detached.detach(length);
    parse("POST /other HTTP/1.1\r\nHost: z\r\nQ: r\r\n\r\n");
    expect([
      detached.method,
      detached.target,
      detached.authority,
      detached.field("x"),
      detached.field("host"),
    ]).toEqual(["GET", "/a?b", "h:1", "y", "x"]);
  });

  test("knows an upgrade: both fields, HTTP/1.1 (RFC 9110 §7.8)", () => {
    const upgrade = (version: string, ...lines: string[]) => {
      parse(`GET / HTTP/1.${version}\r\nHost: x\r\n${lines.map((line) => `${line}\r\n`).join("")}\r\n`);
      return head.upgrade;
    };
    expect(upgrade("1", "Connection: keep-alive, Upgrade", "Upgrade: websocket")).toBe(true);
    expect(upgrade("1", "Connection: keep-alive", "Connection: upgrade", "Upgrade: websocket")).toBe(true);
    expect(upgrade("1", "Upgrade: websocket")).toBe(false);
    expect(upgrade("1", "Connection: Upgrade")).toBe(false);
    expect(upgrade("0", "Connection: Upgrade", "Upgrade: websocket")).toBe(false);
  });

  test("says where an error is, from the start of the head", () => {
    const offset = (text: string) => {
      const length = place(text);
      const id = head.parse(AT, AT + length);
      return [parseErrorOf(id).code, head.errorOffset, text[head.errorOffset]];
    };
    expect(offset("GET / HTTP/1.1\r\nHost: a\r\nX y\r\n\r\n")).toEqual([
      "TZ_HTTP1_SPACE_BEFORE_COLON",
      26,
      " ",
    ]);
    expect(offset("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n")).toEqual([
      "TZ_HTTP1_DUPLICATE_HOST",
      31,
      "b",
    ]);
    expect(offset("GET / HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n")).toEqual(["TZ_HTTP1_BARE_CR", 30, "b"]);
    expect(offset("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n")).toEqual([
      "TZ_HTTP1_BAD_CONTENT_LENGTH",
      41,
      "x",
    ]);
    expect(offset("GET /\x01 HTTP/1.1\r\n")).toEqual(["TZ_HTTP1_BAD_TARGET", 5, "\x01"]);
  });

  test("does not look at what lies behind the end", () => {
    const text = "GET / HTTP/1.1\r\nHost: x\r\n";
    place(`${text}\r\nGET /`);
    expect(head.parse(AT, AT + text.length)).toBe(0);
    expect(head.parse(AT, AT + text.length + 1)).toBe(0);
    expect(head.parse(AT, AT + text.length + 2)).toBe(text.length + 2);
    expect(head.parse(AT, AT)).toBe(0);
  });

  test("limits are options with bounds", () => {
    expect(() => new RequestHead(scanner, { maxFields: 0 })).toThrow(
      "maxFields is 0; it must be an integer from 1 to 512 (fields)",
    );
    expect(() => new RequestHead(scanner, { maxHeadBytes: 65_536 })).toThrow("from 64 to 65535 (bytes)");
    expect(() => new RequestHead(scanner, { maxHeaders: 3 } as object)).toThrow(
      "Unknown option maxHeaders; known are maxRequestLineBytes, maxHeadBytes, maxFields",
    );
    expect(new RequestHead(scanner, { maxFields: 3 }).limits).toEqual({
      maxRequestLineBytes: 8192,
      maxHeadBytes: 32_768,
      maxFields: 3,
    });
  });
});
