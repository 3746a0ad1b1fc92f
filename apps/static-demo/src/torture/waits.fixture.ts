/** How long answers to requests for a small file took. */
export interface Waits {
  readonly answers: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly slowestMs: number;
}

export function waitsOf(tookMs: readonly number[]): Waits {
  const sorted = tookMs.toSorted((a, b) => a - b);
  const at = (share: number): number =>
    Math.round((sorted[Math.floor(sorted.length * share)] ?? 0) * 100) / 100;
  return { answers: sorted.length, p50Ms: at(0.5), p99Ms: at(0.99), slowestMs: at(1 - Number.EPSILON) };
}
