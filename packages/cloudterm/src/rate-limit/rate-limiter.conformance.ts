import { describe, expect, test } from "vitest";
import type { RateLimiter } from "./rate-limiter.js";

/** What every {@link RateLimiter} must do. `pass` lets time go by. */
export function rateLimiterConformance(
  name: string,
  make: () => Promise<{ limiter: RateLimiter; other: RateLimiter; pass(ms: number): Promise<void> }>,
  skip = false,
): void {
  describe.skipIf(skip)(name, () => {
    test("what is given back can be taken again, and never more than the burst", async () => {
      const { limiter, other } = await make();
      const rule = { burst: 2, intervalMs: 60_000 };
      expect(await limiter.take("a", rule)).toBe(0);
      expect(await limiter.take("a", rule)).toBe(0);
      expect(await other.take("a", rule)).toBeGreaterThan(0);
      await other.giveBack("a", rule);
      expect(await limiter.take("a", rule)).toBe(0);
      expect(await limiter.take("a", rule)).toBeGreaterThan(0);
      for (let i = 0; i < 5; i++) await limiter.giveBack("a", rule);
      await limiter.giveBack("never taken", rule);
      for (const key of ["a", "never taken"]) {
        expect(await limiter.take(key, rule)).toBe(0);
        expect(await limiter.take(key, rule)).toBe(0);
        expect(await limiter.take(key, rule)).toBeGreaterThan(0);
      }
    });

    test("a burst, then nothing, at all gateways together", async () => {
      const { limiter, other } = await make();
      const rule = { burst: 5, intervalMs: 60_000 };
      const waits = await Promise.all(
        Array.from({ length: 20 }, (_, i) => (i % 2 === 0 ? limiter : other).take("a", rule)),
      );
      expect(waits.filter((waitMs) => waitMs === 0).length).toBe(5);
      for (const waitMs of waits) {
        expect(waitMs).toBeLessThanOrEqual(60_000);
        expect(Number.isInteger(waitMs)).toBe(true);
      }
      expect(await limiter.take("b", rule)).toBe(0);
      expect(await other.peek("a", rule)).toBeGreaterThan(0);
      await other.reset("a");
      expect(await limiter.peek("a", rule)).toBe(0);
      expect(await limiter.take("a", rule)).toBe(0);
    });

    test("one more each interval", async () => {
      const { limiter, pass } = await make();
      const rule = { burst: 2, intervalMs: 2000 };
      expect(await limiter.take("a", rule)).toBe(0);
      expect(await limiter.take("a", rule)).toBe(0);
      const waitMs = await limiter.take("a", rule);
      expect(waitMs).toBeGreaterThan(0);
      expect(waitMs).toBeLessThanOrEqual(2000);
      await pass(waitMs + 20);
      expect(await limiter.take("a", rule)).toBe(0);
    });
  });
}
