import { afterEach, describe, expect, test } from "vitest";
import { HeapPages } from "../memory/heap-pages.js";
import { LAST_STEPS, SEEN_STEPS, stepsOfEvent } from "./event-steps.fixture.js";
import { KeyRecords } from "./key-records.js";
import { Lane } from "./lane.js";
import { formatPages, type Stats, Totals } from "./totals.js";
import { UserTable } from "./user-table.js";

const NAME = Buffer.from("new");
const VALUES = [1, 10, 100] as const;

function heap() {
  const pages = new HeapPages();
  formatPages(pages, VALUES.length);
  return { pages, totals: VALUES.map((_, lane) => new Totals(pages, lane)) };
}

/** Each of the values counts 0 or 1 times: which they are says the sum. */
function expectWhole({ totalRequests, uniqueUsers, sum }: Stats, where: string): number[] {
  const counted = VALUES.filter((value) => Math.floor((sum ?? Number.NaN) / value) % 10 === 1);
  expect([totalRequests, uniqueUsers, sum], where).toEqual([
    counted.length,
    counted.length === 0 ? 0 : 1,
    counted.reduce<number>((total, value) => total + value, 0),
  ]);
  return counted;
}

describe("workers that meet a new user at the same time, step by step", () => {
  /** Runs lanes in the order that `schedule` says, each time to the next step that others can see. */
  function run(schedule: readonly number[], lanes: number) {
    const { pages, totals } = heap();
    const events = Array.from({ length: lanes }, (_, lane) => stepsOfEvent(pages, lane, NAME, VALUES[lane]!));
    const done = events.map(() => false);
    const trail: string[] = [];
    for (const lane of schedule) {
      let step = events[lane]!.next().value;
      while (step && !SEEN_STEPS.has(step)) step = events[lane]!.next().value;
      done[lane] = step !== undefined && LAST_STEPS.has(step);
      trail.push(`${lane} ${step ?? "ended early"}`);
    }
    const where = trail.join(", ");
    const counted = expectWhole(totals[2]!.stats(), where);
    done.forEach((isDone, lane) => {
      if (isDone) expect(counted, where).toContain(VALUES[lane]);
    });
    return { totals, done, where };
  }

  /** Visits every order of the steps of two workers, with what it led to at each of its ends. */
  function everyOrder(visit: (state: ReturnType<typeof run>) => void): number {
    let orders = 0;
    const go = (schedule: number[]): void => {
      orders++;
      const state = run(schedule, 2);
      visit(state);
      for (const lane of [0, 1]) if (!state.done[lane]) go([...schedule, lane]);
    };
    go([]);
    return orders;
  }

  test("every order of two workers, killed at any point: figures are whole, and an heir goes on", () => {
    const orders = everyOrder(({ totals, where }) => {
      // Both are killed here, and the lanes taken over: what is not counted by then never is.
      for (const lane of [0, 1]) totals[lane]!.recover();
      const counted = expectWhole(totals[2]!.stats(), `${where}, recovered`);
      for (const lane of [0, 1]) expect(totals[lane]!.recover(), where).toBe(false);
      totals[2]!.record(NAME, 0, NAME.byteLength, VALUES[2]);
      for (const lane of [0, 1]) {
        if (!counted.includes(VALUES[lane]!)) totals[lane]!.record(NAME, 0, NAME.byteLength, VALUES[lane]!);
      }
      expect(totals[0]!.stats(), where).toEqual({ totalRequests: 3, uniqueUsers: 1, sum: 111, avg: 37 });
    });
    expect(orders).toBeGreaterThan(1000);
  });
});

