/**
 * A hit of `SharedCache` (lookup, pin, unpin) in one thread, and two threads against one, in CPU time, in one run:
 * `node --import tsx --conditions=@tz/source packages/cache/bench/shared-cache-speed.ts`
 */
import { SharedCache } from "../src/shared/shared-cache.js";
import { startThread } from "../src/thread.fixture.js";
import { median } from "./median.js";
import { benchKey, type ReaderTask } from "./shared-reader.js";

export interface SharedSpeed {
  /** Median over the rounds of one thread alone. */
  readonly hitNanoseconds: number;
  /** Hits for each second of CPU time of two threads at once, divided by those of one alone; median over the rounds. */
  readonly twoThreads: number;
}

export async function measureShared(keys: number, operations: number, rounds: number): Promise<SharedSpeed> {
  const options = { maxBytes: 64 << 20 };
  const memory = new SharedArrayBuffer(SharedCache.byteLength(options));
  SharedCache.create(memory, options);
  const writer = SharedCache.attach(memory);
  for (let index = 0; index < keys; index++) writer.insert(benchKey(index), 1, new Uint8Array(1024));
  writer.close();
  // Rounds alternate: reader 0 alone, then both; the first two warm up.
  const readers = [0, 1].map((index) => {
    const gate = new SharedArrayBuffer(4);
    const times: number[] = [];
    const own = index === 0 ? 2 * rounds + 2 : rounds + 1;
    const task: ReaderTask = { memory, gate, keys, operations, rounds: own, seed: index };
    const worker = startThread(new URL("./shared-reader.ts", import.meta.url), task);
    let notify = (): void => {};
    const failed = new Promise<never>((_, reject) => worker.once("error", reject));
    worker.on("message", (each: number) => {
      times.push(each);
      notify();
    });
    return {
      times,
      run: () => {
        const finished = new Promise<void>((resolve) => {
          notify = resolve;
        });
        Atomics.add(new Int32Array(gate), 0, 1);
        Atomics.notify(new Int32Array(gate), 0);
        return Promise.race([finished, failed]);
      },
    };
  });
  const alone: number[] = [];
  const ratios: number[] = [];
  for (let round = 0; round <= rounds; round++) {
    await readers[0]!.run();
    const one = readers[0]!.times.at(-1)!;
    await Promise.all(readers.map(({ run }) => run()));
    if (round === 0) continue;
    alone.push(one);
    ratios.push(readers.reduce((sum, { times }) => sum + one / times.at(-1)!, 0));
  }
  return { hitNanoseconds: median(alone), twoThreads: median(ratios) };
}

if (import.meta.url === `file://${process.argv[1]}`) {
  const { hitNanoseconds, twoThreads } = await measureShared(5000, 500_000, 9);
  console.log(
    `hit (lookup, pin, unpin): ${hitNanoseconds.toFixed(0)} ns; two threads: ${twoThreads.toFixed(2)} x one`,
  );
}
