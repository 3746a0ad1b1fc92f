import { expect, test } from "vitest";
import { PARAM_TYPES, type ParamTypeName, typeConstraint } from "./constraint.js";
import { acceptsText } from "./regex/automaton.js";

function accepts(type: string, value: string): boolean {
  return acceptsText(typeConstraint(type).automaton, value, 0, value.length) === 1;
}

test.each<[ParamTypeName, string[], string[]]>([
  [
    "int",
    [
      "0",
      "-0",
      "42",
      "-42",
      "007",
      "9007199254740991",
      "-9007199254740991",
      "0009007199254740991",
      "1000000000000000",
    ],
    [
      "",
      "-",
      "+1",
      "1.0",
      "1e3",
      "9007199254740992",
      "9999999999999999",
      "10000000000000000",
      "٤",
      "0x1",
      " 1",
    ],
  ],
  ["uint", ["0", "9007199254740991"], ["-1", "9007199254740992"]],
  ["number", ["1", "-1.5", "0.25"], ["1.", ".5", "1e3", "NaN", "Infinity", "1.2.3"]],
  ["bool", ["true", "false"], ["TRUE", "1", "tru"]],
  ["uuid", ["9b2e4c1a-5f3d-4e8b-9a7c-1d2e3f4a5b6c"], ["9b2e4c1a5f3d4e8b9a7c1d2e3f4a5b6c", "g"]],
  ["slug", ["a", "hello-world-2"], ["-a", "a-", "a--b", "A"]],
])("%s", (type, matching, others) => {
  for (const value of matching) expect(accepts(type, value), value).toBe(true);
  for (const value of others) expect(accepts(type, value), value).toBe(false);
});

test("every bound of int is exact", () => {
  for (let delta = -20; delta <= 0; delta++) {
    expect(accepts("int", String(Number.MAX_SAFE_INTEGER + delta))).toBe(true);
  }
  for (let delta = 1n; delta <= 20n; delta++) {
    expect(accepts("int", String(BigInt(Number.MAX_SAFE_INTEGER) + delta))).toBe(false);
  }
  for (const power of [15, 16, 17]) expect(accepts("int", `1${"0".repeat(power)}`)).toBe(power < 16);
});

test("values are converted", () => {
  expect(typeConstraint("int").convert!("-0")).toBe(0);
  expect(Object.is(typeConstraint("int").convert!("-0"), 0)).toBe(true);
  expect(typeConstraint("int").convert!("-9007199254740991")).toBe(-9007199254740991);
  expect(typeConstraint("number").convert!("1.50")).toBe(1.5);
  expect(typeConstraint("bool").convert!("false")).toBe(false);
  expect(typeConstraint("uuid").convert).toBeUndefined();
});

test("every type has a constraint", () => {
  for (const type of Object.keys(PARAM_TYPES)) expect(typeConstraint(type).text).toBe(`(${type})`);
});
