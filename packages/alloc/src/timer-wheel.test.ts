import { expect, test } from "vitest";
import { TimerWheel, WheelTimer } from "./timer-wheel.js";

function clock() {
  let ms = 1_000_000.25;
  return { now: () => ms, pass: (by: number) => (ms += by) };
}

test("fires once, not early, at most a tick late", () => {
  const time = clock();
  const wheel = new TimerWheel({ tickMs: 10, now: time.now });
  let fired = 0;
  const timer = new WheelTimer(() => fired++);
  time.pass(3);
  wheel.schedule(timer, 25);
  expect(timer.scheduled).toBe(true);
  time.pass(24.9);
  expect(wheel.advance()).toBe(0);
  time.pass(10.1);
  expect(wheel.advance()).toBe(1);
  expect(fired).toBe(1);
  expect(timer.scheduled).toBe(false);
  time.pass(100_000);
  expect(wheel.advance()).toBe(0);
});

test("scheduling again moves the timer; cancel takes it out and says whether it was in", () => {
  const time = clock();
  const wheel = new TimerWheel({ now: time.now });
  let fired = 0;
  const timer = new WheelTimer(() => fired++);
  wheel.schedule(timer, 5);
  wheel.schedule(timer, 50);
  expect(wheel.size).toBe(1);
  time.pass(49);
  wheel.advance();
  expect(fired).toBe(0);
  time.pass(2);
  wheel.advance();
  expect(fired).toBe(1);
  expect(wheel.cancel(timer)).toBe(false);
  wheel.schedule(timer, 5);
  expect(wheel.cancel(timer)).toBe(true);
  expect(wheel.cancel(timer)).toBe(false);
  time.pass(50);
  expect(wheel.advance()).toBe(0);
});

test("a timer scheduled on another wheel leaves the first", () => {
  const time = clock();
  const a = new TimerWheel({ now: time.now });
  const b = new TimerWheel({ now: time.now });
  const timer = new WheelTimer(() => {});
  a.schedule(timer, 5);
  b.schedule(timer, 5);
  expect([a.size, b.size]).toEqual([0, 1]);
  expect(a.cancel(timer)).toBe(false);
  expect(b.cancel(timer)).toBe(true);
});

test("a callback may cancel a timer of the same tick and schedule others", () => {
  const time = clock();
  const wheel = new TimerWheel({ now: time.now });
  const log: string[] = [];
  const second = new WheelTimer(() => log.push("second"));
  const third = new WheelTimer(() => log.push("third"));
  const first = new WheelTimer(() => {
    log.push("first");
    wheel.cancel(second);
    wheel.schedule(third, 0);
    wheel.schedule(first, 0);
  });
  wheel.schedule(first, 5);
  wheel.schedule(second, 5);
  time.pass(10);
  expect(wheel.advance()).toBe(1);
  expect(log).toEqual(["first"]);
  expect(second.scheduled).toBe(false);
  time.pass(1);
  expect(wheel.advance()).toBe(2);
  expect(log).toEqual(["first", "third", "first"]);
});

test("a callback that schedules itself with no delay cannot keep advance busy", () => {
  const time = clock();
  const wheel = new TimerWheel({ now: time.now });
  let fired = 0;
  const timer = new WheelTimer((self) => {
    fired++;
    wheel.schedule(self, 0);
    expect(wheel.advance()).toBe(0);
  });
  wheel.schedule(timer, 0);
  time.pass(100_000);
  expect(wheel.advance()).toBe(1);
  expect(fired).toBe(1);
});

test("when a callback throws, the others of its tick fire in the next call", () => {
  const time = clock();
  const wheel = new TimerWheel({ slots: 16, now: time.now });
  const log: number[] = [];
  for (let i = 0; i < 4; i++) {
    wheel.schedule(
      new WheelTimer(() => {
        log.push(i);
        if (i === 1) throw new Error("boom");
      }),
      256,
    );
  }
  time.pass(300);
  expect(() => wheel.advance()).toThrow("boom");
  expect(wheel.size).toBe(2);
  expect(wheel.nextDelayMs()).toBe(0);
  expect(wheel.advance()).toBe(2);
  expect(log).toEqual([0, 1, 2, 3]);
});

