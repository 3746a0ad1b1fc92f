// The other process of memory.test.ts: descriptor 3 is the memfd that both map.
import { mmap } from "./memory.js";

const [adds, index] = process.argv.slice(2).map(Number) as [number, number];
const region = mmap({ fd: 3, byteLength: 1024 * 1024 });
const counts = new BigInt64Array(region.bytes.buffer);
for (let i = 0; i < adds; i++) {
  Atomics.add(region.i32, 0, 1);
  Atomics.add(counts, 1, 1n);
}
region.bytes[100 + index] = 200 + index;
region.release();
