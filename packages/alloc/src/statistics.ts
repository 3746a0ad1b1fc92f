/** What was asked for, what it takes, and what is kept, in bytes; the same shape for every structure. */
export interface MemoryStatistics {
  readonly name: string;
  /** Kind of structure: `Arena`, `SlabPool`, … */
  readonly kind: string;
  /** Asked for by the holders of now. */
  readonly allocatedBytes: number;
  /** Taken up by what they hold: allocated plus rounding to slots, classes and alignment. */
  readonly activeBytes: number;
  /** Taken from the memory source and resident for all we know: active, plus what is free but was used. */
  readonly mappedBytes: number;
  /** Address space kept beyond `mappedBytes`: never touched, or purged. */
  readonly retainedBytes: number;
  /** Part of the active bytes that nobody asked for: 1 − allocated / active. */
  readonly internalFragmentation: number;
  /** Part of the mapped bytes that is not active: 1 − active / mapped. */
  readonly externalFragmentation: number;
  /** allocated / mapped. */
  readonly efficiency: number;
  readonly highWater: HighWater;
  readonly allocations: number;
  readonly frees: number;
  /** Calls that found the structure full. */
  readonly failures: number;
  /** The same by size class, holder or lifetime, where the structure has such. */
  readonly parts: readonly PartStatistics[];
}

export interface HighWater {
  readonly allocatedBytes: number;
  readonly activeBytes: number;
  readonly mappedBytes: number;
}

export interface PartStatistics {
  readonly name: string;
  readonly allocatedBytes: number;
  readonly activeBytes: number;
  readonly mappedBytes: number;
  /** Things held now, and the most at one time. */
  readonly live: number;
  readonly liveMax: number;
  /** How many may be held, where that is fixed. */
  readonly limit?: number;
}

/** Fills in what follows from the byte counts. */
export function withRatios(
  counts: Omit<MemoryStatistics, "internalFragmentation" | "externalFragmentation" | "efficiency">,
): MemoryStatistics {
  const { allocatedBytes, activeBytes, mappedBytes } = counts;
  return {
    ...counts,
    internalFragmentation: activeBytes === 0 ? 0 : 1 - allocatedBytes / activeBytes,
    externalFragmentation: mappedBytes === 0 ? 0 : 1 - activeBytes / mappedBytes,
    efficiency: mappedBytes === 0 ? 1 : allocatedBytes / mappedBytes,
  };
}

/** The largest values that three running byte counts had. */
export class HighWaterMarks {
  allocatedBytes = 0;
  activeBytes = 0;
  mappedBytes = 0;

  note(allocatedBytes: number, activeBytes: number, mappedBytes: number): void {
    if (allocatedBytes > this.allocatedBytes) this.allocatedBytes = allocatedBytes;
    if (activeBytes > this.activeBytes) this.activeBytes = activeBytes;
    if (mappedBytes > this.mappedBytes) this.mappedBytes = mappedBytes;
  }

  read(): HighWater {
    return {
      allocatedBytes: this.allocatedBytes,
      activeBytes: this.activeBytes,
      mappedBytes: this.mappedBytes,
    };
  }
}
