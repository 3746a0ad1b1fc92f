/**
 * A log-linear histogram (as HdrHistogram's): 64 buckets of one unit each, then 64 buckets for each doubling.
 *
 * ```
 *   units    0 … 63 | 64 … 127 | 128 … 255 | 256 … 511 | … | 2^31 … 2^32-1
 *   width      1    |    1     |     2     |     4     | … |     2^25
 * ```
 *
 * The unit is a quarter of a microsecond. A value is off by at most half a bucket when it is read back as the
 * bucket's middle: 0.125 µs below 32 µs, and 1/128 (0.8 %) of the value above. Values beyond 2^32 units
 * (17.9 minutes) are counted in the last bucket.
 */
export const UNITS_PER_MS = 4000;

const LINEAR_BITS = 6;
const LINEAR = 1 << LINEAR_BITS;
const UNITS_MAX = 0xffff_ffff;

export const BUCKETS = (32 - LINEAR_BITS + 1) * LINEAR;

/** @returns whole units, from 0 to 2^32 - 1 */
export function toUnits(ms: number): number {
  const units = ms * UNITS_PER_MS;
  // Clocks of different readers may disagree by a hair: never below 0.
  return units > 0 ? (units < UNITS_MAX ? units >>> 0 : UNITS_MAX) : 0;
}

/** The bucket of a value in units. */
export function bucketOf(units: number): number {
  if (units < LINEAR) return units;
  const shift = 31 - LINEAR_BITS - Math.clz32(units);
  return (shift << LINEAR_BITS) + (units >>> shift);
}

/** The smallest value of a bucket, in ms. */
export function lowestMs(bucket: number): number {
  const shift = bucket < LINEAR ? 0 : (bucket >>> LINEAR_BITS) - 1;
  return ((bucket - (shift << LINEAR_BITS)) * 2 ** shift) / UNITS_PER_MS;
}

/** What a reader knows of many durations. */
export class Durations {
  readonly counts: Float64Array;
  readonly sumMs: number;
  readonly count: number;

  constructor(counts: Float64Array, sumMs: number) {
    this.counts = counts;
    this.sumMs = sumMs;
    let count = 0;
    for (const one of counts) count += one;
    this.count = count;
  }

  static readonly none = new Durations(new Float64Array(BUCKETS), 0);

  get meanMs(): number {
    return this.count === 0 ? 0 : this.sumMs / this.count;
  }

  /**
   * The value that this share of all durations does not exceed, as the middle of its bucket; 0 when there are none.
   * @param share from 0 to 1: 0.99 for the 99th percentile
   */
  percentileMs(share: number): number {
    const rank = Math.max(1, Math.ceil(share * this.count));
    let seen = 0;
    for (let i = 0; i < this.counts.length; i++) {
      seen += this.counts[i]!;
      if (this.count > 0 && seen >= rank) return (lowestMs(i) + lowestMs(i + 1)) / 2;
    }
    return 0;
  }

  /** How many lie in buckets that end at or below a bound. */
  countUpTo(ms: number): number {
    let seen = 0;
    for (let i = 0; i < this.counts.length && lowestMs(i + 1) <= ms; i++) seen += this.counts[i]!;
    return seen;
  }

  plus(other: Durations): Durations {
    return new Durations(
      this.counts.map((one, i) => one + other.counts[i]!),
      this.sumMs + other.sumMs,
    );
  }

  /** What came since an earlier reading. */
  since(earlier: Durations): Durations {
    return new Durations(
      this.counts.map((one, i) => Math.max(0, one - earlier.counts[i]!)),
      Math.max(0, this.sumMs - earlier.sumMs),
    );
  }

  /** The figures that people look at. */
  summary(): DurationSummary {
    return {
      count: this.count,
      meanMs: this.meanMs,
      p50Ms: this.percentileMs(0.5),
      p90Ms: this.percentileMs(0.9),
      p99Ms: this.percentileMs(0.99),
      p999Ms: this.percentileMs(0.999),
      maxMs: this.percentileMs(1),
    };
  }

  toJSON(): DurationSummary {
    return this.summary();
  }
}

export interface DurationSummary {
  readonly count: number;
  readonly meanMs: number;
  readonly p50Ms: number;
  readonly p90Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
  /** Middle of the highest bucket that holds anything. */
  readonly maxMs: number;
}
