import type { Stats } from "./totals/totals.js";

/** Where events are counted: shared memory of one machine, or Redis for several. */
export interface TotalsStore {
  /**
   * Counts one event; what it returns is settled once the event counts.
   * @param bytes the user's name is `bytes[start, end)`, UTF-8, valid during the call
   * @throws an error with a `status`: nothing was counted, or (Redis only) nobody knows whether
   */
  record(bytes: Uint8Array, start: number, end: number, value: number): Promise<void> | undefined;
  stats(): Stats | Promise<Stats>;
  reset(): Promise<void> | undefined;
  close(): Promise<void>;
}
