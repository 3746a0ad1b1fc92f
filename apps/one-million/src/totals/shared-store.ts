import { type Pages, StoreFullError } from "../memory/pages.js";
import type { TotalsStore } from "../totals-store.js";
import { Totals } from "./totals.js";

/** Totals in memory shared by the workers of this machine. Takes over the lane of a worker that died. */
export function sharedStore(pages: Pages, lane: number): TotalsStore {
  const totals = new Totals(pages, lane);
  totals.recover();
  let fullSince: number | undefined;
  return {
    record(bytes, start, end, value) {
      try {
        totals.record(bytes, start, end, value);
      } catch (error) {
        // One line until a reset, whoever asks for it.
        if (error instanceof StoreFullError && fullSince !== totals.epoch) {
          fullSince = totals.epoch;
          console.error(`one-million: ${error.message}; new users are answered 503 until a reset`);
        }
        throw error;
      }
      return undefined;
    },
    stats: () => totals.stats(),
    reset: () => void totals.reset(),
    close: async () => {
      totals.close();
      pages.close();
    },
  };
}
