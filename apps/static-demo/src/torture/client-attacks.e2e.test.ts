import { isEpollSupported } from "@tz/server";
import { describe, expect, test } from "vitest";
import { attackWithClients } from "./client-attacks.fixture.js";

const loops = isEpollSupported().supported ? (["epoll", "node"] as const) : (["node"] as const);

// Counting descriptors needs /proc: Linux only.
describe.skipIf(process.platform !== "linux")("clients that mean no good", () => {
  test.each(loops)(
    "%s: each is answered as documented, others are served, nothing stays behind",
    async (loop) => {
      const tally = await attackWithClients({ loop, clients: 6, depth: 3000, connections: 500, seconds: 0 });
      expect(tally.failures).toEqual([]);
      expect(tally.victim.requests).toBeGreaterThan(0);
      // Each to warm up and once more; the crowd of connections comes at the end.
      const { "thousands of connections": crowds, ...others } = tally.attacks;
      expect(crowds).toBe(1);
      expect(Object.values(others)).toEqual(Object.keys(others).map(() => 2));
      expect(Object.keys(others)).toHaveLength(9);
    },
  );
});
