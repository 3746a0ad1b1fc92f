import fc from "fast-check";
import { describe, expect, test, vi } from "vitest";
import { StructuredFieldError } from "./error.js";
import { parseDictionary, parseItem, parseList } from "./parse.js";
import { serializeDictionary, serializeItem, serializeList } from "./serialize.js";
import type { BareItem, Item, Member } from "./types.js";

// On a busy machine many runs take long; a hang is what this is for.
vi.setConfig({ testTimeout: 120_000 });

/** Text → canonical text; `undefined` when it must fail. One table for parsing and writing. */
type Row = readonly [what: string, text: string, canonical: string | undefined];

function run(rows: readonly Row[], roundTrip: (text: string) => string): void {
  for (const [what, text, canonical] of rows) {
    test(`${what}: ${JSON.stringify(text)}`, () => {
      if (canonical === undefined) expect(() => roundTrip(text)).toThrow(StructuredFieldError);
      else expect(roundTrip(text)).toBe(canonical);
    });
  }
}

describe("RFC 9651 §4.2.3: items", () => {
  run(
    [
      ["empty", "", undefined],
      ["leading and trailing spaces", "  1  ", "1"],
      ["leading tab", "\t1", undefined],
      ["trailing tab", "1\t", undefined],
      ["two items", "1 2", undefined],
      ["integer", "42", "42"],
      ["zero", "0", "0"],
      ["negative zero", "-0", "0"],
      ["double negative zero", "--0", undefined],
      ["negative integer", "-42", "-42"],
      ["leading zeros", "007", "7"],
      ["only a sign", "-", undefined],
      ["plus", "+1", undefined],
      ["comma in a number", "2,3", undefined],
      ["letter behind a number", "2a", undefined],
      ["longest integer", "999999999999999", "999999999999999"],
      ["longest negative integer", "-999999999999999", "-999999999999999"],
      ["integer too long", "1000000000000000", undefined],
      ["zeros too long", "0000000000000001", undefined],
      ["decimal", "1.23", "1.23"],
      ["decimal with zero fraction", "1.0", "1.0"],
      ["negative decimal", "-1.5", "-1.5"],
      ["negative zero decimal", "-0.0", "0.0"],
      ["trailing zeros", "1.500", "1.5"],
      ["three digits", "1.123", "1.123"],
      ["four digits", "1.1234", undefined],
      ["no digit behind the point", "1.", undefined],
      ["no digit before the point", ".1", undefined],
      ["two points", "1.2.3", undefined],
      ["twelve digits before the point", "123456789012.1", "123456789012.1"],
      ["thirteen digits before the point", "1234567890123.1", undefined],
      ["exponent", "1e3", undefined],
      ["string", '"foo bar"', '"foo bar"'],
      ["empty string", '""', '""'],
      ["escapes", '"a\\"b\\\\c"', '"a\\"b\\\\c"'],
      ["other escape", '"\\a"', undefined],
      ["unfinished escape", '"a\\', undefined],
      ["no closing quote", '"foo', undefined],
      ["newline in a string", '"a\nb"', undefined],
      ["tab in a string", '"a\tb"', undefined],
      ["non-ASCII string", '"f\u00fc\u00fc"', undefined],
      ["single quotes", "'foo'", undefined],
      ["token", "a_b-c.d3:f%00/*", "a_b-c.d3:f%00/*"],
      ["token that starts with *", "*a", "*a"],
      ["token in capitals", "A", "A"],
      ["token that starts with a digit", "1a", undefined],
      ["bytes", ":aGVsbG8=:", ":aGVsbG8=:"],
      ["no bytes", "::", "::"],
      ["missing padding", ":aGVsbG8:", ":aGVsbG8=:"],
      ["non-zero pad bits", ":iZ==:", ":iQ==:"],
      ["no closing colon", ":aGVsbG8=", undefined],
      ["space in bytes", ":aGVsbG8 =:", undefined],
      ["URL alphabet", ":_-Ah:", undefined],
      ["only padding", ":=:", undefined],
      ["padding in the middle", ":aG=sbG8=:", undefined],
      ["one letter left over", ":aGVsb:", undefined],
      ["true", "?1", "?1"],
      ["false", "?0", "?0"],
      ["boolean 2", "?2", undefined],
      ["boolean word", "?T", undefined],
      ["date", "@1659578233", "@1659578233"],
      ["date before 1970", "@-62135596800", "@-62135596800"],
      ["date with a fraction", "@1659578233.12", undefined],
      ["no date", "@", undefined],
      [
        "display string",
        '%"This is intended for display to %c3%bcsers."',
        '%"This is intended for display to %c3%bcsers."',
      ],
      ["display string with all escapes", '%"%25%22%0a"', '%"%25%22%0a"'],
      ["escape that is not needed", '%"%61"', '%"a"'],
      ["capital digits", '%"%C3%BC"', undefined],
      ["half an escape", '%"%c"', undefined],
      ["not UTF-8", '%"%ff"', undefined],
      ["overlong UTF-8", '%"%c0%80"', undefined],
      ["raw non-ASCII", '%"\u00fc"', undefined],
      ["display string without quotes", "%foo", undefined],
      ["single-quoted display string", "%'foo'", undefined],
      ["parameters", 'a;b;c=1;d=?0;e="x"', 'a;b;c=1;d=?0;e="x"'],
      ["parameter true", "a;b=?1", "a;b"],
      ["spaces before a parameter's key", "1;  a=2", "1;a=2"],
      ["space before the semicolon", "1 ;a", undefined],
      ["space around =", "1;a = 2", undefined],
      ["capital key", "1;A=1", undefined],
      ["no key", "1;", undefined],
      ["last of equal parameters, in the first's place", "1;a=1;b=2;a=3", "1;a=3;b=2"],
      ["inner list is no item", "(1)", undefined],
    ],
    (text) => serializeItem(parseItem(text)),
  );
});

