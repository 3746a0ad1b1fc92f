// A process that counts in memory shared through descriptor 3. What it does is its first argument:
//   count LANE EVENTS USERS SEED   counts random events; prints the sum of the values
//   reset LANE TIMES               resets again and again
//   die LANE STEP                  is killed in the middle of an event of user "victim", value 7
//   wait LANE MILLISECONDS         holds a view of the current root, counts one event after the time
import { MemfdPages } from "../memory/memfd-pages.js";
import { HEADER } from "../memory/pages.js";
import { halfSipHash } from "./half-sip-hash.js";
import { Lane } from "./lane.js";
import { currentRoot, Root } from "./root.js";
import { Totals } from "./totals.js";
import { UserTable } from "./user-table.js";

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
  dieInTheMiddle(rest[1] ?? "");
}

/** The steps of Totals.record, one by one, with the end in between. */
function dieInTheMiddle(step: string): void {
  const root = new Root(pages, currentRoot(pages));
  const table = new UserTable(pages, root);
  const mine = new Lane(root.buffer, root.laneAt(lane));
  const name = Buffer.from("victim");
  const end = name.byteLength;
  const { header } = pages;
  const hash = halfSipHash(name, 0, end, header[HEADER.hashKey]!, header[HEADER.hashKey + 1]!);
  const die = (here: string) => {
    if (here === step) process.kill(process.pid, "SIGKILL");
  };
  const record = table.records.write(hash, name, 0, end);
  die("written");
  mine.intend(record, 7);
  die("intended");
  const published = table.publish(record, hash, name, 0, end);
  die("published");
  mine.commit(7, published === record);
  die("committed");
}
