import type { Measured } from "./figures.js";
import type { Settings } from "./settings.js";

interface Named {
  readonly target: string;
  readonly about: string;
  readonly version: string;
}

/** Code in this process that does one thing many times. */
export interface Run extends Named {
  run(times: number): void;
}

/** Something outside of this process that times itself: nanoseconds each. */
export interface OutsideRun extends Named {
  measureNs(): number;
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
export function compareRuns(runs: readonly (Run | OutsideRun)[], settings: Settings): Measured[] {
  const rounds = runs.map((run) => roundOf(run, settings.tiny ? 1 : MIN_ROUND_MS));
  const values = runs.map((): number[] => []);
  for (let round = 1; round <= settings.rounds; round++) {
    for (const [i, measure] of rounds.entries()) values[i]!.push(measure());
  }
  return runs.map(({ target, about, version }, i) => ({ target, about, version, values: values[i]! }));
}

/** One round of a run, ready to be repeated. */
function roundOf(run: Run | OutsideRun, roundMs: number): () => number {
  if ("measureNs" in run) return () => run.measureNs();
  const times = timesFor(run, roundMs);
  return () => {
    const start = cpuNs();
    run.run(times);
    return Math.max(1, cpuNs() - start) / times;
  };
}

/** How often a run must be repeated to take a round; warms it up. */
function timesFor(run: Run, roundMs: number): number {
  for (let times = 100; ; times *= 2) {
    const startMs = performance.now();
    run.run(times);
    if (performance.now() - startMs >= roundMs) return times;
  }
}
