import { channel } from "node:diagnostics_channel";

/** Why a worker ended. `"retired"`: it was asked to. */
export type WorkerEnd = "retired" | "exited" | "blocked" | "start-timeout" | "drain-timeout";

interface OfWorker {
  readonly pid: number;
  /** Its place, from 0; a successor takes the same. */
  readonly slot: number;
  /** Counts reloads, from 1. */
  readonly generation: number;
}

/** What happens to workers. */
export type WorkerEvent =
  | ({ readonly kind: "started" | "ready" } & OfWorker)
  | ({
      readonly kind: "ended";
      readonly why: WorkerEnd;
      readonly code: number | null;
      readonly signal: NodeJS.Signals | null;
    } & OfWorker)
  /** A successor is not started at once: `failures` workers in a row ended soon after their start. */
  | { readonly kind: "backoff"; readonly slot: number; readonly failures: number; readonly delayMs: number }
  | { readonly kind: "reloading" | "reloaded"; readonly generation: number }
  /** The old generation goes on. */
  | { readonly kind: "reload-failed"; readonly error: Error }
  /** All workers have them: what `reloadTls` read or was given, or a fresh key for session tickets. */
  | { readonly kind: "tls-updated"; readonly what: "certificates" | "ticket-keys" }
  /** A worker goes on with what it had. */
  | { readonly kind: "tls-update-failed"; readonly error: Error }
  /** Another process has the sockets now; this one ends. */
  | { readonly kind: "handed-over"; readonly pid: number }
  | { readonly kind: "hand-over-failed"; readonly error: Error };

const workerChannel = channel("tz:server:worker");

export function publishWorkerEvent(event: WorkerEvent): void {
  if (workerChannel.hasSubscribers) workerChannel.publish(event);
}