describe("RFC 9651 §4.2.1: lists", () => {
  run(
    [
      ["empty", "", ""],
      ["spaces", "   ", ""],
      ["members", '1, a, "b"', '1, a, "b"'],
      ["white space around commas", "1\t ,\t2,3", "1, 2, 3"],
      ["comma at the end", "1,", undefined],
      ["comma in front", ",1", undefined],
      ["two commas", "1,,2", undefined],
      ["no comma", "1 2", undefined],
      ["inner lists", '("a" "b"), (), (1)', '("a" "b"), (), (1)'],
      ["spaces in inner lists", "(  1   2  )", "(1 2)"],
      ["parameters everywhere", "(1;a 2;b=?0);c;d=1, 3;e", "(1;a 2;b=?0);c;d=1, 3;e"],
      ["unfinished inner list", "(1 2", undefined],
      ["tab in an inner list", "(1\t2)", undefined],
      ["no space in an inner list", '(1"a")', undefined],
      ["nested inner list", "((1))", undefined],
      ["comma in an inner list", "(1,2)", undefined],
    ],
    (text) => serializeList(parseList(text)),
  );
});

describe("RFC 9651 §4.2.2: dictionaries", () => {
  run(
    [
      ["empty", "", ""],
      ["members", 'en="A", da=:w4ZibGV0:', 'en="A", da=:w4ZibGV0:'],
      ["booleans", "a=?0, b, c;foo=bar", "a=?0, b, c;foo=bar"],
      ["true is short", "a=?1;b", "a;b"],
      ["inner list", "rating=1.5, feelings=(joy sadness)", "rating=1.5, feelings=(joy sadness)"],
      ["last of equal keys, in the first's place", "a=1,b=2,a=3", "a=3, b=2"],
      ["keys", "*a_-.*9=1", "*a_-.*9=1"],
      ["capital key", "A=1", undefined],
      ["digit first", "1a=1", undefined],
      ["no value", "a=", undefined],
      ["space before =", "a =1", undefined],
      ["space behind =", "a= 1", undefined],
      ["comma at the end", "a=1,", undefined],
      ["white space around commas", "a=1 \t,\t b=2", "a=1, b=2"],
      ["prototype names", "constructor=1, *__proto__=2", "constructor=1, *__proto__=2"],
    ],
    (text) => serializeDictionary(parseDictionary(text)),
  );
});

