/**
 * What a hot call costs beside the bare koffi function, and what it allocates. Results are checked before
 * anything is timed.
 *
 * ```sh
 * node --import tsx --conditions=@tz/source packages/sys/src/hot-calls.bench.ts [CALLS]
 * ```
 */
import { pathToFileURL } from "node:url";
import { GCProfiler } from "node:v8";
import {
  AT_FDCWD,
  EFD_NONBLOCK,
  EPOLL_CTL_ADD,
  EPOLLIN,
  SOCK_NONBLOCK,
  SOCK_STREAM,
  STATX_BASIC_STATS,
} from "./constants.js";
import { EpollEvents, epollCreate, epollCtl, epollWait } from "./epoll.js";
import { ERRNO } from "./errno.js";
import { close, fstat, openat, statx } from "./file.js";
import { IoVector } from "./io-vector.js";
import { bind, type NativeFunction } from "./native.js";
import { eventfd } from "./pipe.js";
import { Region } from "./region.js";
import { recv, send, socketpair, writev } from "./socket.js";
import { StatBuffer } from "./stat-buffer.js";

interface Contest {
  readonly name: string;
  /** Runs the wrapper `count` times; the sum of results, so that nothing is optimized away. */
  readonly ours: (count: number) => number;
  /** The same by the bare koffi function. */
  readonly bare: (count: number) => number;
  /** What `count` calls sum up to; where ours tells an errno and koffi -1, both. */
  readonly expected: { readonly ours: number; readonly bare: number };
}

export interface Measurement {
  readonly name: string;
  readonly oursNs: number;
  readonly bareNs: number;
  /** Bytes that a call of ours left in the JavaScript heap, garbage included. */
  readonly oursBytes: number;
  readonly bareBytes: number;
  /** Garbage collections during all calls of ours. */
  readonly collections: number;
}

const ROUNDS = 5;

/** Measures every contest: `callCount` calls in each of five rounds, ours and bare in turn; medians. */
export function measureHotCalls(callCount: number): Measurement[] {
  return contests().map((contest) => {
    check(contest);
    const ours: Sample[] = [];
    const bare: Sample[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      ours.push(sample(contest.ours, callCount));
      bare.push(sample(contest.bare, callCount));
    }
    const median = (samples: Sample[], key: "ns" | "bytes"): number =>
      samples.map((each) => each[key]).sort((a, b) => a - b)[ROUNDS >> 1]!;
    return {
      name: contest.name,
      oursNs: median(ours, "ns"),
      bareNs: median(bare, "ns"),
      oursBytes: median(ours, "bytes"),
      bareBytes: median(bare, "bytes"),
      collections: ours.reduce((sum, each) => sum + each.collections, 0),
    };
  });
}

function check({ name, ours, bare, expected }: Contest): void {
  for (const [call, each] of [
    [ours, expected.ours],
    [bare, expected.bare],
  ] as const) {
    const sum = call(3);
    if (sum !== 3 * each) throw new Error(`${name}: three calls gave ${sum} instead of ${3 * each}`);
  }
}

interface Sample {
  readonly ns: number;
  readonly bytes: number;
  readonly collections: number;
}

function sample(run: (count: number) => number, count: number): Sample {
  // Compiled before it is measured, and what compiling left behind is not counted.
  run(count >> 2);
  run(count >> 2);
  let ns = 0;
  const { bytes, collections } = allocatedBytes(() => {
    const start = process.hrtime.bigint();
    run(count);
    ns = Number(process.hrtime.bigint() - start);
  });
  return { ns: ns / count, bytes: bytes / count, collections };
}

/** What `run` allocates in the JavaScript heap: how much it grew, plus what collections took meanwhile. */
export function allocatedBytes(run: () => void): { bytes: number; collections: number } {
  const profiler = new GCProfiler();
  profiler.start();
  const before = process.memoryUsage().heapUsed;
  run();
  const after = process.memoryUsage().heapUsed;
  const { statistics } = profiler.stop();
  const freed = statistics.reduce(
    (sum, { beforeGC, afterGC }) =>
      sum + beforeGC.heapStatistics.usedHeapSize - afterGC.heapStatistics.usedHeapSize,
    0,
  );
  return { bytes: after - before + freed, collections: statistics.length };
}

function contests(): Contest[] {
  return [
    echoContest(),
    idleContest(),
    computedContest(),
    writevContest(),
    epollContest(),
    fstatContest(),
    statxContest(),
    openContest(),
  ];
}

const memory = Region.allocate(1024 * 1024);
const nativeReceive = bind("intptr_t recv(int, intptr_t, size_t, int)");
const nativeSend = bind("intptr_t send(int, intptr_t, size_t, int)");

function repeat(call: () => number): (count: number) => number {
  // A loop per contest, made anew: one shared loop would call through a site that sees every target.
  return new Function(
    "call",
    "return (count) => { let sum = 0; for (let i = 0; i < count; i++) sum += call(); return sum; }",
  )(call) as (count: number) => number;
}

function echoContest(): Contest {
  const [a, b] = socketpair(SOCK_STREAM | SOCK_NONBLOCK);
  const { address } = memory;
  return {
    name: "send + recv, 64 bytes",
    ours: repeat(() => send(a, address, 64, 0) + recv(b, address, 64, 0)),
    bare: repeat(() => nativeSend(a, address, 64, 0) + nativeReceive(b, address, 64, 0)),
    expected: { ours: 128, bare: 128 },
  };
}

