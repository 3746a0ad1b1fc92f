import { WheelTimer } from "@tz/alloc";
import type { ServerCore } from "../server-core.js";

/**
 * One deadline that moves at every turn of a conversation. Moving it out costs a store: the timer in the wheel stays
 * where it is, and finds out when it fires.
 */
export abstract class DeadlineTimer extends WheelTimer {
  protected readonly core: ServerCore;
  /** In ticks of the core's coarse clock. */
  #deadlineTick = 0;
  #timerTick = 0;

  constructor(core: ServerCore) {
    super(expire);
    this.core = core;
  }

  protected arm(delayMs: number): void {
    const { core } = this;
    const tick = core.tick + Math.ceil(delayMs / core.options.tickMs);
    this.#deadlineTick = tick;
    if (!this.scheduled || tick < this.#timerTick) {
      this.#timerTick = tick;
      core.loop.timers.schedule(this, delayMs);
    }
  }

  /** As {@link arm} with `idleTimeoutMs`. */
  protected armIdle(): void {
    this.#deadlineTick = this.core.tick + this.core.idleTicks;
    if (this.#deadlineTick < this.#timerTick) this.arm(this.core.options.idleTimeoutMs);
  }

  protected disarm(): void {
    this.core.loop.timers.cancel(this);
  }

  /** The time is over. */
  protected abstract onDeadline(): void;

  /** The wheel's call: late deadlines are put off, due ones act. */
  onTimer(): void {
    const { core } = this;
    const left = this.#deadlineTick - core.tick;
    if (left > 0) {
      this.#timerTick = this.#deadlineTick;
      core.loop.timers.schedule(this, left * core.options.tickMs);
      return;
    }
    this.#timerTick = 0;
    this.onDeadline();
  }
}

function expire(timer: WheelTimer): void {
  (timer as DeadlineTimer).onTimer();
}
