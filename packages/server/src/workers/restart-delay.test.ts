import { expect, test } from "vitest";
import { availableCores } from "./available-cores.js";
import { restartDelayMs } from "./restart-delay.js";

test("the first successor does not wait, each further one twice as long as the one before, up to the bound", () => {
  expect([0, 1, 2, 3, 4, 5, 1000].map((failures) => restartDelayMs(failures, 700))).toEqual([
    0, 0, 100, 200, 400, 700, 700,
  ]);
  expect(restartDelayMs(50, 0)).toBe(0);
});

test("the quota of a container counts, rounded up; none and nonsense do not", () => {
  const all = availableCores(() => "max 100000");
  expect(availableCores(() => "50000 100000\n")).toBe(1);
  expect(availableCores(() => "100000000 100000")).toBe(all);
  expect(availableCores(() => "nonsense")).toBe(all);
  expect(
    availableCores(() => {
      throw new Error("ENOENT");
    }),
  ).toBe(all);
});
