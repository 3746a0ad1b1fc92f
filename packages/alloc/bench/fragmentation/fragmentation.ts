import { isSupported } from "@tz/sys";
import { median, percent, type Row, type Scale } from "../measure.js";
import { jemallocPath, MallocDriver } from "./malloc.js";
import { MappedSource } from "./mapped-source.js";
import { type Replay, replay } from "./replay.js";
import { residentBytes } from "./resident.js";
import { type Mix, MOSTLY_BODIES, OBJECTS_AND_BODIES, type Trace, webServerTrace } from "./trace.js";

/** The recorded trace; others say how much of the result is luck. */
export const SEED = 42;
const OTHER_SEEDS = [1, 2, 3, 4, 5];

type Moments = readonly [peak: number, end: number, purged: number];

interface Contender {
  readonly name: string;
  /** mapped ÷ allocated − 1 */
  readonly fragmentation: Moments;
  readonly mapped: Moments;
  /** The same with what the kernel counts as resident, where that can be told apart. */
  readonly resident?: Moments;
  readonly nsPerOperation: number;
}

function liveBytes(trace: Trace): Moments {
  return [trace.peakBytes, trace.endBytes, trace.endBytes];
}

function over(bytes: Moments, trace: Trace): Moments {
  const live = liveBytes(trace);
  return [bytes[0] / live[0] - 1, bytes[1] / live[1] - 1, bytes[2] / live[2] - 1];
}

function moments(values: readonly number[]): Moments {
  return [values[0]!, values[1]!, values[2]!];
}

/** That the allocator ended with what the trace ended with. */
function check({ rows, allocator }: Replay, trace: Trace): void {
  const [peak, end] = rows;
  if (
    peak?.statistics.allocatedBytes !== trace.peakBytes ||
    end?.statistics.allocatedBytes !== trace.endBytes
  ) {
    throw new Error("the allocator counts other bytes than the trace");
  }
  if (allocator.statistics().failures > 0) throw new Error("allocations failed");
}

function ours(trace: Trace, name: string, options: Parameters<typeof replay>[1]): Contender {
  const played = replay(trace, options, { touch: true });
  check(played, trace);
  const mapped = moments(played.rows.map(({ statistics }) => statistics.mappedBytes));
  return { name, mapped, fragmentation: over(mapped, trace), nsPerOperation: played.nsPerOperation };
}

/** Over mappings of the kernel's, with what it counts as resident in them. */
function oursMapped(trace: Trace): Contender {
  const source = new MappedSource();
  const residents: number[] = [];
  const played = replay(
    trace,
    { source },
    { touch: true, onRow: () => residents.push(residentBytes(source.regions)) },
  );
  check(played, trace);
  const mapped = moments(played.rows.map(({ statistics }) => statistics.mappedBytes));
  // The bookkeeping lies outside of the chunks: it counts as resident, all of it.
  const bookkeeping = played.rows.map(({ metadataBytes }) => metadataBytes);
  const resident = moments(residents.map((bytes, i) => bytes + bookkeeping[i]!));
  for (const region of [...source.regions]) source.unmap(region);
  return {
    name: "SizeClassAllocator over mappings",
    mapped,
    fragmentation: over(mapped, trace),
    resident: over(resident, trace),
    nsPerOperation: played.nsPerOperation,
  };
}

function malloc(trace: Trace, driver: MallocDriver, name: string, library?: string): Contender {
  const run = driver.run(trace, library);
  // What jemalloc calls mapped leaves its dirty pages and bookkeeping out; resident has them.
  const mapped = moments(run.rows.map((row) => row.resident ?? row.mapped));
  const resident = over(moments(run.rows.map((row) => row.rssKiB * 1024)), trace);
  return { name, mapped, fragmentation: over(mapped, trace), resident, nsPerOperation: run.nsPerOperation };
}

const cells = (values: Moments): string => values.map(percent).join(" / ");

