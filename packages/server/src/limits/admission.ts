import { ServerError } from "../errors.js";

/** See the option table. */
export interface AdmissionLimits {
  readonly maxRequestsInFlight: number;
  readonly maxQueuedRequests: number;
  readonly retryAfterSeconds: number;
}

/**
 * Bounds the handlers that work at a time. Only handlers that return a promise count: the others are never two.
 *
 * ```
 *   request ──▶ in flight < max? ──▶ handler ──▶ leave(): the next one that waits enters
 *                     └─▶ [ queue ≤ maxQueuedRequests ] ─┘      beyond: 503 with Retry-After
 * ```
 */
export class Admission {
  readonly #limits: AdmissionLimits;
  readonly #waiting: (() => void)[] = [];
  /** Handlers whose promise is not settled, also those whose client has left. */
  inFlight = 0;

  constructor(limits: AdmissionLimits) {
    this.#limits = limits;
  }

  get queued(): number {
    return this.#waiting.length;
  }

  /** Whether a request must wait. */
  get full(): boolean {
    const { maxRequestsInFlight } = this.#limits;
    return maxRequestsInFlight > 0 && this.inFlight >= maxRequestsInFlight;
  }

  /**
   * Waits for a place, which is taken when the promise resolves.
   * @throws ServerError `TZ_SERVER_OVERLOADED`, at once
   */
  wait(): Promise<void> {
    const { maxQueuedRequests, retryAfterSeconds } = this.#limits;
    if (this.#waiting.length >= maxQueuedRequests) {
      throw new ServerError(
        "TZ_SERVER_OVERLOADED",
        `maxQueuedRequests = ${maxQueuedRequests} requests wait already`,
        {
          fields: ["Retry-After", String(retryAfterSeconds)],
        },
      );
    }
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  enter(): void {
    this.inFlight++;
  }

  /** Gives a place to the one that waits longest, or frees it. */
  leave(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.inFlight--;
    else next();
  }
}
