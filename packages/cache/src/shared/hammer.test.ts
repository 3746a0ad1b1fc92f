import { spawn } from "node:child_process";
import { closeSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { ftruncate, isSupported, memfdCreate, mmap } from "@tz/sys";
import { afterEach, expect, test } from "vitest";
import { startThread } from "../thread.fixture.js";
import { inconsistencies, pinsHeld, workersAttached } from "./consistency.fixture.js";
import {
  CACHE_BYTES,
  HAMMER_KEYS,
  HAMMER_OPTIONS,
  type HammerResult,
  isWhole,
  MEMORY_BYTES,
} from "./hammer.fixture.js";
import { SharedCache } from "./shared-cache.js";

/*
 * Real threads and processes, a checksum in every value. In CI some seconds; `TZ_HAMMER_SECONDS=60` for the full run:
 * TZ_HAMMER_SECONDS=60 npx vitest run --project @tz/cache src/shared/hammer.test.ts
 */

const SECONDS = Number(process.env.TZ_HAMMER_SECONDS ?? 2.5);
const TIMEOUT_MS = SECONDS * 4000 + 60_000;
const FIXTURE = new URL("./hammer.fixture.ts", import.meta.url);
const linux = isSupported().supported;

/** After a failed test nothing may go on hammering. */
const started = new Set<Hammerer>();
afterEach(() => {
  for (const { kill } of started) kill();
  started.clear();
});

interface Hammerer {
  readonly ready: Promise<void>;
  /** Undefined when it was killed. */
  readonly result: Promise<HammerResult | undefined>;
  kill(): void;
}

function remember(hammerer: Hammerer): Hammerer {
  started.add(hammerer);
  return hammerer;
}

function startProcess(fd: number, seed: number, seconds = SECONDS): Hammerer {
  const args = ["--import", "tsx", "--conditions=@tz/source", fileURLToPath(FIXTURE)];
  const child = spawn(process.execPath, [...args, JSON.stringify({ seconds, seed })], {
    stdio: ["ignore", "pipe", "inherit", fd],
  });
  let output = "";
  const ready = new Promise<void>((resolve) => {
    child.stdout!.setEncoding("utf8").on("data", (text: string) => {
      output += text;
      if (output.startsWith("ready\n")) resolve();
    });
    child.once("close", () => resolve());
  });
  const result = new Promise<HammerResult | undefined>((resolve, reject) => {
    child.once("close", (code, signal) => {
      const line = output.split("\n")[1];
      if (signal === "SIGKILL") resolve(undefined);
      else if (code === 0 && line) resolve(JSON.parse(line));
      else reject(new Error(`a hammering process ended with ${code ?? signal}`));
    });
  });
  return remember({ ready, result, kill: () => child.kill("SIGKILL") });
}

function startHammerThread(memory: SharedArrayBuffer, seed: number, seconds = SECONDS): Hammerer {
  const worker = startThread(FIXTURE, { memory, seconds, seed });
  let last: HammerResult | undefined;
  const ready = new Promise<void>((resolve, reject) => {
    worker.on("message", (message: HammerResult | "ready") => {
      if (message === "ready") resolve();
      else last = message;
    });
    worker.once("exit", () => resolve());
    worker.once("error", reject);
  });
  const result = new Promise<HammerResult | undefined>((resolve, reject) => {
    worker.once("exit", () => resolve(last));
    worker.once("error", reject);
  });
  return remember({ ready, result, kill: () => void worker.terminate() });
}

function checkResults(results: readonly HammerResult[]): void {
  for (const result of results) {
    expect(result).toMatchObject({ torn: 0, changedUnderPin: 0, overBudget: 0 });
    for (const count of [result.hits, result.misses, result.inserts, result.changes])
      expect(count).toBeGreaterThan(0);
  }
}

/** Nobody else is there any more: the cache is whole, every entry too, nothing is pinned, and it goes on. */
function checkAfterwards(memory: Uint8Array): SharedCache {
  const cacheMemory = memory.subarray(0, CACHE_BYTES);
  const cache = SharedCache.attach(cacheMemory, { lockWaitMs: 5000 });
  cache.recoverDead();
  expect(inconsistencies(cacheMemory)).toEqual([]);
  for (let key = 0; key < HAMMER_KEYS; key++) {
    const handle = cache.pin(`/hammer/${key}`, SharedCache.ANY_VERSION);
    if (handle === SharedCache.NONE) continue;
    expect(isWhole(cache.view(handle), key, cache.version(handle))).toBe(true);
    cache.unpin(handle);
  }
  expect(pinsHeld(cacheMemory)).toBe(0);
  for (let i = 0; i < 200; i++) expect(cache.insert(`/after/${i}`, 1, new Uint8Array(50_000))).toBe(true);
  expect(inconsistencies(cacheMemory)).toEqual([]);
  return cache;
}

function sharedFile(): { fd: number; memory: Uint8Array } {
  const fd = memfdCreate("tz-cache-test", 0);
  ftruncate(fd, MEMORY_BYTES);
  const { bytes } = mmap({ fd, byteLength: MEMORY_BYTES });
  SharedCache.create(bytes.subarray(0, CACHE_BYTES), HAMMER_OPTIONS);
  return { fd, memory: bytes };
}

function sharedMemory(): SharedArrayBuffer {
  const memory = new SharedArrayBuffer(MEMORY_BYTES);
  SharedCache.create(new Uint8Array(memory, 0, CACHE_BYTES), HAMMER_OPTIONS);
  return memory;
}

for (const count of [2, 4]) {
  test.runIf(linux)(
    `${count} processes: no torn value, no old version, never over the budget`,
    { timeout: TIMEOUT_MS },
    async () => {
      const { fd, memory } = sharedFile();
      const processes = Array.from({ length: count }, (_, index) => startProcess(fd, 100 + index));
      const results = await Promise.all(processes.map(({ result }) => result));
      checkResults(results as HammerResult[]);
      checkAfterwards(memory).close();
      if (process.env.TZ_HAMMER_SECONDS) console.log(count, "processes", results);
      closeSync(fd);
    },
  );
}

test("2 threads: no torn value, no old version, never over the budget", { timeout: TIMEOUT_MS }, async () => {
  const memory = sharedMemory();
  const threads = [1, 2].map((seed) => startHammerThread(memory, seed));
  const results = await Promise.all(threads.map(({ result }) => result));
  checkResults(results as HammerResult[]);
  checkAfterwards(new Uint8Array(memory)).close();
  if (process.env.TZ_HAMMER_SECONDS) console.log("2 threads", results);
});

/** Keeps `count` of them at work and kills one after the other until the time is up. @returns how many were killed */
async function killing(start: (seed: number) => Hammerer, count: number, lifeMs: number): Promise<number> {
  const endMs = performance.now() + Math.max(4, SECONDS) * 1000;
  let seed = 1;
  let killed = 0;
  const running = Array.from({ length: count }, () => start(seed++));
  await Promise.all(running.map(({ ready }) => ready));
  while (performance.now() < endMs) {
    await new Promise((resolve) => setTimeout(resolve, lifeMs * (0.5 + Math.random())));
    const victim = running.shift()!;
    victim.kill();
    expect(await victim.result).toBeUndefined();
    killed++;
    const next = start(seed++);
    await next.ready;
    running.push(next);
  }
  for (const { kill } of running) kill();
  await Promise.all(running.map(({ result }) => result));
  return killed + running.length;
}

test.runIf(linux)(
  "processes that are killed with -9 take nothing with them",
  { timeout: TIMEOUT_MS },
  async () => {
    const { fd, memory } = sharedFile();
    const witness = SharedCache.attach(memory.subarray(0, CACHE_BYTES), { lockWaitMs: 5000 });
    const killed = await killing((seed) => startProcess(fd, seed, 3600), 2, 60);
    witness.recoverDead();
    const { recoveredWorkers, repairs, hits } = witness.statistics();
    expect(recoveredWorkers).toBe(killed);
    expect(hits).toBeGreaterThan(0);
    witness.close();
    checkAfterwards(memory).close();
    if (process.env.TZ_HAMMER_SECONDS) console.log({ killed, recoveredWorkers, repairs });
    closeSync(fd);
  },
);

test("threads that are terminated take nothing with them", { timeout: TIMEOUT_MS }, async () => {
  const memory = sharedMemory();
  const killed = await killing((seed) => startHammerThread(memory, seed, 3600), 2, 20);
  const cache = checkAfterwards(new Uint8Array(memory));
  const { recoveredWorkers, repairs } = cache.statistics();
  if (linux) expect(recoveredWorkers).toBeGreaterThan(0);
  if (linux) expect(workersAttached(new Uint8Array(memory, 0, CACHE_BYTES))).toBe(1);
  if (process.env.TZ_HAMMER_SECONDS) console.log({ killed, recoveredWorkers, repairs });
  cache.close();
});
