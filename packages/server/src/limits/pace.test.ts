import { expect, test } from "vitest";
import { Pace } from "./pace.js";

test("a client that stops has maxMs, whatever it saved up before", () => {
  const pace = new Pace(1000, 100, 0, 0);
  expect(pace.note(1_000_000, 500)).toBe(1000);
  expect(pace.note(1_000_000, 1400)).toBe(100);
  expect(pace.note(1_000_000, 1500)).toBe(0);
});

test("a trickle uses the credit up; at the rate or above it lasts", () => {
  const lasts = (bytesPerStep: number): number => {
    const pace = new Pace(1000, 100, 0, 0);
    let bytes = 0;
    for (let ms = 100; ms <= 100_000; ms += 100) {
      bytes += bytesPerStep;
      if (pace.note(bytes, ms) <= 0) return ms;
    }
    return Number.POSITIVE_INFINITY;
  };
  expect(lasts(0)).toBe(1000);
  expect(lasts(1)).toBe(1200);
  expect(lasts(5)).toBe(2000);
  expect(lasts(10)).toBe(Number.POSITIVE_INFINITY);
});

test("without a rate any byte fills the credit up; time in which nobody waits for the client is free", () => {
  const pace = new Pace(1000, 0, 0, 0);
  expect(pace.note(0, 900)).toBe(100);
  expect(pace.note(1, 950)).toBe(1000);
  expect(pace.note(1, 9000, false)).toBe(1000);
  expect(pace.note(1, 9100)).toBe(900);
});
