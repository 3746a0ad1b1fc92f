import { readFileSync } from "node:fs";

/** One line of the table that `npm --prefix packages/alloc run bench` prints. */
export interface Row {
  readonly what: string;
  readonly figure: string;
  /** What the figure must be, where there is a target, and whether it is. */
  readonly target?: string;
  readonly met?: boolean;
  readonly note?: string;
}

/** How much of a full run: 1, or less in the tests, where only results are checked. */
export interface Scale {
  readonly part: number;
  readonly rounds: number;
}

export const FULL: Scale = { part: 1, rounds: 7 };

export function scaled(scale: Scale, count: number): number {
  return Math.max(100, Math.round(count * scale.part));
}

const sleeper = new Int32Array(new SharedArrayBuffer(4));

/**
 * CPU time of the calling thread so far, in ns; NaN where the kernel does not say. The kernel brings its count up to
 * date when the thread leaves the CPU, so it sleeps for a moment first.
 */
export function threadCpuNs(): number {
  Atomics.wait(sleeper, 0, 0, 0.01);
  try {
    return Number(readFileSync("/proc/thread-self/schedstat", "utf8").split(" ")[0]);
  } catch {
    return Number.NaN;
  }
}

/**
 * Runs `run(iterations)` and returns ns an iteration: CPU time of this thread (with that of the kernel for it), so
 * that other programs on the machine count as little as they can; time by the clock where the kernel does not say.
 */
export function nsPerIteration(run: (iterations: number) => void, iterations: number): number {
  const startCpu = threadCpuNs();
  const start = process.hrtime.bigint();
  run(iterations);
  const end = process.hrtime.bigint();
  const cpu = threadCpuNs() - startCpu;
  return Math.max(1, Number.isNaN(cpu) ? Number(end - start) : cpu) / iterations;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 1]!;
}

/**
 * Times several functions in turn, A B A B …, after a round that warms them up. Returns the median ns of each, and
 * the median of the rounds' ratios to the last one.
 */
export function compare(
  runs: readonly ((iterations: number) => void)[],
  iterations: readonly number[],
  rounds: number,
): { ns: number[]; ratios: number[] } {
  runs.forEach((run, i) => {
    run(iterations[i]!);
  });
  const times: number[][] = runs.map(() => []);
  const ratios: number[][] = runs.map(() => []);
  for (let round = 0; round < rounds; round++) {
    const ns = runs.map((run, i) => nsPerIteration(run, iterations[i]!));
    ns.forEach((value, i) => {
      times[i]!.push(value);
      ratios[i]!.push(value / ns[ns.length - 1]!);
    });
  }
  return { ns: times.map(median), ratios: ratios.map(median) };
}

export const ns = (value: number): string => `${value < 10 ? value.toFixed(1) : value.toFixed(0)} ns`;
export const millions = (perSecond: number): string => `${(perSecond / 1e6).toFixed(1)} M/s`;
export const percent = (part: number): string => `${(part * 100).toFixed(1)} %`;

/** A Markdown table; the verdict stands in words, so that it can be searched. */
export function table(rows: readonly Row[]): string {
  const lines = rows.map(({ what, figure, target = "", met, note = "" }) => {
    const verdict = met === undefined ? "" : met ? "met" : "MISSED";
    return `| ${what} | ${figure} | ${target} | ${verdict} | ${note} |`;
  });
  return ["| what | figure | target | | |", "|---|---|---|---|---|", ...lines].join("\n");
}
