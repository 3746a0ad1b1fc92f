import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type FieldSink, HpackDecoder } from "./decoder.js";
import { encodedLengthMax, encodeField } from "./encoder.js";
import type { FieldEntry } from "./field-entry.js";
import { huffmanDecode, huffmanEncode, huffmanLength } from "./huffman.js";

class Collected implements FieldSink {
  readonly bytes = Buffer.alloc(300_000);
  scratch = 0;
  readonly lines: string[] = [];

  entry({ line }: FieldEntry): void {
    this.lines.push(Buffer.from(line).toString("latin1"));
  }
  literal(_kind: number, start: number, _nameEnd: number, end: number): void {
    this.lines.push(this.bytes.toString("latin1", start, end));
  }
}

const latin1 = fc
  .array(fc.integer({ min: 0, max: 255 }), { maxLength: 80 })
  .map((codes) => String.fromCharCode(...codes));
const name = fc.oneof(
  fc.constantFrom(":path", ":status", "etag", "content-type", "set-cookie", "x-a"),
  fc.string({ minLength: 1, maxLength: 30 }).map((text) => text.replace(/[^a-z-]/g, "x")),
);
const value = fc.oneof(fc.constantFrom("200", "/", "GET", ""), latin1);

test("what is encoded by Huffman's code is decoded", () => {
  fc.assert(
    fc.property(latin1, (text) => {
      const coded = Buffer.alloc(text.length * 4 + 1);
      const end = huffmanEncode(text, coded, 0);
      expect(end).toBe(huffmanLength(text));
      const target = Buffer.alloc(text.length);
      expect(huffmanDecode(coded, 0, end, target, 0, target.byteLength)).toBe(text.length);
      expect(target.toString("latin1")).toBe(text);
    }),
  );
});

test("what is encoded is decoded", () => {
  const decoder = new HpackDecoder(4096, 10_000);
  fc.assert(
    fc.property(fc.array(fc.tuple(name, value), { maxLength: 12 }), (fields) => {
      const bytes = Buffer.alloc(fields.reduce((sum, [a, b]) => sum + encodedLengthMax(a, b), 0));
      let end = 0;
      for (const [a, b] of fields) end = encodeField(a, b, bytes, end);
      const sink = new Collected();
      expect(decoder.decode(bytes, 0, end, sink)).toBe(0);
      expect(sink.lines).toEqual(fields.map(([a, b]) => `${a}: ${b}\r\n`));
    }),
  );
});

describe("whatever comes", () => {
  test("is decoded or refused, and the table keeps its bounds", () => {
    const bytes = fc.array(
      fc.oneof(
        fc.integer({ min: 0, max: 255 }).map((byte) => [byte]),
        // Entries, so that indexes mean something.
        fc
          .tuple(fc.integer({ min: 0, max: 20 }), fc.integer({ min: 0, max: 255 }))
          .map(([length, byte]) => [0x40, 1, 0x61, length, ...new Array<number>(length).fill(byte)]),
        fc.integer({ min: 0, max: 70 }).map((index) => [0xbe + (index % 66)]),
        fc.integer({ min: 0, max: 4096 }).map((size) => [0x3f, 0x80 | (size & 0x7f), (size >> 7) & 0x7f]),
      ),
      { maxLength: 40 },
    );
    fc.assert(
      fc.property(fc.array(bytes, { minLength: 1, maxLength: 6 }), (blocks) => {
        const decoder = new HpackDecoder(4096, 1000);
        for (const block of blocks) {
          const all = Buffer.from(block.flat());
          const result = decoder.decode(all, 0, all.byteLength, new Collected());
          expect([0, -1, -2]).toContain(result);
          expect(decoder.table.byteLength).toBeLessThanOrEqual(4096);
          let sum = 0;
          for (let i = 0; i < decoder.table.count; i++) sum += decoder.table.find(62 + i)!.byteLength;
          expect(sum).toBe(decoder.table.byteLength);
          expect(decoder.table.find(62 + decoder.table.count)).toBeUndefined();
          if (result !== 0) return;
        }
      }),
      { numRuns: 300 },
    );
  });
});
