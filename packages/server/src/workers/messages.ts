/** What supervisor and worker tell each other over Node's channel between processes. */

import type { BindAddress } from "../loop/loop.js";

export interface DrainOrder {
  readonly timeoutMs: number;
  readonly idleGraceMs: number;
}

export type ToWorker =
  | ({ readonly tz: "drain" } & DrainOrder)
  /** Go on, but say that you are not ready. */
  | { readonly tz: "unready" }
  /** Accept for a worker that died, until its successor is ready. */
  | { readonly tz: "stand-in" | "stand-down"; readonly slot: number }
  /** A worker that shared its memory is gone. */
  | { readonly tz: "recover" }
  | TlsMessage;

/** Keys of tickets and changed options, see `tls-snapshot.ts`. */
export interface TlsMessage {
  readonly tz: "tls";
  readonly keys: string | undefined;
  readonly version: number;
  readonly changes: string;
}

export type ToSupervisor =
  | { readonly tz: "ready"; readonly address: BindAddress; readonly limit: number }
  | { readonly tz: "failed"; readonly code: string | undefined; readonly message: string }
  /** The loop turns. */
  | { readonly tz: "alive"; readonly connections: number }
  | { readonly tz: "reload" | "rotate-ticket-keys" }
  /** What TLS do I have in common with the others? */
  | { readonly tz: "tls?" }
  /** A {@link TlsMessage} was heeded, or could not be. */
  | { readonly tz: "tls-taken"; readonly error?: string | undefined };

/** To the supervisor that started another one: it serves. */
export interface TakenOver {
  readonly tz: "taken-over";
}

/** Messages of others (the user's, Node's) pass by. */
export function isOurs<T extends { readonly tz: string }>(message: unknown): message is T {
  return typeof message === "object" && message !== null && typeof (message as T).tz === "string";
}
