import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

function run<Result>(flag: string, ...what: string[]): Result {
  const fixture = fileURLToPath(new URL("./child-process.fixture.ts", import.meta.url));
  const args = ["--import", "tsx", "--conditions=@tz/source", flag, fixture, ...what];
  return JSON.parse(execFileSync(process.execPath, args, { encoding: "utf8", timeout: 200_000 })) as Result;
}

test.each(["bytes, generated", "bytes, walked", "string, generated"])(
  "a match allocates nothing: %s",
  (way) => {
    // The smallest object has 16 bytes.
    expect(run<number>("--expose-gc", "allocation", way)).toBeLessThan(1);
  },
);

test("reading a parameter makes a string", () => {
  expect(run<number>("--expose-gc", "allocation", "with a parameter read")).toBeGreaterThanOrEqual(16);
});

test("where code from strings is forbidden, the answers are the same", () => {
  interface Answers {
    readonly makesCode: boolean;
    readonly found: unknown;
  }
  const allowed = run<Answers>("--no-deprecation", "answers");
  const forbidden = run<Answers>("--disallow-code-generation-from-strings", "answers");
  expect([allowed.makesCode, forbidden.makesCode]).toEqual([true, false]);
  expect(forbidden.found).toEqual(allowed.found);
});
