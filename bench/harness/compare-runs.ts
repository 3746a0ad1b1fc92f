import type { Measured } from "./figures.js";
import type { Settings } from "./settings.js";

/** Code in this process that does one thing many times. */
export interface Run {
  readonly target: string;
  readonly about: string;
  readonly version: string;
  run(times: number): void;
}

/** Rounds are at least so long that the clock does not matter. */
const MIN_ROUND_MS = 50;

/** CPU time of this process: what other programs do counts as little as it can. */
function cpuNs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) * 1000;
}

/**
 * Nanoseconds of CPU time each, garbage collection included. The runs take turns, A B C A B C …, after each was run until
 * its code was compiled.
 */
export function compareRuns(runs: readonly Run[], settings: Settings): Measured[] {
  const times = runs.map((run) => timesFor(run, settings.tiny ? 1 : MIN_ROUND_MS));
  const values = runs.map((): number[] => []);
  for (let round = 1; round <= settings.rounds; round++) {
    for (const [i, run] of runs.entries()) {
      const start = cpuNs();
      run.run(times[i]!);
      values[i]!.push(Math.max(1, cpuNs() - start) / times[i]!);
    }
  }
  return runs.map(({ target, about, version }, i) => ({ target, about, version, values: values[i]! }));
}

/** How often a run must be repeated to take a round; warms it up. */
function timesFor(run: Run, roundMs: number): number {
  for (let times = 100; ; times *= 2) {
    const startMs = performance.now();
    run.run(times);
    if (performance.now() - startMs >= roundMs) return times;
  }
}
