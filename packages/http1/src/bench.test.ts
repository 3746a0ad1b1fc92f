import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { BROWSER_REQUEST, SMALL_REQUEST } from "../bench/browser-request.js";
import { measure } from "../bench/measure.js";

test("the bench runs, and all contenders read the requests alike", () => {
  for (const request of [BROWSER_REQUEST, SMALL_REQUEST]) {
    const rows = measure(request, 1, 10);
    expect(rows.length).toBe(6);
    for (const { ns } of rows) expect(ns).toBeGreaterThan(0);
  }
});

test("parsing leaves no garbage", { timeout: 240_000 }, () => {
  const script = fileURLToPath(new URL("../bench/garbage.ts", import.meta.url));
  const output = execFileSync(process.execPath, ["--import", "tsx", "--conditions=@tz/source", script], {
    encoding: "utf8",
    env: { ...process.env, REQUESTS: "1000000" },
  });
  expect(output).toContain("1,000,000 requests, 0 garbage collections");
});
