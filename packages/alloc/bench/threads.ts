import { MpmcQueue, SharedSlabPool, SpscRing } from "../src/index.js";
import { startThread } from "../src/thread.fixture.js";
import { median, millions, type Row, type Scale, scaled } from "./measure.js";
import type { Job, Outcome } from "./threads-worker.js";

const worker = new URL("./threads-worker.ts", import.meta.url);

interface Run {
  /** Operations of all threads of a kind, per second of the clock. */
  readonly perSecond: number;
  /** The same for one thread and per second of its CPU time: what it would be if each had a core for itself. */
  readonly perCpuSecond: number;
}

/** Starts a thread for each job, lets them go at once, and waits until all are done. */
async function run(jobs: readonly Omit<Job, "gate" | "threads">[], operations: number): Promise<Run> {
  const gate = new SharedArrayBuffer(4);
  const threads = jobs.map((job) =>
    startThread(worker, { ...job, gate, threads: jobs.length } satisfies Job),
  );
  const outcomes = await Promise.all(
    threads.map(
      (thread) =>
        new Promise<Outcome>((resolve, reject) => {
          thread.once("message", resolve);
          thread.once("error", reject);
        }),
    ),
  );
  const startNs = Math.min(...outcomes.map((outcome) => outcome.startNs));
  const endNs = Math.max(...outcomes.map((outcome) => outcome.endNs));
  const busiestNs = Math.max(...outcomes.map((outcome) => outcome.cpuNs));
  await Promise.all(threads.map((thread) => thread.terminate()));
  return { perSecond: (operations / (endNs - startNs)) * 1e9, perCpuSecond: (operations / busiestNs) * 1e9 };
}

async function rounds(scale: Scale, once: () => Promise<Run>): Promise<Run> {
  const runs: Run[] = [];
  for (let round = 0; round < Math.min(3, scale.rounds); round++) runs.push(await once());
  return {
    perSecond: median(runs.map((r) => r.perSecond)),
    perCpuSecond: median(runs.map((r) => r.perCpuSecond)),
  };
}

function row(what: string, { perSecond, perCpuSecond }: Run, target?: number): Row {
  const note = Number.isNaN(perCpuSecond)
    ? ""
    : `${millions(perCpuSecond)} per second of CPU time of the busier thread`;
  if (target === undefined) return { what, figure: millions(perSecond), note };
  return {
    what,
    figure: millions(perSecond),
    target: `≥ ${millions(target)}`,
    met: perSecond >= target,
    note,
  };
}

/** Pairs of allocate and free. In turn: each holds 16 slots and replaces the oldest, so that magazines move. */
export async function benchSharedSlabPool(scale: Scale): Promise<Row[]> {
  const layout = { slotBytes: 1024, capacity: 1024 };
  const rows: Row[] = [];
  for (const [threads, magazineSlots, pairs, target] of [
    [1, 32, 20_000_000, undefined],
    [2, 32, 20_000_000, 10e6],
    [2, 0, 500_000, undefined],
  ] as const) {
    const each = scaled(scale, pairs);
    const result = await rounds(scale, () => {
      const memory = new SharedArrayBuffer(SharedSlabPool.bytesFor(layout));
      SharedSlabPool.create(memory, layout);
      const jobs = Array.from({ length: threads }, (_, i) => ({
        kind: "slots" as const,
        memory,
        owner: i + 1,
        count: each,
        magazineSlots,
      }));
      return run(jobs, each * threads);
    });
    const how =
      magazineSlots === 0
        ? "no magazine: every call goes to the shared list"
        : `magazine of ${magazineSlots}`;
    rows.push(
      row(`SharedSlabPool, ${threads} thread${threads > 1 ? "s" : ""}, pairs (${how})`, result, target),
    );
  }
  return rows;
}

/**
 * Messages of 64 bytes. In batches they are copied in and out, with a number at both ends that is checked; in place
 * and one by one every word is written by one thread and checked by the other.
 */
export async function benchSpscRing(scale: Scale): Promise<Row[]> {
  const layout = { recordBytes: 64, capacity: 8192 };
  const rows: Row[] = [];
  for (const [way, messages, target] of [
    ["batch", 20_000_000, 20e6],
    ["place", 10_000_000, undefined],
    ["push", 1_000_000, undefined],
  ] as const) {
    const count = scaled(scale, messages);
    const result = await rounds(scale, () => {
      const memory = new SharedArrayBuffer(SpscRing.bytesFor(layout));
      SpscRing.create(memory, layout);
      const job = { memory, count, way, magazineSlots: 0 };
      return run(
        [
          { kind: "ring-writer", owner: 1, ...job },
          { kind: "ring-reader", owner: 2, ...job },
        ],
        count,
      );
    });
    const how = {
      batch: "pushBatch and popBatch of 64",
      place: "reserve and peek in place, published by 64",
      push: "push and pop one by one",
    };
    rows.push(row(`SpscRing, 64-byte messages, ${how[way]}`, result, target));
  }
  return rows;
}

export async function benchMpmcQueue(scale: Scale): Promise<Row[]> {
  const layout = { recordBytes: 56, capacity: 4096 };
  const count = scaled(scale, 500_000);
  const result = await rounds(scale, () => {
    const memory = new SharedArrayBuffer(MpmcQueue.bytesFor(layout));
    MpmcQueue.create(memory, layout);
    const job = { memory, count, magazineSlots: 0 };
    return run(
      [
        { kind: "queue-writer", owner: 1, ...job },
        { kind: "queue-reader", owner: 2, ...job },
      ],
      count,
    );
  });
  return [row("MpmcQueue, 56-byte messages, one writer and one reader", result)];
}
