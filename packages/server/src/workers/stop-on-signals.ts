import { constants } from "node:os";

/**
 * npm passes Ctrl-C on although the terminal has sent it to the whole group, so one key press arrives twice
 * within milliseconds. Nobody presses it twice this fast.
 */
const sameKeyPressMs = 100;

/**
 * Calls `stop` on the first SIGINT or SIGTERM and ends the process with 0 when it is done, or with 1 and the error on
 * stderr when it fails. A second signal ends the process at once, with the code that the signal stands for (130, 143).
 *
 * ```ts
 * stopOnSignals(() => app.close());
 * ```
 *
 * For programs of one process and for supervisors: workers are told by their supervisor.
 */
export function stopOnSignals(stop: () => unknown): void {
  let first: { signal: NodeJS.Signals; atMs: number } | undefined;
  const onSignal = (signal: NodeJS.Signals): void => {
    if (!first) {
      first = { signal, atMs: performance.now() };
      Promise.resolve()
        .then(stop)
        .then(
          () => process.exit(0),
          (error: unknown) => {
            console.error(error);
            process.exit(1);
          },
        );
    } else if (signal !== first.signal || performance.now() - first.atMs > sameKeyPressMs) {
      process.exit(128 + constants.signals[signal]);
    }
  };
  process.on("SIGINT", onSignal);
  process.on("SIGTERM", onSignal);
}
