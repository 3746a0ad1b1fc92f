import {
  type MemoryStatistics,
  SizeClassAllocator,
  type SizeClassAllocatorOptions,
} from "../../src/index.js";
import { threadCpuNs } from "../measure.js";
import { ALLOCATE, FREE, type Trace } from "./trace.js";

export interface ReplayRow {
  readonly when: "peak" | "end" | "purged";
  readonly statistics: MemoryStatistics;
  /** The part of the mapped bytes that is bookkeeping outside of the chunks. */
  readonly metadataBytes: number;
}

export interface Replay {
  readonly rows: readonly ReplayRow[];
  /** CPU time. */
  readonly nsPerOperation: number;
  readonly allocator: SizeClassAllocator;
}

export interface ReplayOptions {
  /** Write to each page of each allocation, as a user would. */
  readonly touch?: boolean;
  /** Called at each moment that is read. */
  readonly onRow?: () => void;
}

/** Plays a trace through the allocator and reads its statistics at the peak, at the end, and after a purge. */
export function replay(
  trace: Trace,
  options: Omit<SizeClassAllocatorOptions<"throw">, "atCapacity">,
  { touch = false, onRow = () => {} }: ReplayOptions = {},
): Replay {
  const allocator = new SizeClassAllocator(options);
  const offsets = new Float64Array(trace.ids);
  const { operations, count, peakOperation } = trace;
  const rows: ReplayRow[] = [];
  let readingNs = 0;
  const read = (when: ReplayRow["when"]) => {
    const start = threadCpuNs();
    const statistics = allocator.statistics();
    onRow();
    rows.push({ when, statistics, metadataBytes: allocator.bookkeepingBytes });
    readingNs += threadCpuNs() - start;
  };
  const startNs = threadCpuNs();
  for (let i = 0; i < count; i++) {
    const kind = operations[i * 3]!;
    const id = operations[i * 3 + 1]!;
    const bytes = operations[i * 3 + 2]!;
    if (kind === FREE) allocator.free(offsets[id]!);
    else {
      const offset =
        kind === ALLOCATE ? allocator.allocate(bytes) : allocator.reallocate(offsets[id]!, bytes);
      offsets[id] = offset;
      if (touch) touchPages(allocator.view(offset));
    }
    if (i === peakOperation) read("peak");
  }
  const nsPerOperation = (threadCpuNs() - startNs - readingNs) / count;
  read("end");
  allocator.purge();
  read("purged");
  return { rows, nsPerOperation, allocator };
}

function touchPages(view: Uint8Array): void {
  for (let at = 0; at < view.length; at += 4096) view[at] = 1;
  view[view.length - 1] = 1;
}
