import fc from "fast-check";

/** How long the properties of one fuzz target run together. `TZ_FUZZ_SECONDS=600` for a long run. */
const given = process.env.TZ_FUZZ_SECONDS;
const seconds = Number(given ?? 5);

export const FUZZ_TIMEOUT_MS = seconds * 1000 + 240_000;

/**
 * Runs a property until its time is over; a failure prints seed and shortest example as always, and a run whose
 * time was given also says how many examples it tried.
 *
 * @param properties how many share the target's time
 */
export function fuzzRun<Example>(properties: number) {
  return {
    numRuns: Number.MAX_SAFE_INTEGER,
    interruptAfterTimeLimit: (seconds * 1000) / properties,
    markInterruptAsFailure: false,
    reporter(details: fc.RunDetails<Example>): void {
      if (details.failed) throw new Error(fc.defaultReportMessage(details), { cause: details.errorInstance });
      if (given !== undefined) console.log(`${details.numRuns} examples`);
    },
  };
}
