import type { Pages } from "../memory/pages.js";
import type { TotalsStore } from "../totals-store.js";
import { Totals } from "./totals.js";

/** Totals in memory shared by the workers of this machine. Takes over the lane of a worker that died. */
export function sharedStore(pages: Pages, lane: number): TotalsStore {
  const totals = new Totals(pages, lane);
  totals.recover();
  return {
    record: (bytes, start, end, value) => void totals.record(bytes, start, end, value),
    stats: () => totals.stats(),
    reset: () => void totals.reset(),
    close: async () => {
      totals.close();
      pages.close();
    },
  };
}
