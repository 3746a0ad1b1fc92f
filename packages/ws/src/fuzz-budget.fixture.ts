import type fc from "fast-check";

/** How long the properties of one fuzz target run together. `TZ_FUZZ_SECONDS=600` for a long run. */
const seconds = Number(process.env.TZ_FUZZ_SECONDS ?? 5);

export const FUZZ_TIMEOUT_MS = seconds * 1000 + 30_000;

/**
 * Runs a property until its time is over; a failure prints seed and shortest example as always.
 *
 * @param properties how many share the target's time
 */
export function fuzzRun(properties: number) {
  return {
    numRuns: Number.MAX_SAFE_INTEGER,
    interruptAfterTimeLimit: (seconds * 1000) / properties,
    markInterruptAsFailure: false,
  } as const satisfies fc.Parameters<unknown>;
}
