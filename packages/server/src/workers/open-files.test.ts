import { expect, test } from "vitest";
import { isEpollSupported } from "../loop/epoll.js";
import { connectionsWithin } from "./open-files.js";

test("as many connections as were asked for, where the limit of open files allows them", () => {
  expect(connectionsWithin(Number.POSITIVE_INFINITY, 10_000)).toBe(10_000);
  expect(connectionsWithin(10_512, 10_000)).toBe(10_000);
});

// Where no limit is known there is nothing to divide.
test.skipIf(!isEpollSupported().supported)("few open files are divided between connections and files", () => {
  // This process has some open.
  for (const [limit, least, most] of [
    [4096, 3584, 3584],
    [1024, 512, 768],
    [1024 + 511, 1023, 1024 + 511 - 384],
  ] as const) {
    expect(connectionsWithin(limit, 10_000)).toBeGreaterThanOrEqual(least);
    expect(connectionsWithin(limit, 10_000)).toBeLessThanOrEqual(most);
  }
  expect(connectionsWithin(1024, 20)).toBe(20);
  expect(connectionsWithin(3, 10_000)).toBe(1);
});
