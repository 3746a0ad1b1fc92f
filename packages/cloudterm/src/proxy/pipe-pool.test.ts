import { isSupported } from "@tz/sys";
import { expect, test } from "vitest";
import { type Pipe, PipePool } from "./pipe-pool.js";

const MiB = 1024 * 1024;

test.skipIf(!isSupported().supported)(
  "pipes take no more of the user's limit than their budget; then there are none, until some are given back",
  () => {
    const pool = new PipePool({ budgetBytes: 4 * MiB });
    const taken: Pipe[] = [];
    for (let pipe = pool.take(); pipe !== undefined; pipe = pool.take()) taken.push(pipe);
    const sizes = taken.map(({ bytes }) => bytes);
    expect(pool.bytes).toBe(sizes.reduce((sum, bytes) => sum + bytes, 0));
    expect(pool.bytes).toBeLessThanOrEqual(4 * MiB);
    // Large ones first; a kernel that is short of pages for this user gives smaller ones.
    expect([...sizes].sort((a, b) => b - a)).toEqual(sizes);
    expect(Math.max(0, ...sizes)).toBeLessThanOrEqual(MiB);
    const [first, second] = taken.splice(0, 2);
    if (first !== undefined && second !== undefined) {
      const before = pool.bytes;
      pool.give(first, true);
      expect(pool.take()).toBe(first);
      // One with bytes in it is closed.
      pool.give(second, false);
      expect(pool.bytes).toBe(before - second.bytes);
      taken.push(first);
    }
    for (const pipe of taken) pool.give(pipe, true);
    pool.clear();
    expect(pool.bytes).toBe(0);
  },
);

test("without a budget there are none", () => {
  expect(new PipePool({ budgetBytes: 0 }).take()).toBeUndefined();
});
