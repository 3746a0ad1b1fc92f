import { expect, test } from "vitest";
import { type MaybePromise, run, type Steps, wait } from "./steps.js";

function* sum(...values: MaybePromise<number>[]): Steps<number> {
  let total = 0;
  for (const value of values) total += yield* wait(value);
  return total;
}

test("synchronous as long as everything is", () => {
  expect(run(sum(1, 2, 3))).toBe(6);
  expect(run(sum())).toBe(0);
});

test("a promise from the first thing that has to be waited for", async () => {
  const result = run(sum(1, Promise.resolve(2), 3, Promise.resolve(4)));
  expect(result).toBeInstanceOf(Promise);
  expect(await result).toBe(10);
});

test("errors go through try and finally of the steps", async () => {
  const seen: string[] = [];
  function* careful(value: MaybePromise<number>): Steps<number> {
    try {
      return yield* wait(value);
    } catch (error) {
      seen.push(`caught ${(error as Error).message}`);
      return -1;
    } finally {
      seen.push("finally");
    }
  }
  expect(await run(careful(Promise.reject(new Error("x"))))).toBe(-1);
  expect(seen).toEqual(["caught x", "finally"]);
  await expect(async () => run(sum(Promise.reject(new Error("y"))))).rejects.toThrow("y");
  function* throwing(): Steps<number> {
    yield* wait(Promise.resolve(1));
    throw new Error("late");
  }
  await expect(run(throwing())).rejects.toThrow("late");
});
