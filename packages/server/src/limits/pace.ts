/**
 * How slow a client may be, as a credit of time: waiting for it uses the credit up, bytes earn it back.
 *
 * ```
 *   credit  ▲ max ──╮      ╭─── a byte earns 1000 / bytesPerSecond ms, up to max
 *           │       ╰──╮╭──╯
 *           │          ╰╯  ╰──────╮  waiting costs what it takes
 *           └─────────────────────┴──▶ 0: too slow
 * ```
 *
 * So a client that stops is found after `maxMs`, one that trickles a little later, and one that is fast on the whole
 * may pause for `maxMs` at any time; what it saved up beyond that is not counted.
 */
export class Pace {
  readonly #maxMs: number;
  /** Infinity: any byte fills the credit up. */
  readonly #msPerByte: number;
  #leftMs: number;
  #bytes: number;
  #sinceMs: number;

  /**
   * @param bytesPerSecond 0 for no rate: only a client that stops is too slow
   * @param bytes the count of bytes from which progress is measured
   */
  constructor(maxMs: number, bytesPerSecond: number, bytes: number, nowMs: number) {
    this.#maxMs = maxMs;
    this.#msPerByte = 1000 / bytesPerSecond;
    this.#leftMs = maxMs;
    this.#bytes = bytes;
    this.#sinceMs = nowMs;
  }

  /** Credit that is left, as of the last call. */
  get leftMs(): number {
    return this.#leftMs;
  }

  /**
   * @param bytes all that have come so far
   * @param waiting the time since the last call was spent waiting for the client
   * @returns credit that is left; 0 or less: the client is too slow
   */
  note(bytes: number, nowMs: number, waiting = true): number {
    if (waiting) this.#leftMs -= nowMs - this.#sinceMs;
    this.#sinceMs = nowMs;
    const gained = bytes - this.#bytes;
    this.#bytes = bytes;
    if (gained > 0) this.#leftMs = Math.min(this.#maxMs, this.#leftMs + gained * this.#msPerByte);
    return this.#leftMs;
  }
}
