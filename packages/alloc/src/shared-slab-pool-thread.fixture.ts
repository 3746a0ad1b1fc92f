// A thread of shared-slab-pool.stress.test.ts.
import { workerData } from "node:worker_threads";
import { useSlots } from "./shared-slab-pool.fixture.js";
import { SharedSlabPool } from "./shared-slab-pool.js";

const { memory, owner, rounds, magazineSlots } = workerData as {
  memory: SharedArrayBuffer;
  owner: number;
  rounds: number;
  magazineSlots: number;
};
const pool = SharedSlabPool.attach(memory, { owner, magazineSlots, atCapacity: "null" });
useSlots(pool, rounds, owner * 7919);
pool.detach();
