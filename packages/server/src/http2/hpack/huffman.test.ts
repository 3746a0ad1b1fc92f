import { describe, expect, test } from "vitest";
import { HUFFMAN_INVALID, HUFFMAN_TOO_LONG, huffmanDecode, huffmanEncode, huffmanLength } from "./huffman.js";

const encode = (text: string): Buffer => {
  const bytes = Buffer.alloc(text.length * 4 + 8);
  return bytes.subarray(0, huffmanEncode(text, bytes, 0));
};
const decode = (bytes: Uint8Array, limit = 1000): string | number => {
  const target = Buffer.alloc(1000);
  const end = huffmanDecode(bytes, 0, bytes.byteLength, target, 0, limit);
  return end < 0 ? end : target.toString("latin1", 0, end);
};

// RFC 7541 appendix C.4 and C.6.
test.each([
  ["www.example.com", "f1e3c2e5f23a6ba0ab90f4ff"],
  ["no-cache", "a8eb10649cbf"],
  ["custom-key", "25a849e95ba97d7f"],
  ["custom-value", "25a849e95bb8e8b4bf"],
  ["302", "6402"],
  ["private", "aec3771a4b"],
  ["Mon, 21 Oct 2013 20:13:21 GMT", "d07abe941054d444a8200595040b8166e082a62d1bff"],
  ["https://www.example.com", "9d29ad171863c78f0b97c8e9ae82ae43d3"],
  ["gzip", "9bd9ab"],
])("%s", (text, hex) => {
  expect(encode(text).toString("hex")).toBe(hex);
  expect(decode(Buffer.from(hex, "hex"))).toBe(text);
  expect(huffmanLength(text)).toBe(hex.length / 2);
});

test("every byte, alone and between others", () => {
  for (let byte = 0; byte < 256; byte++) {
    const text = String.fromCharCode(byte);
    for (const each of [text, `a${text}`, `${text}~${text}`, text.repeat(9), `~${text}0`]) {
      expect(decode(encode(each))).toBe(each);
    }
  }
});

describe("what no encoder makes", () => {
  test.each([
    ["padding of a whole byte", "f1e3c2e5f23a6ba0ab90f4ffff"],
    ["nothing but padding of a byte", "ff"],
    ["padding of zeros", "18"],
    ["padding that is not all ones", "a8eb10649cbe"],
    ["the end of the string as a symbol", "ffffffff"],
    ["the same behind a character", "1fffffffff"],
    ["a code that is cut", "fffe"],
  ])("%s", (_name, hex) => {
    expect(decode(Buffer.from(hex, "hex"))).toBe(HUFFMAN_INVALID);
  });

  test("more than there is room for", () => {
    expect(decode(encode("abc"), 2)).toBe(HUFFMAN_TOO_LONG);
    expect(decode(encode("ab\u0000"), 2)).toBe(HUFFMAN_TOO_LONG);
    expect(decode(encode("ab"), 2)).toBe("ab");
  });
});
