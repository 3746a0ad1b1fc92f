import { SlabPool, TimerWheel, WheelTimer } from "@tz/alloc";
import { compareRuns, type Run } from "../harness/compare-runs.js";
import { figureTable } from "../harness/figures.js";
import type { Scenario } from "../harness/scenario.js";

const SLOT_BYTES = 16 * 1024;
const TIMERS = 1000;
const version = `Node ${process.versions.node}`;

function slabs(): Run {
  const pool = new SlabPool({ slotBytes: SLOT_BYTES, capacity: 1024 });
  return {
    target: "tz-slab-pool",
    about: "SlabPool, allocate, write, free",
    version,
    run(times) {
      for (let i = 0; i < times; i++) {
        const slot = pool.allocate();
        pool.view(slot)[0] = i;
        pool.free(slot);
      }
      if (pool.used !== 0) throw new Error(`${pool.used} slots were not given back`);
    },
  };
}

const buffers: Run = {
  target: "buffer",
  about: "Buffer.allocUnsafe(16 KiB), write, garbage collection",
  version,
  run(times) {
    for (let i = 0; i < times; i++) Buffer.allocUnsafe(SLOT_BYTES)[0] = i;
  },
};

function wheel(): Run {
  const timers = Array.from({ length: TIMERS }, () => new WheelTimer(() => {}));
  const clock = new TimerWheel({ now: () => 0 });
  return {
    target: "tz-timer-wheel",
    about: "TimerWheel, schedule and cancel",
    version,
    run(times) {
      for (let i = 0; i < times; i++) {
        const timer = timers[i % TIMERS]!;
        clock.schedule(timer, 30_000);
        clock.cancel(timer);
      }
      if (clock.size !== 0) throw new Error(`${clock.size} timers were not cancelled`);
    },
  };
}

const timeouts: Run = {
  target: "set-timeout",
  about: "setTimeout and clearTimeout",
  version,
  run(times) {
    for (let i = 0; i < times; i++) clearTimeout(setTimeout(() => {}, 30_000));
  },
};

export const scenario: Scenario = {
  name: "alloc",
  title: "Memory and timers",
  targets: [],
  run: async (_work, _targets, settings) => ({
    tables: [
      figureTable(
        { name: "16 KiB", title: "A block of 16 KiB", unit: "CPU ns", subject: "tz-slab-pool" },
        compareRuns([slabs(), buffers], settings),
      ),
      figureTable(
        { name: "timer", title: "A timer that is cancelled", unit: "CPU ns", subject: "tz-timer-wheel" },
        compareRuns([wheel(), timeouts], settings),
      ),
    ],
    conditions: "CPU time of one process, garbage collection included.",
    missing: [],
  }),
};
