import { Pace } from "../../limits/pace.js";

/** Does a client take what waits for it? Bytes that it took, or let go, are its progress. */
export class SendingWatch {
  /** Bytes of DATA so far. */
  sentBytes = 0;
  readonly #timeoutMs: number;
  readonly #minBytesPerSecond: number;
  #progress = 0;
  #sentMark = 0;
  #takenMark = 0;
  #pace: Pace | null = null;

  constructor(timeoutMs: number, minBytesPerSecond: number) {
    this.#timeoutMs = timeoutMs;
    this.#minBytesPerSecond = minBytesPerSecond;
  }

  /** Nothing waits. */
  rest(): void {
    this.#pace = null;
  }

  /**
   * @param takenBytes what the kernel says that the client took; negative where it does not say
   * @param isHeld frames wait for the transport
   * @param waits all answers wait for the client
   * @returns whether it is fast enough
   */
  isFastEnough(takenBytes: number, isHeld: boolean, waits: boolean, nowMs: number): boolean {
    // What the kernel holds is not taken yet; what waits for a window has not got so far.
    if (this.#pace !== null) {
      const byKernel = isHeld && takenBytes >= 0;
      this.#progress += byKernel ? takenBytes - this.#takenMark : this.sentBytes - this.#sentMark;
    }
    this.#takenMark = takenBytes;
    this.#sentMark = this.sentBytes;
    this.#pace ??= new Pace(this.#timeoutMs, this.#minBytesPerSecond, this.#progress, nowMs);
    return this.#pace.note(this.#progress, nowMs, waits) > 0;
  }
}
