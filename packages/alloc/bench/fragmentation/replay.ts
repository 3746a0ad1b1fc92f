import {
  type MemoryStatistics,
  SizeClassAllocator,
  type SizeClassAllocatorOptions,
} from "../../src/index.js";
import { ALLOCATE, FREE, type Trace } from "./trace.js";

export interface ReplayRow {
  readonly when: "peak" | "end" | "purged";
  readonly statistics: MemoryStatistics;
}

export interface Replay {
  readonly rows: readonly ReplayRow[];
  readonly nsPerOperation: number;
  readonly allocator: SizeClassAllocator;
}

/**
 * Plays a trace through the allocator and reads its statistics at the peak, at the end, and after a purge.
 *
 * @param touch writes to each page of each allocation, as a user would; costs time that is not the allocator's
 */
export function replay(
  trace: Trace,
  options: Omit<SizeClassAllocatorOptions<"throw">, "atCapacity">,
  touch = false,
): Replay {
  const allocator = new SizeClassAllocator(options);
  const offsets = new Float64Array(trace.ids);
  const { operations, count, peakOperation } = trace;
  const rows: ReplayRow[] = [];
  const startNs = process.hrtime.bigint();
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
    if (i === peakOperation) rows.push({ when: "peak", statistics: allocator.statistics() });
  }
  const nsPerOperation = Number(process.hrtime.bigint() - startNs) / count;
  rows.push({ when: "end", statistics: allocator.statistics() });
  allocator.purge();
  rows.push({ when: "purged", statistics: allocator.statistics() });
  return { rows, nsPerOperation, allocator };
}

function touchPages(view: Uint8Array): void {
  for (let at = 0; at < view.length; at += 4096) view[at] = 1;
  view[view.length - 1] = 1;
}
