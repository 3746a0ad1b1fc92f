import type fc from "fast-check";

/** How long each fuzz target runs. `TZ_FUZZ_SECONDS=600` for a long one. */
const seconds = Number(process.env.TZ_FUZZ_SECONDS ?? 4);

/** Runs a property until the time is over; a failure prints seed and shortest example as always. */
export const FUZZ_RUN = {
  numRuns: Number.MAX_SAFE_INTEGER,
  interruptAfterTimeLimit: seconds * 1000,
  markInterruptAsFailure: false,
} as const satisfies fc.Parameters<unknown>;

export const FUZZ_TIMEOUT_MS = seconds * 1000 + 30_000;
