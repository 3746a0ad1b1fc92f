import { expect, test } from "vitest";
import { EventReader } from "./event-reader.js";

const reader = new EventReader();
const reasonFor = (text: string | Uint8Array) =>
  reader.read(typeof text === "string" ? new TextEncoder().encode(text) : text) ? "" : reader.reason;
const name = () => Buffer.from(reader.bytes.subarray(reader.start, reader.end)).toString();

test("an event", () => {
  expect(reasonFor('{"userId":"ada","value":12.5}')).toBe("");
  expect([name(), reader.value]).toEqual(["ada", 12.5]);
  expect(reasonFor(' {\t"value" : -3e2 ,\r\n"userId": "" } ')).toBe("");
  expect([name(), reader.value]).toEqual(["", -300]);
});

test("escapes give the same name as the characters", () => {
  expect(reasonFor('{"userId":"\\u0041\\ud83d\\ude00\\n\\/é","val\\u0075e":1}')).toBe("");
  expect(name()).toBe("A😀\n/é");
});

test.each([
  ["", "is not a JSON object"],
  ["[]", "is not a JSON object"],
  ["null", "is not a JSON object"],
  ["\ufeff{}", "is not a JSON object"],
  ["{}", "has no userId"],
  ["{", "lacks a key in quotes"],
  ['{"userId":"a"}', "has no value"],
  ['{"userId":"a","value":1,}', "lacks a key in quotes"],
  ['{"userId":"a","value":1', "lacks a comma or the closing brace"],
  ['{"userId" "a"}', "lacks a colon behind a key"],
  ['{"userId":"a","value":1}}', "goes on behind the object"],
  ['{"userId":"a","value":1,"value":1}', "has value twice"],
  ['{"userId":"a","us\\u0065rId":"a","value":1}', "has userId twice"],
  ['{"userId":"a","value":1,"x":1}', "has a key that is neither userId nor value"],
  ['{"userId":1,"value":1}', "has a userId that is not a string"],
  ['{"userId":"a","value":"1"}', "has a value that is not a number"],
  ['{"userId":"a","value":null}', "has a value that is not a number"],
  ['{"userId":"a","value":-}', "has a value that is not a number"],
  ['{"userId":"a","value":00}', "has a value with a leading zero"],
  ['{"userId":"a","value":1.}', "has a value without digits behind its point"],
  ['{"userId":"a","value":1e}', "has a value without digits in its exponent"],
  ['{"userId":"a","value":1e400}', "has a value too large for a double"],
  ['{"userId":"a","value":-1e400}', "has a value too large for a double"],
  ['{"userId":"a","value":1e-400}', "has a value too small for a double"],
  ['{"userId":"\\ud800","value":1}', "has a lone surrogate in userId"],
  ['{"userId":"\\ud800\\u0041","value":1}', "has a lone surrogate in userId"],
  ['{"userId":"\\udc00","value":1}', "has a lone surrogate in userId"],
  ['{"userId":"\\x","value":1}', "has a malformed escape in userId"],
  ['{"userId":"\\u12g4","value":1}', "has a malformed escape in userId"],
  ['{"userId":"\n","value":1}', "has a control character in userId"],
  ['{"userId":"a', "ends inside of userId"],
  [`{"userId":"${"a".repeat(1025)}","value":1}`, "has more than 1024 bytes in userId"],
  [`{"userId":"\\n${"é".repeat(512)}","value":1}`, "has more than 1024 bytes in userId"],
])("%s is refused: %s", (text, reason) => {
  expect(reasonFor(text)).toBe(`the body ${reason}`);
});

test("ill-formed UTF-8 is refused", () => {
  for (const bytes of [[0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0xe2, 0x82]]) {
    const body = Buffer.concat([Buffer.from('{"userId":"'), Buffer.from(bytes), Buffer.from('","value":1}')]);
    expect(reasonFor(body)).toBe("the body has ill-formed UTF-8 in userId");
  }
});

test("the longest name is taken", () => {
  expect(reasonFor(`{"userId":"${"a".repeat(1024)}","value":1}`)).toBe("");
  expect(name()).toHaveLength(1024);
});
