import fc from "fast-check";
import { expect, test } from "vitest";
import { HeapPages } from "../memory/heap-pages.js";
import { allocateUnits, HEADER, MAX_UNITS, StoreFullError } from "../memory/pages.js";
import { formatPages, Totals } from "./totals.js";

function heap(lanes = 2) {
  const pages = new HeapPages();
  formatPages(pages, lanes);
  return { pages, totals: Array.from({ length: lanes }, (_, lane) => new Totals(pages, lane)) };
}

const record = (totals: Totals, name: string, value = 1) => {
  const bytes = Buffer.from(name);
  totals.record(bytes, 0, bytes.byteLength, value);
};

test("any events, lanes and resets, as a Set and a sum count them", () => {
  const step = fc.oneof(
    { weight: 20, arbitrary: fc.tuple(fc.nat(2), fc.string({ maxLength: 3 }), fc.integer()) },
    { weight: 1, arbitrary: fc.constant("reset" as const) },
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const { totals } = heap(3);
      let users = new Set<string>();
      let values: number[] = [];
      for (const each of steps) {
        if (each === "reset") {
          totals[1]!.reset();
          users = new Set();
          values = [];
        } else {
          const [lane, name, value] = each;
          record(totals[lane]!, name, value);
          users.add(Buffer.from(name).toString());
          values.push(value);
        }
      }
      const sum = values.reduce((total, value) => total + value, 0);
      for (const one of totals) {
        expect(one.stats()).toEqual({
          totalRequests: values.length,
          uniqueUsers: users.size,
          sum,
          avg: values.length === 0 ? 0 : sum / values.length,
        });
      }
    }),
    { numRuns: 200 },
  );
});

test("300,000 users in turn from two lanes, through several sizes of the table, and all of them again", () => {
  const { totals } = heap();
  for (let round = 1; round <= 2; round++) {
    for (let i = 0; i < 300_000; i++) record(totals[(i + round) % 2]!, `user-${i}`);
    expect(totals[0]!.stats()).toMatchObject({ totalRequests: round * 300_000, uniqueUsers: 300_000 });
  }
});

test("names that hash alike are told apart", () => {
  const { totals } = heap();
  const names = new Map<string, string>();
  // So many names of up to 12 bytes: among 2^32 hashes some pairs of them meet.
  for (let i = 0; i < 200_000; i++) names.set(`${i}`, `${i}`);
  for (const name of names.keys()) record(totals[0]!, name);
  for (const name of ["", "0", "00", "\0", "\0\0", "0\0"]) names.set(name, name);
  for (const name of ["", "0", "00", "\0", "\0\0", "0\0"]) record(totals[1]!, name);
  expect(totals[0]!.stats().uniqueUsers).toBe(names.size);
});

test("the sum is exact where doubles alone are not", () => {
  const { totals } = heap();
  for (const value of [1e300, 0.1, 0.2, -1e300, 1e-300]) record(totals[0]!, "a", value);
  record(totals[1]!, "a", 2 ** 60);
  record(totals[1]!, "a", -(2 ** 60));
  expect(totals[0]!.stats().sum).toBe(0.1 + 0.2);
  record(totals[0]!, "a", Number.MAX_VALUE);
  record(totals[1]!, "a", Number.MAX_VALUE);
  expect(totals[0]!.stats()).toMatchObject({ sum: null, avg: Number.MAX_VALUE / 4.5, totalRequests: 9 });
  totals[0]!.reset();
  // The mean of sums beyond all doubles is a double: rounded once, to even in the middle.
  for (let i = 0; i < 3; i++) record(totals[0]!, "a", -Number.MAX_VALUE);
  expect(totals[0]!.stats()).toMatchObject({ sum: null, avg: -Number.MAX_VALUE });
  record(totals[1]!, "a", Number.MAX_VALUE);
  expect(totals[0]!.stats()).toMatchObject({ sum: null, avg: -Number.MAX_VALUE / 2 });
});

test("a reset gives memory back", () => {
  const { pages, totals } = heap();
  for (let i = 0; i < 50_000; i++) record(totals[0]!, `user-${i}`);
  const used = pages.byteLength;
  totals[0]!.reset();
  record(totals[0]!, "a");
  expect(pages.byteLength).toBeLessThan(used / 2);
});

test("when the memory has come to its end the event is refused and nothing of it counts", () => {
  const { pages, totals } = heap();
  record(totals[0]!, "known");
  Atomics.store(pages.header, HEADER.nextUnit, MAX_UNITS - 3);
  // The other lane has no chunk for names of its own.
  expect(() => record(totals[1]!, "new")).toThrow(StoreFullError);
  expect(totals[0]!.stats()).toMatchObject({ totalRequests: 1, uniqueUsers: 1 });
  record(totals[1]!, "known");
  expect(totals[0]!.stats()).toMatchObject({ totalRequests: 2, uniqueUsers: 1 });
  expect(() => allocateUnits(pages, 4)).toThrow(StoreFullError);
});

test("lanes are checked", () => {
  const { pages } = heap();
  expect(() => new Totals(pages, 2)).toThrow(/lane is 2; allowed: a whole number from 0 to 1/);
  expect(() => formatPages(new HeapPages(), 65)).toThrow(/lanes is 65; allowed: a whole number from 1 to 64/);
});
