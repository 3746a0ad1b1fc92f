// Verifies bcrypt hashes of cost 12 as the gateway does, and watches the loop meanwhile:
//
//   node password-load.mjs CONCURRENCY SECONDS
//
// With a concurrency of 0 it only watches. Prints one line of JSON: verifications a second, and the longest delay of the loop in ms.
import { monitorEventLoopDelay } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import { HashQueue, hashPassword, verifyPassword } from "@tz/cloudterm";

const [concurrency, seconds] = process.argv.slice(2).map(Number);
const COST = 12;
/** The monitor's own timer: what it sees beyond this is delay. */
const RESOLUTION_MS = 1;
const password = Buffer.from("correct horse battery");

const hash = await hashPassword(password, { kind: "bcrypt", cost: COST });
if (!(await verifyPassword(password, hash))) throw new Error("the right password is refused");
if (await verifyPassword(Buffer.from("correct horse batterx"), hash)) throw new Error("a wrong one is taken");

const queue = new HashQueue({ concurrency: Math.max(1, concurrency), maxWaiting: 1000 });
const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
const start = performance.now();
const end = start + seconds * 1000;
let verified = 0;
let last = start;
delay.enable();
await Promise.all(
  Array.from({ length: 2 * concurrency }, async () => {
    while (performance.now() < end) {
      if (!(await queue.run(() => verifyPassword(password, hash)))) throw new Error("it is refused now");
      verified++;
      last = performance.now();
    }
  }),
);
if (concurrency === 0) await sleep(seconds * 1000);
delay.disable();
const delayMs = Math.max(0, delay.max / 1e6 - RESOLUTION_MS);
console.log(JSON.stringify({ perSecond: verified === 0 ? 0 : (verified * 1000) / (last - start), delayMs }));
