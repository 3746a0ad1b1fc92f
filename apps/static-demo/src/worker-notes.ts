import type { WorkerEvent } from "@tz/server";

export interface WorkerNote {
  readonly text: string;
  /** Something went wrong: said with `--quiet` too. */
  readonly isError: boolean;
}

/** What the person at the keyboard is told of workers; `undefined` for what needs no words. */
export function workerNote(event: WorkerEvent): WorkerNote | undefined {
  switch (event.kind) {
    case "ended": {
      if (event.why === "retired") return undefined;
      const how = event.why === "exited" ? (event.signal ?? `exit code ${event.code}`) : event.why;
      return { text: `Worker ${event.slot} (process ${event.pid}) ended: ${how}`, isError: true };
    }
    case "backoff":
      return {
        text: `Worker ${event.slot} failed ${event.failures} times in a row: the next one starts in ${event.delayMs} ms`,
        isError: true,
      };
    case "reloaded":
      return { text: `Reloaded: generation ${event.generation} serves`, isError: false };
    case "reload-failed":
      return { text: `Reload failed, the old workers go on: ${event.error.message}`, isError: true };
    case "handed-over":
      return { text: `Process ${event.pid} serves now`, isError: false };
    case "hand-over-failed":
      return { text: `No other program took over: ${event.error.message}`, isError: true };
    default:
      return undefined;
  }
}
