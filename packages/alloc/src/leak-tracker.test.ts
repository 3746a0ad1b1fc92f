import { setImmediate } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import { LeakTracker } from "./leak-tracker.js";
import { SlabPool } from "./slab-pool.js";

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

/** Lets finalization callbacks run: they come some time after a collection. */
async function untilCollected(done: () => boolean): Promise<void> {
  for (let i = 0; i < 200 && !done(); i++) {
    collectGarbage();
    await setImmediate();
  }
}

test("a slot whose view was collected is lost, with the stack that took it; one in use is not", async () => {
  const pool = new SlabPool({ slotBytes: 16, capacity: 4, debug: true });
  const inUse = pool.view(pool.allocate());
  (function forgetful() {
    pool.view(pool.allocate()).fill(1);
  })();
  await untilCollected(() => pool.leaks().some((leak) => leak.lost));
  const [lost, other] = pool.leaks();
  expect(lost).toMatchObject({ id: 1, lost: true });
  expect(lost?.stack).toMatch(/^\s+at forgetful/);
  expect(other).toMatchObject({ id: 0, lost: false });
  expect(inUse.length).toBe(16);
});

test("a view of an earlier holding of the slot does not make the later one lost", async () => {
  const tracker = new LeakTracker();
  let collected = false;
  // Not by looking at a WeakRef: each look keeps its object until the end of the turn, collection or not.
  const registry = new FinalizationRegistry(() => {
    collected = true;
  });
  tracker.allocated(7, 1, collectGarbage);
  (() => {
    registry.register(
      tracker.handle(7, () => ({})),
      undefined,
    );
  })();
  tracker.freed(7);
  tracker.allocated(7, 1, collectGarbage);
  await untilCollected(() => collected);
  expect(collected).toBe(true);
  await setImmediate();
  expect(tracker.leaks()).toMatchObject([{ id: 7, lost: false }]);
});

test("asking for another view takes the suspicion back", async () => {
  const tracker = new LeakTracker();
  tracker.allocated(1, 1, collectGarbage);
  tracker.handle(1, () => ({}));
  await untilCollected(() => tracker.leaks()[0]?.lost === true);
  expect(tracker.leaks()).toMatchObject([{ lost: true }]);
  const again = tracker.handle(1, () => ({ again: true }));
  expect(tracker.handle(1, () => ({ again: false }))).toBe(again);
  expect(tracker.leaks()).toMatchObject([{ lost: false }]);
});