test("RFC 9651 §4.1: what cannot be written is refused", () => {
  const refused: BareItem[] = [
    { type: "integer", value: 1e15 },
    { type: "integer", value: 1.5 },
    { type: "integer", value: Number.NaN },
    { type: "decimal", value: 1e12 },
    { type: "decimal", value: Number.POSITIVE_INFINITY },
    { type: "string", value: "\u00fc" },
    { type: "string", value: "a\r\nb" },
    { type: "token", value: "" },
    { type: "token", value: "a b" },
    { type: "token", value: "1" },
    { type: "date", value: 0.5 },
    { type: "displayString", value: "\ud800" },
  ];
  for (const item of refused)
    expect(() => serializeItem(item), JSON.stringify(item)).toThrow(StructuredFieldError);
  expect(() => serializeDictionary(new Map([["A", { type: "integer", value: 1 } as const]]))).toThrow(
    "is no key",
  );
});

test("RFC 9651 §4.1.5: decimals are rounded to even", () => {
  const written = [0.0015, 0.0025, -0.0015, -0.0025, 9.9995, 1.0049, 0.0004, -0.0004, 999_999_999_999.999];
  expect(written.map((value) => serializeItem({ type: "decimal", value }))).toEqual([
    "0.002",
    "0.002",
    "-0.002",
    "-0.002",
    "10.0",
    "1.005",
    "0.0",
    "0.0",
    "999999999999.999",
  ]);
});

test("an error says where", () => {
  expect(() => parseList("1, (2 3")).toThrow("at 7");
  expect(() => parseItem("@1.5")).toThrow(
    expect.objectContaining({ offset: 1, code: "TZ_HTTP1_STRUCTURED_FIELD" }),
  );
});

const key = fc.stringMatching(/^[a-z*][a-z0-9_\-.*]{0,8}$/);
const bare: fc.Arbitrary<BareItem> = fc.oneof(
  fc.integer().map((value) => ({ type: "integer" as const, value })),
  fc.integer().map((value) => ({ type: "decimal" as const, value: value / 1000 })),
  fc.stringMatching(/^[ -~]{0,12}$/).map((value) => ({ type: "string" as const, value })),
  fc
    .stringMatching(/^[A-Za-z*][!#$%&'*+\-.^_`|~0-9A-Za-z:/]{0,8}$/)
    .map((value) => ({ type: "token" as const, value })),
  fc.uint8Array({ maxLength: 9 }).map((value) => ({ type: "bytes" as const, value })),
  fc.boolean().map((value) => ({ type: "boolean" as const, value })),
  fc.integer().map((value) => ({ type: "date" as const, value })),
  fc
    .string({ unit: "grapheme", maxLength: 8 })
    .filter((text) => Buffer.from(text).toString() === text)
    .map((value) => ({ type: "displayString" as const, value })),
);
const parameters = fc.array(fc.tuple(key, bare), { maxLength: 3 }).map((pairs) => new Map(pairs));
const item: fc.Arbitrary<Item> = fc
  .tuple(bare, parameters)
  .map(([value, found]) => ({ ...value, parameters: found }));
const member: fc.Arbitrary<Member> = fc.oneof(
  item,
  fc
    .tuple(fc.array(item, { maxLength: 4 }), parameters)
    .map(([items, found]) => ({ type: "innerList" as const, items, parameters: found })),
);

test("what is written is read back", () => {
  fc.assert(
    fc.property(
      fc.array(member, { maxLength: 5 }),
      fc.array(fc.tuple(key, member), { maxLength: 5 }),
      (list, pairs) => {
        expect(parseList(serializeList(list))).toEqual(list);
        const dictionary = new Map(pairs);
        expect([...parseDictionary(serializeDictionary(dictionary))]).toEqual([...dictionary]);
      },
    ),
    { numRuns: 1_000 },
  );
});

test("any text is read or refused, in time that grows with its length", () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(...'a1"%:?@;=(), \\*-.\t0f') }), (text) => {
      for (const parse of [parseItem, parseList, parseDictionary]) {
        try {
          parse(text);
        } catch (error) {
          expect(error).toBeInstanceOf(StructuredFieldError);
        }
      }
    }),
    { numRuns: 3_000 },
  );
  expect(() => parseItem(`"${"\\\\".repeat(100_000)}`)).toThrow(StructuredFieldError);
  expect(() => parseList(`${"(".repeat(100_000)}`)).toThrow(StructuredFieldError);
});
