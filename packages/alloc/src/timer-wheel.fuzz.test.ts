import fc from "fast-check";
import { expect, test } from "vitest";
import { TimerWheel, WheelTimer } from "./timer-wheel.js";

const delay = fc.oneof(
  fc.integer({ min: 0, max: 40 }),
  fc.integer({ min: 0, max: 5_000 }),
  fc.integer({ min: 0, max: 3_000_000_000 }),
  fc.double({ min: 0, max: 500, noNaN: true }),
);
const step = fc.oneof(
  fc.record({ kind: fc.constant("schedule" as const), timer: fc.nat(15), delay }),
  fc.record({ kind: fc.constant("cancel" as const), timer: fc.nat(15), delay: fc.constant(0) }),
  fc.record({ kind: fc.constant("pass" as const), timer: fc.constant(0), delay }),
);

test("fires what a plain list of deadlines fires: not early, at most a tick late, in order of ticks", () => {
  fc.assert(
    fc.property(
      fc.constantFrom(16, 64, 256, 4096),
      fc.constantFrom(0.5, 1, 7, 1000),
      fc.array(step, { maxLength: 120 }),
      (slots, tickMs, steps) => {
        let ms = 12.5;
        const wheel = new TimerWheel({ slots, tickMs, now: () => ms });
        const dueMs = new Map<number, number>();
        const firedNow: number[] = [];
        const timers = Array.from({ length: 16 }, (_, i) => new WheelTimer(() => firedNow.push(i)));
        for (const { kind, timer, delay } of steps) {
          if (kind === "schedule") {
            wheel.schedule(timers[timer]!, delay);
            dueMs.set(timer, ms + delay);
          } else if (kind === "cancel") {
            expect(wheel.cancel(timers[timer]!)).toBe(dueMs.delete(timer));
          } else {
            ms += delay;
            firedNow.length = 0;
            expect(wheel.advance()).toBe(firedNow.length);
            let lastTick = -1;
            for (const i of firedNow) {
              const due = dueMs.get(i)!;
              expect(due).toBeLessThanOrEqual(ms);
              const tick = Math.ceil((due - 12.5) / tickMs);
              expect(tick).toBeGreaterThanOrEqual(lastTick - 1);
              lastTick = tick;
              dueMs.delete(i);
            }
            // Whatever is left is not overdue by a whole tick.
            for (const due of dueMs.values()) expect(due + tickMs).toBeGreaterThan(ms);
          }
          expect(wheel.size).toBe(dueMs.size);
          const next = Math.min(...dueMs.values());
          expect(wheel.nextDelayMs()).toBeLessThanOrEqual(Math.max(0, next - ms) + tickMs);
        }
      },
    ),
    { numRuns: 300 },
  );
});
