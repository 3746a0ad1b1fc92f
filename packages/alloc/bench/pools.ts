import { Arena, ObjectPool, SizeClassAllocator, SlabPool, TimerWheel, WheelTimer } from "../src/index.js";
import { compare, ns, nsPerIteration, type Row, type Scale, scaled } from "./measure.js";

/** Results go here, so that no loop is dropped as useless. */
let sink = 0;

const SLOT_BYTES = 16 * 1024;

/** `SlabPool` against `Buffer.allocUnsafe` of the same size. */
export function benchSlabPool(scale: Scale): Row[] {
  const pool = new SlabPool({ slotBytes: SLOT_BYTES, capacity: { connections: 1000, handshakes: 24 } });
  const debugOff = (iterations: number) => {
    for (let i = 0; i < iterations; i++) {
      const slot = pool.allocate();
      sink += slot;
      pool.free(slot);
    }
  };
  const withView = (iterations: number) => {
    for (let i = 0; i < iterations; i++) {
      const slot = pool.allocate();
      pool.view(slot)[0] = i;
      pool.free(slot);
    }
  };
  const held: number[] = Array.from({ length: 64 }, () => pool.allocate());
  const inTurn = (iterations: number) => {
    for (let i = 0; i < iterations; i++) {
      pool.free(held[i & 63]!);
      held[i & 63] = pool.allocate();
    }
  };
  const buffers = (iterations: number) => {
    for (let i = 0; i < iterations; i++) Buffer.allocUnsafe(SLOT_BYTES)[0] = i;
  };
  const many = scaled(scale, 5_000_000);
  const few = scaled(scale, 100_000);
  const { ns: times, ratios } = compare(
    [debugOff, withView, inTurn, buffers],
    [many, many, many, few],
    scale.rounds,
  );
  if (pool.used !== 64) throw new Error("slots were lost");
  const [pair, view, turn, buffer] = times as [number, number, number, number];
  return [
    { what: "SlabPool allocate + free", figure: ns(pair), target: "≤ 10 ns", met: pair <= 10 },
    { what: "SlabPool, 64 slots in turn", figure: ns(turn), target: "≤ 10 ns", met: turn <= 10 },
    {
      what: "SlabPool with a write through its view",
      figure: ns(view),
      note: `Buffer.allocUnsafe(16 KiB) with a write: ${ns(buffer)}`,
    },
    {
      what: "SlabPool ÷ Buffer.allocUnsafe(16 KiB), both with a write",
      figure: ratios[1]!.toFixed(3),
      target: "≤ 0.2",
      met: ratios[1]! <= 0.2,
    },
  ];
}

interface Point {
  x: number;
  y: number;
  label: string;
  next: Point | undefined;
}

/** The allocators that have no target, for orientation. */
export function benchOthers(scale: Scale): Row[] {
  const many = scaled(scale, 2_000_000);
  const arena = new Arena({ chunkBytes: 1024 * 1024 });
  const bump = (iterations: number) => {
    for (let i = 0; i < iterations; i++) {
      if ((i & 1023) === 0) arena.reset();
      sink += arena.allocate(64);
    }
  };
  const make = (): Point => ({ x: 0, y: 0, label: "", next: undefined });
  const pool = new ObjectPool({
    create: make,
    reset: (point) => void (point.next = undefined),
    capacity: 64,
  });
  const numbered = new ObjectPool({
    create: (number) => ({ ...make(), number }),
    capacity: 64,
    numberOf: (point) => point.number,
  });
  const acquire = (iterations: number) => {
    for (let i = 0; i < iterations; i++) {
      const point = pool.acquire();
      point.x = i;
      pool.release(point);
    }
  };
  const acquireNumbered = (iterations: number) => {
    for (let i = 0; i < iterations; i++) {
      const point = numbered.acquire();
      point.x = i;
      numbered.release(point);
    }
  };
  const heap = new SizeClassAllocator();
  heap.allocate(100);
  heap.allocate(20_000);
  const small = (iterations: number) => {
    for (let i = 0; i < iterations; i++) {
      const offset = heap.allocate(100);
      sink += offset;
      heap.free(offset);
    }
  };
  const large = (iterations: number) => {
    for (let i = 0; i < iterations; i++) {
      const offset = heap.allocate(20_000);
      sink += offset;
      heap.free(offset);
    }
  };
  const buffers = (iterations: number) => {
    for (let i = 0; i < iterations; i++) Buffer.allocUnsafe(100)[0] = i;
  };
  const runs = [bump, acquire, acquireNumbered, small, large, buffers];
  const { ns: times } = compare(runs, [many, many, many, many, many / 10, many / 10], scale.rounds);
  const names = [
    "Arena allocate 64 bytes",
    "ObjectPool acquire + release",
    "ObjectPool with numberOf",
    "SizeClassAllocator 100 bytes, allocate + free",
    "SizeClassAllocator 20,000 bytes, allocate + free",
    "(Buffer.allocUnsafe of 100 bytes, with a write)",
  ];
  return names.map((what, i) => ({ what, figure: ns(times[i]!) }));
}

/** The wheel with a million timers in it, against Node's own. */
export function benchTimerWheel(scale: Scale): Row[] {
  const count = scaled(scale, 1_000_000);
  let nowMs = 0;
  let fired = 0;
  const wheel = new TimerWheel({ now: () => nowMs });
  const timers = Array.from({ length: count }, () => new WheelTimer(() => fired++));
  const delay = (i: number) => 1 + ((i * 7919) % 60_000);
  const schedule = () => {
    for (let i = 0; i < count; i++) wheel.schedule(timers[i]!, delay(i));
  };
  const cancel = () => {
    for (let i = 0; i < count; i++) wheel.cancel(timers[i]!);
  };
  const expire = () => {
    nowMs += 70_000;
    wheel.advance();
  };
  const node = scaled(scale, 100_000);
  const handles: NodeJS.Timeout[] = [];
  const setAll = () => {
    for (let i = 0; i < node; i++) handles[i] = setTimeout(() => {}, delay(i));
  };
  const clearAll = () => {
    for (const handle of handles) clearTimeout(handle);
  };
  const times = [schedule, cancel, schedule, expire, setAll, clearAll].map((run, i) =>
    nsPerIteration(run, i < 4 ? count : node),
  );
  // Once more, warm.
  const warm = [schedule, cancel, schedule, expire, setAll, clearAll].map((run, i) =>
    nsPerIteration(run, i < 4 ? count : node),
  );
  if (fired !== 2 * count || wheel.size !== 0) throw new Error(`${fired} timers fired of ${2 * count}`);
  const best = warm.map((value, i) => Math.min(value, times[i]!));
  const title = `TimerWheel with ${count.toLocaleString("en")} timers`;
  return [
    { what: `${title}: schedule`, figure: ns(best[2]!), note: `setTimeout: ${ns(best[4]!)}` },
    { what: `${title}: cancel`, figure: ns(best[1]!), note: `clearTimeout: ${ns(best[5]!)}` },
    { what: `${title}: expire, all within 60 s of ticks`, figure: ns(best[3]!) },
  ];
}

/** The sink, so that it is used. */
export function benchSink(): number {
  return sink;
}
