/** All benches; each checks its results before it reports a time. */
import { cpus, loadavg, release } from "node:os";
import { benchFragmentation } from "./fragmentation/fragmentation.js";
import { FULL, type Row, table } from "./measure.js";
import { benchPageFaults } from "./page-faults.js";
import { benchOthers, benchSink, benchSlabPool, benchTimerWheel } from "./pools.js";
import { benchMpmcQueue, benchSharedSlabPool, benchSpscRing } from "./threads.js";

const load = loadavg()[0]!.toFixed(1);
console.log(
  `Node ${process.version}, ${cpus().length} × ${cpus()[0]?.model ?? "unknown processor"}, Linux ${release()}, load ${load}\n`,
);
const rows: Row[] = [
  ...benchSlabPool(FULL),
  ...benchOthers(FULL),
  ...benchTimerWheel(FULL),
  ...(await benchSharedSlabPool(FULL)),
  ...(await benchSpscRing(FULL)),
  ...(await benchMpmcQueue(FULL)),
  ...benchPageFaults(FULL),
  ...benchFragmentation(FULL),
];
if (!Number.isFinite(benchSink())) throw new Error("the loops did nothing");
console.log(table(rows));
const missed = rows.filter((row) => row.met === false);
if (missed.length > 0) process.exitCode = 1;