function idleContest(): Contest {
  const [a] = socketpair(SOCK_STREAM | SOCK_NONBLOCK);
  const { address } = memory;
  return {
    name: "recv, nothing there (EAGAIN)",
    ours: repeat(() => recv(a, address, 4096, 0)),
    bare: repeat(() => nativeReceive(a, address, 4096, 0)),
    expected: { ours: -ERRNO.EAGAIN, bare: -1 },
  };
}

/** An address above 2^31 is not a small integer for V8: computing one makes a number on the heap, in any caller. */
function computedContest(): Contest {
  const [a] = socketpair(SOCK_STREAM | SOCK_NONBLOCK);
  const { address } = memory;
  let turn = 0;
  return {
    name: "the same at a computed address",
    ours: repeat(() => recv(a, address + (turn++ & 63), 64, 0)),
    bare: repeat(() => nativeReceive(a, address + (turn++ & 63), 64, 0)),
    expected: { ours: -ERRNO.EAGAIN, bare: -1 },
  };
}

function writevContest(): Contest {
  const [a, b] = socketpair(SOCK_STREAM | SOCK_NONBLOCK);
  const { address } = memory;
  const vector = new IoVector(2);
  const vectorAddress = vector.address;
  const native = bind("intptr_t writev(int, intptr_t, int)");
  const withVector = (write: NativeFunction | typeof writev) => () => {
    vector.set(0, address, 40);
    vector.set(1, address + 100, 24);
    return write(a, vectorAddress, 2);
  };
  const ours = withVector(writev);
  const bare = withVector(native);
  return {
    name: "set 2 entries + writev + recv",
    ours: repeat(() => ours() + recv(b, address, 64, 0)),
    bare: repeat(() => bare() + nativeReceive(b, address, 64, 0)),
    expected: { ours: 128, bare: 128 },
  };
}

function epollContest(): Contest {
  const epoll = epollCreate();
  epollCtl(epoll, EPOLL_CTL_ADD, eventfd(1, EFD_NONBLOCK), EPOLLIN, 7);
  const events = new EpollEvents(65_536);
  const { address } = events;
  const native = bind("int epoll_wait(int, intptr_t, int, int)");
  return {
    name: "epollWait, 1 event, its generation",
    ours: repeat(() => epollWait(epoll, events, 0) + events.generation(0)),
    bare: repeat(() => native(epoll, address, 65_536, 0) + events.generation(0)),
    expected: { ours: 8, bare: 8 },
  };
}

const nativeStat = bind("int statx(int, intptr_t, int, uint32_t, intptr_t)");

/** A path in memory, for bare calls. */
function pathAddress(path: string): number {
  const bytes = Buffer.from(`${path}\0`);
  const region = Region.allocate(bytes.length);
  region.bytes.set(bytes);
  return region.address;
}

function fstatContest(): Contest {
  const fd = openat(AT_FDCWD, process.execPath, 0);
  const stat = new StatBuffer();
  const { address } = stat;
  const empty = pathAddress("");
  return {
    name: "fstat + mtimeSec",
    ours: repeat(() => fstat(fd, stat) + (stat.mtimeSec > 0 ? 1 : 0)),
    bare: repeat(
      () => nativeStat(fd, empty, 0x1000, STATX_BASIC_STATS, address) + (stat.mtimeSec > 0 ? 1 : 0),
    ),
    expected: { ours: 1, bare: 1 },
  };
}

function statxContest(): Contest {
  const stat = new StatBuffer();
  const { address } = stat;
  const path = pathAddress("/etc/passwd");
  return {
    name: "statx of a path given as a string",
    ours: repeat(() => statx(AT_FDCWD, "/etc/passwd", 0, stat) + (stat.size > 0 ? 1 : 0)),
    bare: repeat(() => nativeStat(AT_FDCWD, path, 0, STATX_BASIC_STATS, address) + (stat.size > 0 ? 1 : 0)),
    expected: { ours: 1, bare: 1 },
  };
}

function openContest(): Contest {
  const path = pathAddress("/etc/passwd");
  const nativeOpen = bind("int openat(int, intptr_t, int, uint32_t)");
  const nativeClose = bind("int close(int)");
  return {
    name: "openat + close",
    ours: repeat(() => close(openat(AT_FDCWD, "/etc/passwd", 0))),
    bare: repeat(() => nativeClose(nativeOpen(AT_FDCWD, path, 0, 0))),
    expected: { ours: 0, bare: 0 },
  };
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const callCount = Number(process.argv[2] ?? 1_000_000);
  console.log(`${callCount} calls, Node ${process.version}`);
  console.table(
    Object.fromEntries(
      measureHotCalls(callCount).map(({ name, oursNs, bareNs, oursBytes, bareBytes, collections }) => [
        name,
        {
          "ns/call": Math.round(oursNs),
          "bare koffi": Math.round(bareNs),
          ratio: Number((oursNs / bareNs).toFixed(3)),
          "bytes/call": Number(oursBytes.toFixed(2)),
          "bare bytes": Number(bareBytes.toFixed(2)),
          GCs: collections,
        },
      ]),
    ),
  );
  process.exit();
}
