import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import {
  canShareBetweenProcesses,
  exited,
  makeProcessMemory,
  started,
  startProcess,
} from "./process.fixture.js";
import { SharedSlabPool } from "./shared-slab-pool.js";
import { ended, startThread } from "./thread.fixture.js";

const layout = { slotBytes: 64, capacity: 100 };
const thread = new URL("./shared-slab-pool-thread.fixture.ts", import.meta.url);
const child = new URL("./shared-slab-pool-process.fixture.ts", import.meta.url);

/** That the list has each slot once. */
function expectAllFree(pool: SharedSlabPool<"null">): void {
  const slots = new Set<number>();
  for (let slot = pool.allocate(); slot !== null; slot = pool.allocate()) slots.add(slot);
  expect(slots.size).toBe(layout.capacity);
  for (const slot of slots) pool.free(slot);
}

test.each([0, 16])(
  "threads never get the same slot at the same time (magazine of %i)",
  async (magazineSlots) => {
    const memory = new SharedArrayBuffer(SharedSlabPool.bytesFor(layout));
    SharedSlabPool.create(memory, layout);
    const threads = [1, 2, 3].map((owner) =>
      startThread(thread, { memory, owner, rounds: 200_000, magazineSlots }),
    );
    await Promise.all(threads.map(ended));
    expectAllFree(SharedSlabPool.attach(memory, { owner: 9, magazineSlots: 0, atCapacity: "null" }));
  },
);

test.skipIf(!canShareBetweenProcesses)(
  "processes that are killed at any instruction lose no slot",
  async () => {
    const memory = makeProcessMemory(SharedSlabPool.bytesFor(layout));
    SharedSlabPool.create(memory.region, layout);
    const pool = SharedSlabPool.attach(memory.region, { owner: 200, magazineSlots: 0, atCapacity: "null" });
    let seed = 1;
    const start = async (owner: number) => {
      // Without a magazine every call goes to the list: that is where to be killed.
      const process = startProcess(child, memory, {
        byteLength: memory.byteLength,
        owner,
        magazineSlots: owner % 2 === 0 ? 0 : 8,
        seed: seed++,
      });
      const end = exited(process);
      await started(process);
      return { owner, process, end };
    };
    let workers = await Promise.all([1, 2, 3].map(start));
    for (let round = 0; round < 3; round++) {
      workers = await Promise.all(
        workers.map(async (worker, i) => {
          await sleep(20 + 13 * i + 7 * round);
          worker.process.kill("SIGKILL");
          // A worker that found a stamp overwritten has ended with 1 before.
          expect(await worker.end).toBe("SIGKILL");
          pool.recover(worker.owner);
          return round === 2 ? worker : start(worker.owner);
        }),
      );
    }
    expectAllFree(pool);
    memory.release();
  },
  240_000,
);
