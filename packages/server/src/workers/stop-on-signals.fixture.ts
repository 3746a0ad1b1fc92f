import { stopOnSignals } from "./stop-on-signals.js";

/** Says when it stops, and stops as it is told: `done`, or `fail`. */
const told = new Promise((resolve) => process.once("message", resolve));
// As a server does: handlers of signals keep no process alive.
setInterval(() => {}, 1000);
stopOnSignals(async () => {
  process.send!("stopping");
  if ((await told) === "fail") throw new Error("the store is gone");
});
process.send!("ready");
