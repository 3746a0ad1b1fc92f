import fc from "fast-check";
import { expect, test } from "vitest";
import { BAD_ENCODING, decodeAsciiPath, decodePath, NOT_ASCII } from "./decode-path.js";
import { decodedText } from "./value-text.js";

const piece = fc.oneof(
  fc.constantFrom(
    "a",
    "/",
    "?",
    "%",
    "%4",
    "%2F",
    "%2f",
    "%25",
    "%3f",
    "%g0",
    "%C3%A9",
    "%C3",
    "%A9",
    "%E2%82%AC",
    "%F0%9F%98%80",
  ),
  // All bytes that begin or continue sequences, valid or not.
  fc.integer({ min: 0x70, max: 0xff }).map((byte) => `%${byte.toString(16)}`),
  fc.constantFrom(
    "%ED%A0%80",
    "%C0%80",
    "%E0%80%80",
    "%F0%80%80%80",
    "%F4%90%80%80",
    "%F5%80%80%80",
    "%EF%BF%BE",
  ),
);
const path = fc.array(piece, { maxLength: 8 }).map((pieces) => pieces.join(""));

function oracle(text: string): string | undefined {
  try {
    return decodeURIComponent(text.split("?")[0]!);
  } catch {
    return undefined;
  }
}

test("decodes once, what decodeURIComponent decodes and nothing else", () => {
  fc.assert(
    fc.property(path, (text) => {
      const bytes = new TextEncoder().encode(`xx${text}`);
      const to = new Uint8Array(bytes.length);
      const expected = oracle(text);
      for (const length of [decodePath(bytes, 2, bytes.length, to), decodeAsciiPath(text, to)]) {
        expect(length === BAD_ENCODING ? undefined : decodedText(to, 0, length), text).toBe(expected);
      }
      const own = bytes.slice(2);
      const inPlace = decodePath(own, 0, own.length, own);
      expect(inPlace === BAD_ENCODING ? undefined : decodedText(own, 0, inPlace)).toBe(expected);
    }),
    { numRuns: 5000 },
  );
});

test("raw bytes have to be UTF-8 as well", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 6 }), (raw) => {
      const bytes = raw.map((byte) => (byte === 0x25 || byte === 0x3f ? 0xe2 : byte));
      let expected: string | undefined;
      try {
        expected = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
      } catch {}
      const to = new Uint8Array(8);
      const length = decodePath(bytes, 0, bytes.length, to);
      expect(length === BAD_ENCODING ? undefined : decodedText(to, 0, length)).toBe(expected);
    }),
    { numRuns: 5000 },
  );
});

test("what is encoded does not become syntax", () => {
  const to = new Uint8Array(20);
  const length = decodePath(new TextEncoder().encode("/a%2Fb%3Fc%25d?x"), 0, 16, to);
  expect(
    Array.from(to.subarray(0, length)).map((byte) => (byte > 0x7f ? byte : String.fromCharCode(byte))),
  ).toEqual(["/", "a", 0xff, "b", 0xfd, "c", 0xfe, "d"]);
});

test("a string with other characters than ASCII is left to the copy in UTF-8", () => {
  expect(decodeAsciiPath("/é", new Uint8Array(8))).toBe(NOT_ASCII);
});
