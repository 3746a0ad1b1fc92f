import { expect, test } from "vitest";
import { RedisOutage } from "./redis-outage.js";

test("one line for each change, none for what stays as it is", () => {
  const lines: string[] = [];
  const outage = new RedisOutage((line) => lines.push(line));
  outage.answered();
  for (let i = 0; i < 3; i++) outage.failed(new Error("gone"));
  outage.answered();
  outage.answered();
  outage.failed(new Error("again"));
  expect(lines).toEqual([
    "Redis does not count (gone); events are answered 503 until it does",
    "Redis counts again",
    "Redis does not count (again); events are answered 503 until it does",
  ]);
});
