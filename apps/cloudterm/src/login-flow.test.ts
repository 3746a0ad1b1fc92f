import { CloudtermError, HashQueue, LoginLimits, MemoryLimiter } from "@tz/cloudterm";
import { expect, test } from "vitest";
import type { GatewayParts } from "./gateway-parts.js";
import { underLimits } from "./login-flow.js";
import { Metrics } from "./metrics.js";

test("a login that finds no room to be verified is told when to come again, and counts as no attempt", async () => {
  const metrics = new Metrics();
  const limits = new LoginLimits(new MemoryLimiter(), {
    address: { burst: 3, intervalMs: 1e9 },
    account: { burst: 2, intervalMs: 1e9 },
  });
  const audit = { write() {} };
  const parts = { limits, metrics, audit } as unknown as GatewayParts;
  const queue = new HashQueue({ concurrency: 1, maxWaiting: 0 });
  let end = (): void => {};
  const running = queue.run(() => new Promise<void>((resolve) => (end = resolve)));
  const attempt = { address: "192.0.2.1", account: "ada", device: undefined };
  const look = () => underLimits(parts, attempt, () => queue.run(async () => "seen"));
  for (let i = 0; i < 10; i++) {
    const error = await look().catch((error: unknown) => error);
    expect(error).toMatchObject({ code: "TZ_CLOUDTERM_BUSY", status: 429, fields: ["Retry-After", "1"] });
  }
  end();
  await running;
  expect(await look()).toBe("seen");
  expect(await look()).toBe("seen");
  // Those two counted.
  await expect(look()).rejects.toThrow(CloudtermError);
  await expect(look()).rejects.toMatchObject({ code: "TZ_CLOUDTERM_RATE" });
  expect(metrics.text({})).toContain("cloudterm_logins_busy_total 10");
});
