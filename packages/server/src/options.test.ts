import { expect, test } from "vitest";
import { resolveOptions, SERVER_OPTIONS, type ServerOptions } from "./options.js";

test("every default lies within its own bounds", () => {
  const resolved = resolveOptions();
  for (const [name, row] of Object.entries(SERVER_OPTIONS)) {
    expect(resolved[name as keyof typeof SERVER_OPTIONS]).toBe(row.default);
    expect(row.default).toBeGreaterThanOrEqual(row.min);
    expect(row.default).toBeLessThanOrEqual(row.max);
  }
});

test.each([
  [{ idleTimeoutMs: 5 }, /idleTimeoutMs is 5; allowed: a whole number of ms from 10 to/],
  [{ maxHeadBytes: 1e9 }, /maxHeadBytes is 1000000000; allowed: .* bytes from 256 to 65000/],
  [{ backlog: 1.5 }, /backlog is 1.5/],
  [{ backlog: Number.NaN }, /backlog is NaN/],
  [{ maxBodyBytes: "1" }, /maxBodyBytes is "1"/],
  [{ loop: "uring" }, /loop is "uring"; allowed: auto, epoll, node/],
  [{ idleTimeout: 1 }, /unknown option "idleTimeout"; allowed: .*idleTimeoutMs/],
  [{ constructor: 1 }, /unknown option "constructor"/],
])("%j is refused by name, value and bounds", (options, message) => {
  expect(() => resolveOptions(options as ServerOptions)).toThrow(message);
});
