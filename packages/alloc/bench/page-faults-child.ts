// The process of page-faults.ts: prints the page faults of serving.
import { openSync, readSync } from "node:fs";
import { SlabPool } from "../src/index.js";

const slots = Number(process.argv[2]);
const prefault = process.argv[3] === "true";

const file = openSync("/proc/self/stat", "r");
const text = Buffer.alloc(1024);

/** Minor and major faults of the whole process: fields 10 and 12, counted after the name, which may have spaces. */
function pageFaults(): number {
  const length = readSync(file, text, 0, text.length, 0);
  const fields = text.toString("latin1", 0, length).split(") ")[1]!.split(" ");
  return Number(fields[7]) + Number(fields[9]);
}

/** Takes all, then writes and frees each: all slots are touched. */
function serve(pool: SlabPool, held: Int32Array, value: number): void {
  for (let i = 0; i < pool.capacity; i++) held[i] = pool.allocate();
  for (let i = 0; i < pool.capacity; i++) {
    const at = pool.offset(held[i]!);
    pool.bytes.fill(value, at, at + pool.slotBytes);
    pool.free(held[i]!);
  }
}

const pool = new SlabPool({ slotBytes: 16 * 1024, capacity: slots, prefault });
const held = new Int32Array(slots).fill(0);
// The code is warmed up on another pool: compiling takes memory, too.
const warm = new SlabPool({ slotBytes: 16 * 1024, capacity: 64 });
for (let i = 0; i < 400; i++) {
  serve(warm, held, i & 0xff);
  pageFaults();
}
await new Promise((resolve) => setTimeout(resolve, 200));
pageFaults();
const before = pageFaults();
serve(pool, held, 1);
const after = pageFaults();
if (pool.bytes[pool.offset(slots - 1)] !== 1 || pool.used !== 0) throw new Error("not every slot was served");
process.stdout.write(String(after - before));
