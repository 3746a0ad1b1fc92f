/**
 * A tree of many files: start-up, memory for each file that was served, and what a file costs that is not cached.
 * usage: node --expose-gc --import tsx --conditions=@tz/source packages/static/bench/large-tree.ts [FILES]
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { PlanRequest, ResponsePlan } from "@tz/http1";
import { staticMount } from "../src/index.js";

const FILES_PER_DIRECTORY = 1000;
const files = Number(process.argv[2] ?? 100_000);
const root = mkdtempSync(path.join(tmpdir(), "tz-large-tree-"));
const targets: string[] = [];
for (let i = 0; i < files; i++) {
  const directory = `d${Math.floor(i / FILES_PER_DIRECTORY)}`;
  if (i % FILES_PER_DIRECTORY === 0) mkdirSync(path.join(root, directory));
  writeFileSync(path.join(root, directory, `f${i}.txt`), `content of file ${i}\n`);
  targets.push(`/${directory}/f${i}.txt`);
}

const requestOf = (target: string): PlanRequest => ({
  method: "GET",
  target,
  minorVersion: 1,
  fieldMask: 0,
  field: () => undefined,
});
const collect = (): number => {
  (globalThis as { gc?: () => void }).gc?.();
  const { heapUsed, arrayBuffers, external } = process.memoryUsage();
  return heapUsed + Math.max(arrayBuffers, external);
};

const cpuUs = (since: NodeJS.CpuUsage): number => {
  const { user, system } = process.cpuUsage(since);
  return user + system;
};

const before = collect();
const startMs = performance.now();
const mount = staticMount("/", root);
const first = await mount.plan(requestOf(targets[0]!));
console.log(`start-up and first answer: ${(performance.now() - startMs).toFixed(1)} ms`);
first.release?.();
console.log(`memory per known file after start-up: ${((collect() - before) / files).toFixed(1)} B`);

const servedCpu = process.cpuUsage();
for (const target of targets) {
  const plan = (await mount.plan(requestOf(target))) as ResponsePlan;
  if (plan.head.status !== 200) throw new Error(`${target}: ${plan.head.status}`);
  plan.release?.();
}
const perFileUs = cpuUs(servedCpu) / files;
const { entries, bytes, watches, evictions } = mount.stats;
console.log(`first answers: ${perFileUs.toFixed(1)} us of CPU each`);
console.log(`kept: ${entries} entries, ${bytes} accounted bytes, ${watches} watches, ${evictions} evictions`);
console.log(`memory per kept entry: ${((collect() - before) / entries).toFixed(0)} B`);
mount.close();

const uncached = staticMount("/", root, { cache: { bytes: 0, fds: 0 }, watch: false });
for (let round = 0; round < 3; round++) {
  const roundCpu = process.cpuUsage();
  for (const target of targets.slice(0, 10_000)) {
    const plan = (await uncached.plan(requestOf(target))) as ResponsePlan;
    plan.release?.();
  }
  console.log(`without a cache: ${(cpuUs(roundCpu) / Math.min(files, 10_000)).toFixed(1)} us of CPU each`);
}
uncached.close();
rmSync(root, { recursive: true });
