import { describe, expect, test } from "vitest";
import { chunkHead, encodeLastChunk, LAST_CHUNK, writeChunkHead } from "../chunked/encoder.js";
import { ResponseHead } from "../response-head.js";
import { DateClock } from "./date-clock.js";
import { httpDate, parseHttpDate } from "./http-date.js";
import { encodeInterim } from "./interim.js";
import { statusLine } from "./status-line.js";

const text = (bytes: Uint8Array) => Buffer.from(bytes).toString("latin1");

describe("ResponseHead", () => {
  test("is all that follows the status line", () => {
    const head = new ResponseHead(200, ["Content-Type", "text/plain", "X-\u0041", "caf\xe9\t!"]);
    expect(text(head.bytes)).toBe("Content-Type: text/plain\r\nX-A: caf\xe9\t!\r\n\r\n");
    expect(head.bytes).toBe(head.bytes);
    expect(text(new ResponseHead(204, []).bytes)).toBe("\r\n");
  });

  test("RFC 9110 §5.5: refuses what could end a field or start another", () => {
    for (const value of ["a\r\nSet-Cookie: b", "a\rb", "a\nb", "a\0b", "\x7f", "\u2028", "\u010d\u010a"]) {
      expect(() => new ResponseHead(200, ["X", value]), JSON.stringify(value)).toThrow(
        expect.objectContaining({ code: "TZ_HTTP1_WRITE_VALUE" }),
      );
    }
    for (const name of ["", "a b", "a:", "a\r\n", "\u00e9", "X-\u2028"]) {
      expect(() => new ResponseHead(200, [name, "x"]), JSON.stringify(name)).toThrow(
        expect.objectContaining({ code: "TZ_HTTP1_WRITE_NAME" }),
      );
    }
    expect(() => new ResponseHead(200, ["X"])).toThrow(
      expect.objectContaining({ code: "TZ_HTTP1_WRITE_VALUE" }),
    );
    for (const status of [99, 600, 200.5, Number.NaN, "200" as unknown as number]) {
      expect(() => new ResponseHead(status, [])).toThrow(
        expect.objectContaining({ code: "TZ_HTTP1_WRITE_STATUS" }),
      );
    }
  });
});

test("RFC 9112 §4: status lines", () => {
  expect([statusLine(200), statusLine(404), statusLine(599)]).toEqual([
    "HTTP/1.1 200 OK\r\n",
    "HTTP/1.1 404 Not Found\r\n",
    "HTTP/1.1 599 \r\n",
  ]);
  expect(() => statusLine(600)).toThrow("not an integer from 100 to 599");
  expect(() => statusLine(-1)).toThrow();
});

test("RFC 9110 §15.2: interim replies", () => {
  expect(text(encodeInterim(100))).toBe("HTTP/1.1 100 Continue\r\n\r\n");
  expect(text(encodeInterim(103, ["Link", "</a.css>; rel=preload"]))).toBe(
    "HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n",
  );
  expect(() => encodeInterim(103, ["Link", "a\r\nb"])).toThrow(
    expect.objectContaining({ code: "TZ_HTTP1_WRITE_VALUE" }),
  );
  expect(() => encodeInterim(200)).toThrow(expect.objectContaining({ code: "TZ_HTTP1_WRITE_STATUS" }));
  for (const name of ["Content-Length", "content-length", "Transfer-Encoding"]) {
    const refusal = expect.objectContaining({ code: "TZ_HTTP1_WRITE_NAME" });
    expect(() => encodeInterim(103, [name, "5"])).toThrow(refusal);
    expect(() => new ResponseHead(103, ["A", "Content-Length", name, "5"])).toThrow(refusal);
    expect(new ResponseHead(103, ["A", name]).status).toBe(103);
    expect(new ResponseHead(200, [name, "5"]).status).toBe(200);
  }
});

