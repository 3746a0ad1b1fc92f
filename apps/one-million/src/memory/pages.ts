/**
 * Memory that worker processes share, handed out in units that are zero at first and never handed out twice.
 *
 * ```
 *   unit   0        1      4      5                    …
 *        ┌────────┬──────┬──────┬─────────────────────┐
 *        │ header │ root │ level│ keys …              │   a sparse file: what nobody wrote takes no memory
 *        └────────┴──────┴──────┴─────────────────────┘
 *          │  └ next free unit, moved by one atomic add
 *          └ unit of the root that counts now
 * ```
 *
 * Because a unit is never reused, its number names what lies in it for ever, and a worker that still looks at
 * something old can do no harm to something new.
 */
export const UNIT_BYTES = 64 * 1024;

/** Units that can ever be handed out: numbers of units are positive 32-bit integers. */
export const MAX_UNITS = 2 ** 31 - 1;

/** A piece of the shared memory as this process sees it. */
export interface Mapped {
  readonly buffer: ArrayBufferLike;
  /** Forgets the mapping. What is in the memory stays. */
  release(): void;
}

export interface Pages {
  /** Unit 0 as words. */
  readonly header: Int32Array;
  map(unit: number, units: number): Mapped;
  /** Gives the memory of units back to the system; they read as zero from then on. */
  discard(unit: number, units: number): void;
  /** Forgets everything that is mapped. */
  close(): void;
}

/** Words of the header, each on a cache line of its own. */
export const HEADER = { nextUnit: 0, root: 16, hashKey: 32, lanes: 48 } as const;

/** The memory of unique users or of their keys has come to its end; the event is not counted. */
export class StoreFullError extends Error {
  override name = "StoreFullError";
  readonly code = "TZ_MILLION_FULL";
  readonly status = 503;
}

/**
 * Takes units that nobody has had before.
 * @throws StoreFullError after {@link MAX_UNITS}
 */
export function allocateUnits(pages: Pages, units: number): number {
  const { header } = pages;
  for (;;) {
    const next = Atomics.load(header, HEADER.nextUnit);
    if (next + units > MAX_UNITS) throw new StoreFullError(`all ${MAX_UNITS} units of memory were used`);
    if (Atomics.compareExchange(header, HEADER.nextUnit, next, next + units) === next) return next;
  }
}

export const unitsFor = (bytes: number): number => Math.ceil(bytes / UNIT_BYTES);
