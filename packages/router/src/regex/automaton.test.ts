import { expect, test } from "vitest";
import { RouterError } from "../errors.js";
import { acceptsBytes, acceptsText, compileRegex, NOT_ASCII } from "./automaton.js";

const encoder = new TextEncoder();

function accepts(source: string, value: string): boolean {
  const automaton = compileRegex(source);
  const bytes = encoder.encode(value);
  const inBytes = acceptsBytes(automaton, bytes, 0, bytes.length);
  const inText = acceptsText(automaton, value, 0, value.length);
  if (inText !== NOT_ASCII) expect(inText).toBe(inBytes);
  return inBytes === 1;
}

function refusal(source: string): string {
  try {
    compileRegex(source);
  } catch (error) {
    expect(error).toBeInstanceOf(RouterError);
    expect((error as RouterError).code).toBe("TZ_ROUTER_REGEX");
    return (error as RouterError).message;
  }
  throw new Error(`"${source}" was not refused`);
}

test.each([
  ["\\d+", ["0", "42"], ["", "4a", "٤"]],
  ["^\\d+$", ["42"], ["x42"]],
  ["png|jpe?g", ["png", "jpg", "jpeg"], ["jp", "pngx", "jpegpng"]],
  ["^a|b$", ["a", "b"], ["ab", ""]],
  ["[a-f0-9]{2,4}", ["ab", "abcd"], ["a", "abcde", "xy"]],
  ["(?:ab)*c?", ["", "ab", "abab", "ababc", "c"], ["aba", "cc"]],
  ["(?<year>\\d{4})-(\\d\\d)", ["2024-12"], ["24-12"]],
  ["[^/]+", ["a b", "é", "😀"], ["", "a/b"]],
  [".{2}", ["ab", "éé", "😀😀"], ["a", "é", "abc", "a\n"]],
  ["[\\w.-]+", ["a_B-9."], ["a b"]],
  ["\\u00e9|\\u{1F600}|\\x41", ["é", "😀", "A"], ["e"]],
  ["[à-ü]+", ["éè"], ["e", "à1"]],
  ["a+?", ["a", "aaa"], [""]],
  ["[]", [], ["", "a"]],
  ["[^]", ["a", "\n"], [""]],
  ["[\\]\\-a]+", ["]-a"], ["b"]],
  ["a{0}b", ["b"], ["ab"]],
  ["", [""], ["a"]],
])("%s", (source, matching, others) => {
  for (const value of matching) expect(accepts(source, value), `accepts ${value}`).toBe(true);
  for (const value of others) expect(accepts(source, value), `refuses ${value}`).toBe(false);
});

test.each([
  ["(?=a)b", "look-ahead"],
  ["(?!a)b", "look-ahead"],
  ["(?<=a)b", "look-behind"],
  ["(?i:a)", "inline flags"],
  ["(a)\\1", "back-references"],
  ["(?<n>a)\\k<n>", "back-references"],
  ["\\bword", "looks around"],
  ["\\p{L}", "not supported"],
  ["a^b", "at the ends only"],
  ["(^a)", "at the ends only"],
  ["a$b", "at the ends only"],
  ["*a", "nothing to act on"],
  ["a**", "nothing to act on"],
  ["a{", "no repetition"],
  ["a{2,1}", "out of order"],
  ["a{1001}", "1000 repetitions"],
  ["[b-a]", "out of order"],
  ["[\\d-z]", "end of a range"],
  ["[a", '"]" is missing'],
  ["(a", '")" is missing'],
  ["a)", 'unmatched ")"'],
  ["\\", "too early"],
  ["\\xZZ", "not hexadecimal"],
  ["\\u{110000}", "no code point"],
  ["(".repeat(60) + ")".repeat(60), "nest deeper"],
])("%s is refused: %s", (source, why) => {
  expect(refusal(source)).toContain(why);
  expect(refusal(source)).toContain(`"${source}"`);
});

test.each(["(?:a{1000}){1000}", "(a|b)*a(a|b){12}", "(?:.{0,200}a){5}"])(
  "%s needs too many states and is refused, in bounded time",
  (source) => {
    expect(refusal(source)).toContain("4096 states");
  },
);

test("an expression with few states whose sets are large is refused, in bounded time", () => {
  expect(refusal("(?:.?){300}")).toContain("takes more than 3000000 steps");
  // The same values, written so that its sets are small.
  expect(compileRegex(".{0,300}").accepting.length).toBeLessThan(4096);
});

test("what makes backtracking engines run for years is one table look-up a byte", () => {
  const automaton = compileRegex("(a+)+|(a|aa)+|(.*a){5}");
  const value = `${"a".repeat(8000)}!`;
  const bytes = encoder.encode(value);
  let reads = 0;
  const counted = new Proxy(automaton.next, {
    get: (target, key) => {
      reads++;
      return target[key as unknown as number];
    },
  });
  expect(acceptsBytes({ ...automaton, next: counted }, bytes, 0, bytes.length)).toBe(0);
  expect(reads).toBeLessThanOrEqual(bytes.length);
});
