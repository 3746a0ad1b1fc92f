/**
 * Time for the hot path. Reading a clock costs about as much as finding an entry, so the time is read once and
 * believed for a moment: the first question after that moment reads it again. An idle process has no timer.
 */
import type { Clock } from "./options.js";

export class CoarseClock implements Clock {
  readonly #resolutionMs: number;
  #nowMs = 0;
  #isBelieved = false;
  readonly #forget = (): void => {
    this.#isBelieved = false;
  };

  constructor(resolutionMs: number) {
    this.#resolutionMs = resolutionMs;
  }

  /** Milliseconds, monotonic, at most the resolution old (and what the event loop is late). */
  now(): number {
    if (this.#isBelieved) return this.#nowMs;
    this.#nowMs = performance.now();
    if (this.#resolutionMs > 0) {
      this.#isBelieved = true;
      setTimeout(this.#forget, this.#resolutionMs).unref();
    }
    return this.#nowMs;
  }
}