export function benchFragmentation(scale: Scale): Row[] {
  const operations = Math.round(1_000_000 * Math.max(scale.part, 0.05));
  const trace = webServerTrace(SEED, operations);
  const { smallCount, smallBytes, largeBytes } = trace.shares;
  const rows: Row[] = [
    {
      what: "trace",
      figure: `${trace.count.toLocaleString("en")} operations, seed ${SEED}`,
      note: `peak ${(trace.peakBytes / 1e6).toFixed(1)} MB, end ${(trace.endBytes / 1e6).toFixed(1)} MB; below 1 KiB: ${percent(smallCount)} of allocations and ${percent(smallBytes)} of bytes; above 8 KiB: ${percent(largeBytes)} of bytes`,
    },
  ];
  const untouched = median([1, 2, 3].map(() => replay(trace, {}).nsPerOperation));
  rows.push({
    what: "SizeClassAllocator, the trace without looking at the memory",
    figure: `${untouched.toFixed(0)} ns an operation`,
  });
  const driver = MallocDriver.compile();
  const mine = isSupported().supported ? oursMapped(trace) : undefined;
  const buffers = ours(trace, "SizeClassAllocator over array buffers, 64 KiB chunks", { chunkBytes: 65_536 });
  const contenders: Contender[] = mine === undefined ? [buffers] : [mine, buffers];
  if (driver === undefined) rows.push({ what: "glibc malloc and jemalloc", figure: "left out: no gcc" });
  else {
    contenders.push(malloc(trace, driver, "glibc malloc"));
    if (jemallocPath === undefined)
      rows.push({ what: "jemalloc", figure: "left out: libjemalloc2 is not installed" });
    else contenders.push(malloc(trace, driver, "jemalloc", jemallocPath));
  }
  for (const { name, fragmentation, resident, nsPerOperation } of contenders) {
    rows.push({
      what: `mapped ÷ allocated − 1 at peak / end / after purge: ${name}`,
      figure: cells(fragmentation),
      note: `${resident === undefined ? "" : `resident: ${cells(resident)}; `}${nsPerOperation.toFixed(0)} ns an operation, with a write to each page`,
    });
  }
  const first = mine ?? buffers;
  for (const peer of contenders.slice(mine === undefined ? 1 : 2)) {
    rows.push(verdict(first, peer));
  }
  if (driver !== undefined && scale.part === 1) {
    rows.push(...otherSeeds(driver, "the same mix", OBJECTS_AND_BODIES));
    rows.push(...otherSeeds(driver, "a server that keeps little but bodies", MOSTLY_BODIES));
  }
  driver?.remove();
  return rows;
}

function verdict(mine: Contender, peer: Contender): Row {
  const [peak, end, purged] = mine.fragmentation;
  const less = mine.mapped.map((bytes, i) => 1 - bytes / peer.mapped[i]!);
  return {
    what: `fragmentation against ${peer.name}: peak, end`,
    figure: `${percent(peak)} : ${percent(peer.fragmentation[0])}, ${percent(end)} : ${percent(peer.fragmentation[1])}`,
    target: "≤ at both",
    met: peak <= peer.fragmentation[0] && end <= peer.fragmentation[1],
    note: `memory saved at peak ${percent(less[0]!)}, end ${percent(less[1]!)}, after purge ${percent(less[2]!)}; after purge ${percent(purged)} : ${percent(peer.fragmentation[2])}`,
  };
}

/** The median over other traces. The second mix has no target: it says where the first one flatters. */
function otherSeeds(driver: MallocDriver, server: string, mix: Mix): Row[] {
  const found: { mine: Moments; glibc: Moments; jemalloc: Moments | undefined }[] = [];
  for (const seed of OTHER_SEEDS) {
    const trace = webServerTrace(seed, undefined, mix);
    // Counts are enough here: a source whose purge does nothing counts as one whose purge works.
    const source = { map: (bytes: number) => new ArrayBuffer(bytes), purge: () => {} };
    const played = replay(trace, { source });
    check(played, trace);
    found.push({
      mine: over(moments(played.rows.map(({ statistics }) => statistics.mappedBytes)), trace),
      glibc: malloc(trace, driver, "glibc").fragmentation,
      jemalloc:
        jemallocPath === undefined
          ? undefined
          : malloc(trace, driver, "jemalloc", jemallocPath).fragmentation,
    });
  }
  const middle = (
    pick: (found: { mine: Moments; glibc: Moments; jemalloc: Moments | undefined }) => Moments | undefined,
  ) => cells(moments([0, 1, 2].map((i) => median(found.map((entry) => pick(entry)?.[i] ?? Number.NaN)))));
  const wins = found.filter(({ mine, glibc }) => mine[0] <= glibc[0]).length;
  return [
    {
      what: `${server}, median of seeds ${OTHER_SEEDS.join(", ")}: ours`,
      figure: middle(({ mine }) => mine),
      note: `glibc ${middle(({ glibc }) => glibc)}; jemalloc ${middle(({ jemalloc }) => jemalloc)}; at peak below glibc in ${wins} of ${found.length}`,
    },
  ];
}
