import { constants } from "node:os";
import { expect, test } from "vitest";
import { ERRNO, errnoName } from "./errno.js";

test.runIf(process.platform === "linux")(
  "the table agrees with what Node was compiled with, and lacks nothing",
  () => {
    // Two names of one number each: the table has the first.
    const aliases = new Set(["EWOULDBLOCK", "ENOTSUP"]);
    const theirs = Object.entries(constants.errno).filter(([name]) => !aliases.has(name));
    expect(theirs.length).toBeGreaterThan(70);
    expect(Object.fromEntries(theirs.map(([name]) => [name, ERRNO[name as keyof typeof ERRNO]]))).toEqual(
      Object.fromEntries(theirs),
    );
  },
);

test("every number has one name", () => {
  expect(new Set(Object.values(ERRNO)).size).toBe(Object.keys(ERRNO).length);
});

test("a name is found for either sign, and an unknown number keeps its digits", () => {
  expect(errnoName(-11)).toBe("EAGAIN");
  expect(errnoName(104)).toBe("ECONNRESET");
  expect(errnoName(-4095)).toBe("E4095");
});