describe("chunks", () => {
  test("RFC 9112 §7.1: size lines", () => {
    for (const size of [
      1,
      9,
      10,
      15,
      16,
      255,
      4096,
      65_535,
      0x7fffffff,
      0xffffffff,
      2 ** 40 + 10,
      Number.MAX_SAFE_INTEGER,
    ]) {
      const target = new Uint8Array(20);
      const end = writeChunkHead(target, 2, size);
      expect(text(target.subarray(2, end))).toBe(`${size.toString(16)}\r\n`);
      expect(chunkHead(size)).toBe(`${size.toString(16)}\r\n`);
    }
  });

  test("an empty chunk would end the content", () => {
    for (const size of [0, -1, 1.5, Number.NaN, 2 ** 53]) {
      expect(() => writeChunkHead(new Uint8Array(20), 0, size)).toThrow(RangeError);
      expect(() => chunkHead(size)).toThrow(RangeError);
    }
  });

  test("RFC 9112 §7.1.2: the last chunk with trailers", () => {
    expect(text(LAST_CHUNK)).toBe("0\r\n\r\n");
    expect(encodeLastChunk()).toBe(LAST_CHUNK);
    expect(text(encodeLastChunk(["Digest", "x"]))).toBe("0\r\nDigest: x\r\n\r\n");
    expect(() => encodeLastChunk(["X", "a\r\n\r\nHTTP/1.1 200 OK"])).toThrow(
      expect.objectContaining({ code: "TZ_HTTP1_WRITE_VALUE" }),
    );
    expect(() => encodeLastChunk(["Content-Length", "5"])).toThrow(
      "Content-Length must not be a trailer (RFC 9110 §6.5.1)",
    );
  });
});

describe("dates", () => {
  const ms = Date.UTC(1994, 10, 6, 8, 49, 37);
  const now = () => Date.UTC(2024, 0, 1);

  test("RFC 9110 §5.6.7: one form is written", () => {
    expect(httpDate(ms + 999)).toBe("Sun, 06 Nov 1994 08:49:37 GMT");
    expect(httpDate(0)).toBe("Thu, 01 Jan 1970 00:00:00 GMT");
  });

  test("RFC 9110 §5.6.7: three forms are read", () => {
    for (const form of [
      "Sun, 06 Nov 1994 08:49:37 GMT",
      "Sunday, 06-Nov-94 08:49:37 GMT",
      "Sun Nov  6 08:49:37 1994",
    ]) {
      expect(parseHttpDate(form, now), form).toBe(ms);
    }
    expect(parseHttpDate("Thu, 29 Feb 2024 23:59:60 GMT", now)).toBe(Date.UTC(2024, 2, 1));
    expect(parseHttpDate("Wednesday, 01-Jan-74 00:00:00 GMT", now)).toBe(Date.UTC(2074, 0, 1));
    expect(parseHttpDate("Wednesday, 01-Jan-75 00:00:00 GMT", now)).toBe(Date.UTC(1975, 0, 1));
  });

  test("RFC 9110 §5.6.7: nothing else is", () => {
    const wrong = [
      "",
      "0",
      "Sun, 6 Nov 1994 08:49:37 GMT",
      "Sun, 06 Nov 1994 08:49:37 UTC",
      "Sun, 06 Nov 1994 08:49:37",
      "sun, 06 nov 1994 08:49:37 gmt",
      "Sun, 31 Feb 1994 08:49:37 GMT",
      "Sun, 29 Feb 2023 08:49:37 GMT",
      "Sun, 06 Nov 1994 24:00:00 GMT",
      "Sun, 06 Nov 1994 08:60:00 GMT",
      "Sun, 00 Nov 1994 08:49:37 GMT",
      "Xyzday, 06-Nov-94 08:49:37 GMT",
      " Sun, 06 Nov 1994 08:49:37 GMT",
      "1994-11-06T08:49:37Z",
      "Sun Nov 6 08:49:37 1994",
    ];
    for (const form of wrong) expect(parseHttpDate(form, now), form).toBeUndefined();
  });

  test("the clock's line changes once a second, its length never", () => {
    let time = ms;
    const clock = new DateClock(() => time);
    const { bytes } = clock;
    expect([clock.line, text(bytes), clock.tick()]).toEqual([
      "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n",
      clock.line,
      false,
    ]);
    time += 900;
    expect(clock.tick()).toBe(false);
    time += 100;
    expect([clock.tick(), text(bytes), clock.bytes === bytes]).toEqual([
      true,
      "Date: Sun, 06 Nov 1994 08:49:38 GMT\r\n",
      true,
    ]);
  });
});