test("delays beyond the reach of the last level come true", () => {
  const time = clock();
  const wheel = new TimerWheel({ slots: 4096, now: time.now });
  let fired = 0;
  const day = 86_400_000;
  wheel.schedule(new WheelTimer(() => fired++), 400 * day);
  time.pass(400 * day - 1);
  wheel.advance();
  expect(fired).toBe(0);
  time.pass(2);
  wheel.advance();
  expect(fired).toBe(1);
});

test("nextDelayMs is never later than the next timer, and waking by it ends there", () => {
  const time = clock();
  const wheel = new TimerWheel({ now: time.now });
  expect(wheel.nextDelayMs()).toBe(Number.POSITIVE_INFINITY);
  let fired = 0;
  wheel.schedule(new WheelTimer(() => fired++), 10_000_000);
  let waits = 0;
  let slept = 0;
  while (fired === 0 && waits < 20) {
    const wait = wheel.nextDelayMs();
    slept += wait;
    time.pass(wait);
    wheel.advance();
    waits++;
  }
  expect(fired).toBe(1);
  expect(waits).toBeLessThanOrEqual(4);
  expect(slept).toBeGreaterThanOrEqual(10_000_000);
  expect(slept).toBeLessThanOrEqual(10_000_001);
});

test.each([-1, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 48 + 1])(
  "refuses a delay of %s and keeps the timer where it was",
  (delay) => {
    const wheel = new TimerWheel({ now: clock().now });
    const timer = new WheelTimer(() => {});
    wheel.schedule(timer, 3);
    expect(() => wheel.schedule(timer, delay)).toThrow(/delayMs must be from 0 to 281474976710656, got/);
    expect(wheel.size).toBe(1);
    expect(timer.scheduled).toBe(true);
  },
);

test("a clock that goes back fires nothing and breaks nothing", () => {
  const time = clock();
  const wheel = new TimerWheel({ now: time.now });
  let fired = 0;
  wheel.schedule(new WheelTimer(() => fired++), 10);
  time.pass(5);
  wheel.advance();
  time.pass(-1000);
  expect(wheel.advance()).toBe(0);
  time.pass(1006);
  expect(wheel.advance()).toBe(1);
});

test("refuses bad options by name, value and bounds", () => {
  expect(() => new TimerWheel({ slots: 100 })).toThrow(
    'TimerWheel: option "slots" must be a power of two from 16 to 4096 (slots a level), got 100',
  );
  expect(() => new TimerWheel({ tickMs: 0 })).toThrow(/"tickMs" must be a number from 0.1 to 3600000/);
  expect(() => new TimerWheel({ tick: 1 } as object)).toThrow(
    /unknown option "tick"; known are tickMs, slots, now/,
  );
  expect(() => new TimerWheel({ now: 5 as never })).toThrow(/"now" must be a function, got 5/);
  expect(() => new WheelTimer(undefined as never)).toThrow(/onExpire must be a function, got undefined/);
});

test("holds a million timers", () => {
  const time = clock();
  const wheel = new TimerWheel({ now: time.now });
  let fired = 0;
  const timers = Array.from({ length: 1_000_000 }, () => new WheelTimer(() => fired++));
  for (let i = 0; i < timers.length; i++) wheel.schedule(timers[i]!, (i * 7919) % 600_000);
  for (let i = 0; i < timers.length; i += 2) wheel.cancel(timers[i]!);
  expect(wheel.size).toBe(500_000);
  for (let i = 0; i < 601; i++) {
    time.pass(1000);
    wheel.advance();
  }
  expect(fired).toBe(500_000);
  expect(wheel.size).toBe(0);
});
