import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect, onTestFinished, test } from "vitest";
import { measureTree } from "./process-tree.js";

const busyChild = `
  require("node:child_process").spawn(process.execPath, ["-e", "while (process.cpuUsage().user < 100_000); console.log('done'); setInterval(() => {}, 1000)"], { stdio: "inherit" });
  process.on("SIGTERM", () => process.exit());
`;

test("a descendant's work counts, and ours does not", async () => {
  const parent = spawn(process.execPath, ["-e", busyChild], {
    stdio: ["ignore", "pipe", "inherit"],
    detached: true,
  });
  onTestFinished(() => void process.kill(-(parent.pid ?? 0), "SIGKILL"));
  await once(parent.stdout, "data");
  const { cpuMicros, residentKiB } = measureTree(parent.pid ?? 0);
  // User and system time are each rounded down to ticks of the kernel.
  expect(cpuMicros).toBeGreaterThanOrEqual(80_000);
  expect(residentKiB).toBeGreaterThan(40_000);
});

test("a process that is gone measures nothing", () => {
  expect(measureTree(2 ** 22 + 1)).toEqual({ cpuMicros: 0, residentKiB: 0 });
});
