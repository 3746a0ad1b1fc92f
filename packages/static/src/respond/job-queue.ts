/** Work off the loop with a bound on how much of it runs and waits: the pool also reads the files. */
export class JobQueue {
  readonly #runningMax: number;
  readonly #waitingMax: number;
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor(runningMax: number, waitingMax: number) {
    this.#runningMax = runningMax;
    this.#waitingMax = waitingMax;
  }

  /** `undefined` when too much is waiting already: the caller does without. */
  run<T>(job: () => Promise<T>): Promise<T> | undefined {
    if (this.#running < this.#runningMax) return this.#start(job);
    if (this.#waiting.length >= this.#waitingMax) return undefined;
    return new Promise<void>((ready) => this.#waiting.push(ready)).then(() => this.#start(job));
  }

  async #start<T>(job: () => Promise<T>): Promise<T> {
    this.#running++;
    try {
      return await job();
    } finally {
      this.#running--;
      this.#waiting.shift()?.();
    }
  }
}
