// A process that counts in memory shared through descriptor 3. What it does is its first argument:
//   count LANE EVENTS USERS SEED   counts random events; prints the sum of the values
//   reset LANE TIMES               resets again and again
//   die LANE STEP                  is killed in the middle of an event of user "victim", value 7
import { MemfdPages } from "../memory/memfd-pages.js";
import { stepsOfEvent } from "./event-steps.fixture.js";
import { Totals } from "./totals.js";

const [job, ...rest] = process.argv.slice(2);
const [lane = 0, first = 0, users = 1, seed = 1] = rest.map(Number);
const pages = new MemfdPages(3);
const totals = new Totals(pages, lane);

if (job === "count") {
  let state = seed;
  const random = (below: number) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  let sum = 0;
  for (let i = 0; i < first; i++) {
    const name = Buffer.from(`user-${random(users)}`);
    const value = random(1000) - 300;
    totals.record(name, 0, name.byteLength, value);
    sum += value;
  }
  console.log(sum);
} else if (job === "reset") {
  for (let i = 0; i < first; i++) totals.reset();
} else {
  const name = Buffer.from("victim");
  for (const step of stepsOfEvent(pages, lane, name, 7)) {
    if (step === rest[1]) process.kill(process.pid, "SIGKILL");
  }
}
