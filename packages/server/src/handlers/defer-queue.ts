import { ServerError } from "../errors.js";

/** Work that outlives its request. The signal aborts when the server stops and cannot wait any longer. */
export type DeferredTask = (signal: AbortSignal) => unknown;

/** What a queue needs to know; see the option table. */
export interface DeferLimits {
  readonly maxDeferredTasks: number;
  readonly maxDeferredRunning: number;
}

/**
 * Background tasks of one server, in order and bounded.
 *
 * ```
 *   add() ──▶ [ waiting … ] ──▶ at most `maxDeferredRunning` at a time ──▶ done, or its error is reported
 *             waiting + running ≤ maxDeferredTasks
 * ```
 */
export class DeferQueue {
  readonly #limits: DeferLimits;
  readonly #report: (error: unknown) => void;
  readonly #waiting: DeferredTask[] = [];
  readonly #stop = new AbortController();
  #running = 0;
  #held = 0;
  #scheduled = false;
  #onEmpty: (() => void)[] = [];

  constructor(limits: DeferLimits, report: (error: unknown) => void) {
    this.#limits = limits;
    this.#report = report;
  }

  /** Tasks that wait or run. */
  get size(): number {
    return this.#waiting.length + this.#running;
  }

  /**
   * Runs a task after the current turn.
   * @throws ServerError `TZ_SERVER_DEFER_FULL`
   */
  add(task: DeferredTask): void {
    const { maxDeferredTasks } = this.#limits;
    if (this.size >= maxDeferredTasks) {
      throw new ServerError(
        "TZ_SERVER_DEFER_FULL",
        `maxDeferredTasks = ${maxDeferredTasks} tasks wait or run already`,
      );
    }
    this.#waiting.push(task);
    this.#schedule();
  }

  /** Something else that stop should wait for; never rejects. */
  hold(promise: Promise<void>): void {
    this.#held++;
    void promise.then(() => {
      this.#held--;
      this.#settle();
    });
  }

  /** Resolves when nothing waits, runs or is held any more, also what is added meanwhile. */
  drained(): Promise<void> {
    if (this.size + this.#held === 0) return Promise.resolve();
    return new Promise((resolve) => this.#onEmpty.push(resolve));
  }

  /** Drops what waits and tells what runs to end. */
  abort(): void {
    this.#waiting.length = 0;
    this.#stop.abort(new ServerError("TZ_SERVER_STATE", "the server stops and waits no longer"));
    this.#settle();
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    // Behind the answer of the request that asks: a task must not delay it.
    setImmediate(() => {
      this.#scheduled = false;
      while (this.#waiting.length > 0 && this.#running < this.#limits.maxDeferredRunning) {
        this.#running++;
        void this.#run(this.#waiting.shift()!);
      }
    });
  }

  async #run(task: DeferredTask): Promise<void> {
    try {
      await task(this.#stop.signal);
    } catch (error) {
      this.#report(error);
    } finally {
      this.#running--;
      if (this.#waiting.length > 0) this.#schedule();
      this.#settle();
    }
  }

  #settle(): void {
    if (this.size + this.#held > 0) return;
    for (const resolve of this.#onEmpty.splice(0)) resolve();
  }
}
