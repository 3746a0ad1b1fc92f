import { readFileSync } from "node:fs";
import { parentPort, workerData } from "node:worker_threads";
import { SharedCache } from "../src/shared/shared-cache.js";
import { seeded } from "./traces.js";
import { zipfSampler } from "./zipf.js";

export interface ReaderTask {
  readonly memory: SharedArrayBuffer;
  /** Word 0: the round that may run; readers wait for it. */
  readonly gate: SharedArrayBuffer;
  readonly keys: number;
  readonly operations: number;
  readonly rounds: number;
  readonly seed: number;
}

/** Pins and unpins hits, a round for each opening of the gate, and tells the CPU time of each. */
export function readRounds(task: ReaderTask, done: (nanosecondsEach: number) => void): void {
  const cache = SharedCache.attach(task.memory);
  const gate = new Int32Array(task.gate);
  const keys = Array.from({ length: task.keys }, (_, index) => Buffer.from(benchKey(index)));
  const order = Uint32Array.from({ length: task.operations }, zipfSampler(task.keys, 0.9, seeded(task.seed)));
  for (let round = 1; round <= task.rounds; round++) {
    Atomics.wait(gate, 0, round - 1);
    const start = threadNanoseconds();
    let hits = 0;
    for (let i = 0; i < order.length; i++) {
      const key = keys[order[i]!]!;
      const handle = cache.pinBytes(key, 0, key.length, 1);
      if (handle === SharedCache.NONE) continue;
      hits++;
      cache.unpin(handle);
    }
    const nanoseconds = threadNanoseconds() - start;
    if (hits !== order.length) throw new Error(`${order.length - hits} misses`);
    done(nanoseconds / order.length);
  }
  cache.close();
}

/** CPU time of this thread: what else runs on the machine does not count, memory that threads fight over does. */
function threadNanoseconds(): number {
  return Number(readFileSync("/proc/thread-self/schedstat", "latin1").split(" ")[0]);
}

export function benchKey(index: number): string {
  return `/assets/path/to/file-${index}.css`;
}

if (parentPort !== null) readRounds(workerData as ReaderTask, (each) => parentPort!.postMessage(each));
