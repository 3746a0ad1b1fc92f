import type { DrainOrder } from "./messages.js";

/** A socket that the supervisor's process serves itself: a redirect to HTTPS, a page for operators. */
export interface OwnListener {
  /** What `listen` was asked for. */
  readonly host: string;
  readonly port: number;
  readonly fd: number;
  /** Another process serves it: stop, and leave a socket's file where it is. */
  handedOver(order: DrainOrder): Promise<void>;
}

/** Those of this process, in the order of their `listen`. A supervisor beside them hands them over with its own. */
export const ownListeners = new Set<OwnListener>();
