/**
 * Spreads handshakes over time: each is given the moment when it may begin, `perSecond` of them in the long run and as
 * many at once. It is a queue that holds nothing: who waits keeps its own moment.
 */
export class HandshakeGate {
  readonly #intervalMs: number;
  readonly #maxWaitMs: number;
  /** When the last place that was given away is used up. */
  #fullAt = 0;

  /**
   * @param perSecond 0 is no limit
   * @param maxWaitMs who would wait longer is refused
   */
  constructor(perSecond: number, maxWaitMs: number) {
    this.#intervalMs = perSecond === 0 ? 0 : 1000 / perSecond;
    this.#maxWaitMs = maxWaitMs;
  }

  /** Takes a place. @returns how many milliseconds it is away (0: now), -1 when it is too far away */
  enter(nowMs: number): number {
    if (this.#intervalMs === 0) return 0;
    const burstMs = 1000;
    const fullAt = Math.max(this.#fullAt, nowMs) + this.#intervalMs;
    const waitMs = Math.max(0, fullAt - burstMs - nowMs);
    if (waitMs > this.#maxWaitMs) return -1;
    this.#fullAt = fullAt;
    return waitMs;
  }
}
