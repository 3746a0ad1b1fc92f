import { expect, test } from "vitest";
import { addressKey } from "./address-key.js";
import { LoginLimits } from "./login-limits.js";
import { MemoryLimiter } from "./memory-limiter.js";

test("an IPv6 customer is one address, however many they take", () => {
  for (const [address, key] of [
    ["192.0.2.1", "192.0.2.1"],
    ["::ffff:192.0.2.1", "192.0.2.1"],
    ["::ffff:c000:201", "192.0.2.1"],
    ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
    ["2001:DB8:1:2::", "2001:db8:1:2::/64"],
    ["2001:db8:1:2:ffff::1", "2001:db8:1:2::/64"],
    ["::1", "0:0:0:0::/64"],
    ["fe80::1%eth0", "fe80:0:0:0::/64"],
    ["1:2:3:4:5:6:1.2.3.4", "1:2:3:4::/64"],
    ["", "unknown"],
    ["nonsense", "unknown"],
  ]) {
    expect(addressKey(address!)).toBe(key);
  }
});

function make() {
  let nowMs = 1_000_000;
  return {
    limits: new LoginLimits(new MemoryLimiter({ now: () => nowMs })),
    pass: (ms: number) => (nowMs += ms),
  };
}

test("one address may try ten times, then once each 6 s", async () => {
  const { limits, pass } = make();
  const attempt = (i: number) => limits.begin({ address: "192.0.2.1", account: `u${i}`, device: undefined });
  for (let i = 0; i < 10; i++) await attempt(i);
  await expect(attempt(10)).rejects.toMatchObject({
    code: "TZ_CLOUDTERM_RATE",
    status: 429,
    retryAfterMs: 6000,
  });
  pass(6000);
  await attempt(11);
});

test("an attacker with many addresses cannot lock the owner out", async () => {
  const { limits } = make();
  let refused = 0;
  for (let i = 0; i < 200; i++) {
    const guess = limits.begin({ address: `198.51.${i >> 8}.${i & 255}`, account: "ada", device: undefined });
    await guess.catch(() => refused++);
  }
  expect(refused).toBe(195);
  const owner = { address: "192.0.2.1", account: "ada", device: "her browser" };
  for (let i = 0; i < 4; i++) await limits.begin(owner);
  await limits.succeeded(owner);
  for (let i = 0; i < 5; i++) await limits.begin(owner);
  await expect(limits.begin(owner)).rejects.toMatchObject({ code: "TZ_CLOUDTERM_RATE" });
});

test("guesses at all accounts from all addresses are bounded, known browsers are not", async () => {
  const { limits } = make();
  const attempt = (i: number, device?: string) =>
    limits.begin({ address: `198.51.${i >> 8}.${i & 255}`, account: `u${i}`, device });
  for (let i = 0; i < 100; i++) await attempt(i);
  await expect(attempt(100)).rejects.toMatchObject({ code: "TZ_CLOUDTERM_RATE" });
  await attempt(101, "known");
});

test("challenges for those who have proven nothing are bounded, and passwords do not wait for them", async () => {
  const { limits, pass } = make();
  for (let i = 0; i < 60; i++) await limits.beginChallenge("192.0.2.1");
  await expect(limits.beginChallenge("192.0.2.1")).rejects.toMatchObject({ retryAfterMs: 2000 });
  await limits.begin({ address: "192.0.2.1", account: "ada", device: undefined });
  let given = 60;
  for (let i = 0; i < 600; i++)
    await limits.beginChallenge(`198.51.${i >> 8}.${i & 255}`).then(
      () => given++,
      () => {},
    );
  expect(given).toBe(500);
  await limits.begin({ address: "192.0.2.2", account: "ada", device: undefined });
  pass(20);
  await limits.beginChallenge("192.0.2.2");
});
