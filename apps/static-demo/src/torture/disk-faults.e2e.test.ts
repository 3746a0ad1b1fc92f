import { isEpollSupported } from "@tz/server";
import { describe, expect, test } from "vitest";
import { tearFiles } from "./disk-faults.fixture.js";

const loops = isEpollSupported().supported ? (["epoll", "node"] as const) : (["node"] as const);

// Modes, pipes and links are those of Linux.
describe.skipIf(process.platform !== "linux")("disks that fail", () => {
  test.each(loops)("%s: whole content, an honest refusal or an end, never other bytes", async (loop) => {
    const { failures, whole, refused, faults } = await tearFiles({ loop, seconds: 1, readers: 4 });
    expect(failures).toEqual([]);
    expect(Math.min(whole, refused)).toBeGreaterThan(0);
    expect(Math.min(...Object.values(faults))).toBeGreaterThan(0);
  });
});
