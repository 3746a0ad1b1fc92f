// A process of shared-slab-pool.stress.test.ts; it works until it is killed.
import { inheritedMemory } from "./process.fixture.js";
import { useSlots } from "./shared-slab-pool.fixture.js";
import { SharedSlabPool } from "./shared-slab-pool.js";

const { byteLength, owner, magazineSlots, seed } = JSON.parse(process.argv[2]!) as {
  byteLength: number;
  owner: number;
  magazineSlots: number;
  seed: number;
};
const pool = SharedSlabPool.attach(inheritedMemory(byteLength), { owner, magazineSlots, atCapacity: "null" });
process.stdout.write("ready\n");
// The parent kills it long before; if the parent is gone, it ends by itself.
const endMs = performance.now() + 30_000;
for (let round = 0; performance.now() < endMs; round++) useSlots(pool, 10_000, seed + round);
