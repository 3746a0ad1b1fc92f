import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";
import { allocatedBytes, type Measurement } from "./hot-calls.bench.js";

test("a hot call allocates nothing beyond what the bare function does", () => {
  // In a process of its own: tests run with the checker, which does allocate.
  const script = `
    const { measureHotCalls } = await import(${JSON.stringify(new URL("./hot-calls.bench.ts", import.meta.url).href)});
    console.log(JSON.stringify(measureHotCalls(30_000)));
    process.exit();`;
  // A compiler beside the program may not come to its turn on a busy machine.
  const v8 = "--no-concurrent-recompilation";
  const flags = [v8, "--import", "tsx", "--conditions=@tz/source", "--input-type=module", "-e", script];
  const output = execFileSync(process.execPath, flags, { env: { ...process.env, TZ_CHECK: "" } });
  const measurements = JSON.parse(output.toString()) as Measurement[];
  expect(measurements.length).toBe(8);
  // The smallest object has 16 bytes; what is below is the compiler's own, spread over the calls.
  const tooMuch = measurements.filter(({ oursBytes, bareBytes }) => oursBytes > Math.max(0, bareBytes) + 6);
  expect(tooMuch).toEqual([]);
  const computed = measurements.find(({ name }) => name.includes("computed"));
  expect(computed?.oursBytes).toBeGreaterThan(10);
});

test("what it counts as allocated is what was allocated, garbage included", () => {
  let kept: unknown;
  const count = 200_000;
  const { bytes } = allocatedBytes(() => {
    for (let i = 0; i < count; i++) kept = { i };
  });
  expect(kept).toEqual({ i: count - 1 });
  // An object with one field in place: three or four words and, unoptimized, a little more.
  expect(bytes / count).toBeGreaterThan(12);
  expect(bytes / count).toBeLessThan(100);
});
