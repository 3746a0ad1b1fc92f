export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** Median and extremes; the mean of the two middle values for an even count. */
export function spreadOf(values: readonly number[]): Spread {
  if (values.length === 0) throw new RangeError("no values: a spread needs at least one");
  const sorted = [...values].sort((a, b) => a - b);
  const at = (index: number) => sorted[index] ?? Number.NaN;
  const middle = (sorted.length - 1) / 2;
  return {
    median: (at(Math.floor(middle)) + at(Math.ceil(middle))) / 2,
    min: at(0),
    max: at(sorted.length - 1),
  };
}

/** Value by value: what was measured in one round is compared with the same round only. */
export function ratiosOf(values: readonly number[], bases: readonly number[]): number[] {
  if (values.length !== bases.length)
    throw new RangeError(`${values.length} values for ${bases.length} bases`);
  return values.map((value, round) => value / (bases[round] ?? Number.NaN));
}
