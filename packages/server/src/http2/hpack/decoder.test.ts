import { describe, expect, test } from "vitest";
import { BLOCK_INVALID, BLOCK_TOO_LONG, type FieldSink, HpackDecoder } from "./decoder.js";
import { type FieldEntry, KIND } from "./field-entry.js";

class Collected implements FieldSink {
  readonly bytes = Buffer.alloc(300_000);
  scratch = 0;
  fields: string[] = [];
  kinds: number[] = [];

  entry({ line, kind }: FieldEntry): void {
    this.fields.push(Buffer.from(line).toString("latin1").slice(0, -2));
    this.kinds.push(kind);
  }

  literal(kind: number, start: number, _nameEnd: number, end: number): void {
    this.fields.push(this.bytes.toString("latin1", start, end - 2));
    this.kinds.push(kind);
  }
}

const block = (hex: string): Buffer => Buffer.from(hex.replaceAll(" ", ""), "hex");

function decodeWith(decoder: HpackDecoder, bytes: Uint8Array): Collected {
  const sink = new Collected();
  expect(decoder.decode(bytes, 0, bytes.byteLength, sink)).toBe(0);
  return sink;
}
const fails = (hex: string, before: readonly string[] = []): number => {
  const decoder = new HpackDecoder(4096, 10_000);
  for (const each of before) decodeWith(decoder, block(each));
  const bytes = block(hex);
  return decoder.decode(bytes, 0, bytes.byteLength, new Collected());
};

describe("RFC 7541 appendix C", () => {
  test.each([
    ["C.2.1", "400a637573746f6d2d6b65790d637573746f6d2d686561646572", "custom-key: custom-header", 55],
    ["C.2.2", "040c2f73616d706c652f70617468", ":path: /sample/path", 0],
    ["C.2.3", "100870617373776f726406736563726574", "password: secret", 0],
    ["C.2.4", "82", ":method: GET", 0],
  ])("%s", (_name, hex, field, tableBytes) => {
    const decoder = new HpackDecoder(4096, 1000);
    expect(decodeWith(decoder, block(hex)).fields).toEqual([field]);
    expect(decoder.table.byteLength).toBe(tableBytes);
  });

  const requests = [
    [
      "8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d",
      "8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff",
      [":method: GET", ":scheme: http", ":path: /", ":authority: www.example.com"],
      57,
    ],
    [
      "8286 84be 5808 6e6f 2d63 6163 6865",
      "8286 84be 5886 a8eb 1064 9cbf",
      [":method: GET", ":scheme: http", ":path: /", ":authority: www.example.com", "cache-control: no-cache"],
      110,
    ],
    [
      "8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65",
      "8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf",
      [
        ":method: GET",
        ":scheme: https",
        ":path: /index.html",
        ":authority: www.example.com",
        "custom-key: custom-value",
      ],
      164,
    ],
  ] as const;
  test.each([
    ["C.3, plain", 0],
    ["C.4, Huffman", 1],
  ] as const)("%s", (_name, form) => {
    const decoder = new HpackDecoder(4096, 1000);
    for (const [i, request] of requests.entries()) {
      expect(decodeWith(decoder, block(request[form])).fields).toEqual(request[2]);
      expect([decoder.table.count, decoder.table.byteLength]).toEqual([i + 1, request[3]]);
    }
  });

  const date = (second: number) => `date: Mon, 21 Oct 2013 20:13:2${second} GMT`;
  const answers = [
    [
      "4803 3330 3258 0770 7269 7661 7465 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3120 474d 546e 1768 7474 7073 3a2f 2f77 7777 2e65 7861 6d70 6c65 2e63 6f6d",
      "4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b ff6e 919d 29ad 1718 63c7 8f0b 97c8 e9ae 82ae 43d3",
      [":status: 302", "cache-control: private", date(1), "location: https://www.example.com"],
      222,
    ],
    [
      "4803 3330 37c1 c0bf",
      "4883 640e ffc1 c0bf",
      [":status: 307", "cache-control: private", date(1), "location: https://www.example.com"],
      222,
    ],
    [
      "88c1 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3220 474d 54c0 5a04 677a 6970 7738 666f 6f3d 4153 444a 4b48 514b 425a 584f 5157 454f 5049 5541 5851 5745 4f49 553b 206d 6178 2d61 6765 3d33 3630 303b 2076 6572 7369 6f6e 3d31",
      "88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab 77ad 94e7 821d d7f2 e6c7 b335 dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 3160 65c0 03ed 4ee5 b106 3d50 07",
      [
        ":status: 200",
        "cache-control: private",
        date(2),
        "location: https://www.example.com",
        "content-encoding: gzip",
        "set-cookie: foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1",
      ],
      215,
    ],
  ] as const;
  test.each([
    ["C.5, plain, evicting", 0],
    ["C.6, Huffman, evicting", 1],
  ] as const)("%s", (_name, form) => {
    const decoder = new HpackDecoder(256, 1000);
    for (const answer of answers) {
      expect(decodeWith(decoder, block(answer[form])).fields).toEqual(answer[2]);
      expect(decoder.table.byteLength).toBe(answer[3]);
    }
  });
});

