/**
 * Node runs ticks and promise jobs after each callback that it makes itself. koffi calls ours without telling
 * it: up to Node 24 they run before the loop's next turn all the same, on Node 26 only when Node next calls
 * something of its own, which can be never.
 */
interface TickRunner {
  /** Runs both queues until they are empty; 22 ns when they are. Not documented, hence the fallback. */
  readonly _tickCallback?: () => void;
}

/** A function that runs what a callback left behind. */
export function taskDrain(): () => void {
  const runTicks = (process as TickRunner)._tickCallback;
  // An immediate is a callback of Node's own; it costs a turn of the loop.
  if (runTicks === undefined) return () => void setImmediate(() => {});
  return () => {
    for (;;) {
      try {
        runTicks();
        return;
      } catch (error) {
        // A tick threw. Thrown again where it is an ordinary uncaught exception; the other ticks still run.
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  };
}