describe("a worker that counts in the middle of another's event", () => {
  /** What an event calls, each with one step that others see. */
  const CALLS = [
    [UserTable.prototype, "find"],
    [KeyRecords.prototype, "write"],
    [Lane.prototype, "prepare"],
    [UserTable.prototype, "publish"],
    [Lane.prototype, "commitAt"],
    [Lane.prototype, "commit"],
    [KeyRecords.prototype, "settle"],
  ] as const;
  const KILLED = new Error("killed here");

  const restores: (() => void)[] = [];
  afterEach(restore);

  function restore(): void {
    for (const each of restores.splice(0)) each();
  }

  /** Calls `act` before the `at`th call of the event. @returns whether there were so many */
  function interrupt(at: number, act: () => void): () => boolean {
    let calls = 0;
    let isOver = false;
    for (const [prototype, name] of CALLS) {
      const original = Reflect.get(prototype, name) as (...args: unknown[]) => unknown;
      Reflect.set(prototype, name, function (this: object, ...args: unknown[]) {
        if (!isOver && calls++ === at) {
          isOver = true;
          act();
        }
        return original.apply(this, args);
      });
      restores.push(() => Reflect.set(prototype, name, original));
    }
    return () => isOver;
  }

  const record = (totals: Totals, lane: number) => totals.record(NAME, 0, NAME.byteLength, VALUES[lane]!);

  test.each([
    ["goes on", false],
    ["is killed", true],
  ])("the first one %s: an event is in all four figures or in none", (_name, isKilled) => {
    for (let at = 0, more = true; more; at++) {
      const { totals } = heap();
      const wasReached = interrupt(at, () => {
        expectWhole(totals[2]!.stats(), `before call ${at}`);
        record(totals[1]!, 1);
        expect(expectWhole(totals[2]!.stats(), `amid call ${at}`)).toContain(10);
        if (isKilled) throw KILLED;
      });
      try {
        record(totals[0]!, 0);
        expectWhole(totals[2]!.stats(), `after call ${at}`);
      } catch (error) {
        if (error !== KILLED) throw error;
      }
      more = wasReached();
      restore();
      if (!more) expect(at).toBeGreaterThan(5);
      totals[0]!.recover();
      const counted = expectWhole(totals[2]!.stats(), `recovered after call ${at}`);
      if (!isKilled || !more) expect(counted).toContain(1);
      record(totals[2]!, 2);
      expect(expectWhole(totals[2]!.stats(), `again after call ${at}`)).toEqual([...counted, 100]);
    }
  });

  test("who takes a lane over is killed, too, at every step of it", () => {
    // 0: each call of the event; beyond the last of them nothing is left to take over.
    for (let at = 0, more = true; more; at++) {
      for (let again = 0, isKilledAgain = true; isKilledAgain; again++) {
        const { totals } = heap();
        const kill = (): never => {
          throw KILLED;
        };
        const killed = (work: () => unknown): void => {
          try {
            work();
          } catch (error) {
            if (error !== KILLED) throw error;
          }
          restore();
        };
        const wasReached = interrupt(at, kill);
        killed(() => record(totals[0]!, 0));
        more = wasReached();
        const wasReachedAgain = interrupt(again, kill);
        killed(() => totals[0]!.recover());
        isKilledAgain = wasReachedAgain();
        totals[0]!.recover();
        const where = `killed at call ${at}, its heir at call ${again}`;
        const counted = expectWhole(totals[2]!.stats(), where);
        record(totals[1]!, 1);
        record(totals[2]!, 2);
        expect(expectWhole(totals[2]!.stats(), where)).toEqual([...counted, 10, 100]);
      }
    }
  });

  test("a reset in the middle: the event is wholly before it", () => {
    for (let at = 0, more = true; more; at++) {
      const { totals } = heap();
      const wasReached = interrupt(at, () => {
        totals[2]!.reset();
        record(totals[1]!, 1);
      });
      record(totals[0]!, 0);
      more = wasReached();
      restore();
      expect(expectWhole(totals[2]!.stats(), `call ${at}`)).toEqual(more ? [10] : [1]);
      record(totals[0]!, 0);
      expect(totals[1]!.stats().uniqueUsers).toBe(1);
    }
  });
});