describe("what cannot be read", () => {
  const one = "400161 0162";
  test.each([
    ["index 0", "80"],
    ["an index behind the tables", "be"],
    ["an index behind the entries", "bf", [one]],
    ["a name behind the tables", "7e0162"],
    ["an index that is cut", "ff"],
    ["an index without end", `ff${"80".repeat(30)}01`],
    ["a string that is cut", "400161 0562"],
    ["a literal without a value", "400161"],
    ["a literal without anything", "40"],
    ["a length that is cut", "40017f"],
    ["a Huffman string that is none", "400161 84ffffffff"],
    ["a table larger than was said", "3fe21f"],
    ["a table's size behind a field", "8220"],
    ["an entry of a table that was emptied", "20be", [one]],
  ] as const)("%s", (_name, hex, before: readonly string[] = []) => {
    expect(fails(hex, before)).toBe(BLOCK_INVALID);
  });

  test("a string that is too long", () => {
    const long = `000161 7f${"914d"}${"61".repeat(9999 + 33)}`;
    expect(fails(long.slice(0, -2))).toBe(BLOCK_INVALID);
    expect(fails(`000161 7f914d${"61".repeat(0x7f + 0x11 + (0x4d << 7))}`)).toBe(0);
    expect(fails(`000161 7f924e${"61".repeat(0x7f + 0x12 + (0x4e << 7))}`)).toBe(BLOCK_TOO_LONG);
  });
});

test("the size of the table: smaller, larger again, an entry larger than it", () => {
  const decoder = new HpackDecoder(4096, 10_000);
  decodeWith(decoder, block("400161 0162 400163 0164"));
  expect([decoder.table.count, decoder.table.byteLength]).toEqual([2, 68]);
  // 3f09: 40 bytes; the newest stays.
  expect(decodeWith(decoder, block("3f09 be")).fields).toEqual(["c: d"]);
  decodeWith(decoder, block("3fe11f 400165 0166"));
  expect(decoder.table.count).toBe(2);
  const large = Buffer.concat([block("400161 7f8120"), Buffer.alloc(4224, "x")]);
  expect(decodeWith(decoder, large).fields[0]).toHaveLength(4227);
  expect([decoder.table.count, decoder.table.byteLength]).toEqual([0, 0]);
});

test("many entries, found from the newest to the oldest", () => {
  const decoder = new HpackDecoder(4096, 1000);
  for (let i = 0; i < 300; i++) {
    const value = Buffer.from(String(i));
    decodeWith(decoder, Buffer.concat([block("400161"), Buffer.from([value.byteLength]), value]));
  }
  const { count } = decoder.table;
  expect(count).toBe(Math.floor(4096 / 36));
  for (let i = 0; i < count; i++) {
    const index = 62 + i;
    const bytes = index < 127 ? [0x80 | index] : [0xff, index - 127];
    expect(decodeWith(decoder, Buffer.from(bytes)).fields).toEqual([`a: ${299 - i}`]);
  }
});

describe("what a field is", () => {
  const kindOf = (name: string, value: string): number => {
    const text = (each: string) => Buffer.concat([Buffer.from([each.length]), Buffer.from(each, "latin1")]);
    const decoder = new HpackDecoder(4096, 1000);
    const kinds = [0x00, 0x40].map(
      (form) => decodeWith(decoder, Buffer.concat([Buffer.from([form]), text(name), text(value)])).kinds[0],
    );
    expect(kinds[0]).toBe(kinds[1]);
    return kinds[0]!;
  };
  test.each([
    ["x-a", "1", KIND.regular],
    ["x-a", "", KIND.regular],
    ["x-a", "a\tb \u00e9", KIND.regular],
    ["te", "trailers", KIND.regular],
    ["host", "a", KIND.host],
    [":path", "/\u00e9", KIND.path],
    ["te", "gzip", KIND.malformed],
    ["te", "trailers, gzip", KIND.malformed],
    ["X-a", "1", KIND.malformed],
    ["x a", "1", KIND.malformed],
    ["x:a", "1", KIND.malformed],
    ["", "1", KIND.malformed],
    ["x\r", "1", KIND.malformed],
    ["x-a", "1\r\nb: 2", KIND.malformed],
    ["x-a", "1\n", KIND.malformed],
    ["x-a", "\u0000", KIND.malformed],
    ["x-a", "\u007f", KIND.malformed],
    ["x-a", " 1", KIND.malformed],
    ["x-a", "1\t", KIND.malformed],
    [":path", "/a b", KIND.malformed],
    [":path", "/a\tb", KIND.malformed],
    [":authority", "a b", KIND.malformed],
    [":method", "GET /", KIND.malformed],
    [":status", "200", KIND.malformed],
    [":protocol", "websocket", KIND.malformed],
    ["connection", "close", KIND.malformed],
    ["keep-alive", "1", KIND.malformed],
    ["proxy-connection", "1", KIND.malformed],
    ["transfer-encoding", "chunked", KIND.malformed],
    ["upgrade", "h2c", KIND.malformed],
  ])("%j: %j", (name, value, kind) => {
    expect(kindOf(name, value)).toBe(kind);
  });
});
