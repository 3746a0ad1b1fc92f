import { expect, test } from "vitest";
import { type SlicedJob, SlicedJobs } from "./sliced-jobs.js";

/** Turns of the event loop, by hand. */
function turns() {
  const waiting: (() => void)[] = [];
  return {
    defer: (turn: () => void) => void waiting.push(turn),
    /** @returns false when nothing waited */
    next(): boolean {
      const turn = waiting.shift();
      turn?.();
      return turn !== undefined;
    },
  };
}

function job(name: string, slices: number, log: string[]): SlicedJob {
  let left = slices;
  return {
    step() {
      log.push(name);
      return --left === 0;
    },
  };
}

test("jobs take turns, one slice a turn, at most so many in work", () => {
  const log: string[] = [];
  const clock = turns();
  const jobs = new SlicedJobs(2, clock.defer);
  jobs.add(job("a", 3, log));
  jobs.add(job("b", 2, log));
  jobs.add(job("c", 1, log));
  expect(jobs.size).toBe(3);
  let count = 0;
  while (clock.next()) count++;
  expect(count).toBe(6);
  expect([...log].sort()).toEqual(["a", "a", "a", "b", "b", "c"]);
  expect(log.slice(0, 2).sort()).toEqual(["a", "b"]);
  expect(log.indexOf("c")).toBeGreaterThan(2);
  expect(jobs.size).toBe(0);
});

test("a cancelled job makes room for the next and is not worked again", () => {
  const log: string[] = [];
  const clock = turns();
  const jobs = new SlicedJobs(1, clock.defer);
  const first = job("first", 100, log);
  const waiting = job("waiting", 1, log);
  const last = job("last", 1, log);
  for (const one of [first, waiting, last]) jobs.add(one);
  clock.next();
  jobs.cancel(waiting);
  jobs.cancel(first);
  while (clock.next());
  expect(log).toEqual(["first", "last"]);
});

test("a job that throws is dropped, and the others go on", () => {
  const log: string[] = [];
  const clock = turns();
  const jobs = new SlicedJobs(2, clock.defer);
  jobs.add({
    step() {
      throw new Error("broken");
    },
  });
  jobs.add(job("other", 2, log));
  let thrown = 0;
  for (let turn = 0; turn < 10; turn++) {
    try {
      clock.next();
    } catch {
      thrown++;
    }
  }
  expect(thrown).toBe(1);
  expect(log).toEqual(["other", "other"]);
  expect(jobs.size).toBe(0);
});
