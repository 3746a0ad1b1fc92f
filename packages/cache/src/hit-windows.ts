/** Over which spans hit ratios are told. */
export const WINDOWS_MS = { "10s": 10_000, "1m": 60_000, "5m": 300_000 } as const;

export type WindowName = keyof typeof WINDOWS_MS;

/** One slot a second, and one more for the far edge of the longest window. */
const SAMPLE_MS = 1000;
const SAMPLES = WINDOWS_MS["5m"] / SAMPLE_MS + 2;
const FIELDS = 3;

/**
 * Hit ratios over sliding windows, from samples of two counters that only grow.
 *
 * ```
 *   ring │ t hits requests │ t hits requests │ … │      now − 10 s        now
 *                                                          ▼               ▼
 *        ratio = Δhits / Δrequests between the sample at the edge and now
 * ```
 *
 * No timer: whoever counts calls `sample` now and then.
 */
export class HitWindows {
  readonly #ring = new Float64Array(SAMPLES * FIELDS);
  #next = 0;
  #count = 0;
  #slotStartedAtMs = Number.NEGATIVE_INFINITY;

  /** Cumulated counts at `nowMs`. Of one second the last is kept. */
  sample(nowMs: number, hits: number, requests: number): void {
    // The very first sample stays what it is: the start of all windows that are longer than the life so far.
    if (this.#count <= 1 || nowMs - this.#slotStartedAtMs >= SAMPLE_MS) {
      this.#slotStartedAtMs = nowMs;
      this.#next = (this.#next + 1) % SAMPLES;
      this.#count = Math.min(SAMPLES, this.#count + 1);
    }
    this.#ring.set([nowMs, hits, requests], ((this.#next + SAMPLES - 1) % SAMPLES) * FIELDS);
  }

  /** Hits divided by requests since the edge of the window; `undefined` when there were no requests. */
  ratio(window: WindowName, nowMs: number, hits: number, requests: number): number | undefined {
    const edge = this.#edge(nowMs - WINDOWS_MS[window]);
    const passed = requests - this.#ring[edge + 2]!;
    return passed > 0 ? (hits - this.#ring[edge + 1]!) / passed : undefined;
  }

  /** The offset of the youngest sample that is not inside the window, or else of the oldest there is. */
  #edge(edgeMs: number): number {
    let best = (this.#next - this.#count + SAMPLES) % SAMPLES;
    for (let age = 1; age < this.#count; age++) {
      const index = (this.#next - this.#count + age + SAMPLES) % SAMPLES;
      if (this.#ring[index * FIELDS]! > edgeMs) break;
      best = index;
    }
    return best * FIELDS;
  }
}
