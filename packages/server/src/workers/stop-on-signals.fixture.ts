import { stopOnSignals } from "./stop-on-signals.js";

/** Says when it stops, and stops as it is told: `done`, or `fail`. */
stopOnSignals(async () => {
  const told = new Promise((resolve) => process.once("message", resolve));
  process.send!("stopping");
  if ((await told) === "fail") throw new Error("the store is gone");
});
process.send!("ready");
