/** Work that is done in steps of about a millisecond. */
export interface SlicedJob {
  /** @returns true when it is finished */
  step(): boolean;
}

/**
 * Runs long jobs a slice at a time, one slice a turn of the event loop, so that a large message of one
 * connection does not hold up the others.
 *
 * At most `activeMax` jobs are in work, in turn, and grow their output; the others wait in order with their
 * input and the output of a first, bounded slice.
 */
export class SlicedJobs {
  readonly #activeMax: number;
  readonly #defer: (turn: () => void) => void;
  readonly #active: SlicedJob[] = [];
  readonly #waiting: SlicedJob[] = [];
  #next = 0;
  #scheduled = false;

  /** @param defer calls back in a later turn of the event loop */
  constructor(activeMax: number, defer: (turn: () => void) => void = setImmediate) {
    this.#activeMax = activeMax;
    this.#defer = defer;
  }

  get size(): number {
    return this.#active.length + this.#waiting.length;
  }

  add(job: SlicedJob): void {
    (this.#active.length < this.#activeMax ? this.#active : this.#waiting).push(job);
    this.#schedule();
  }

  cancel(job: SlicedJob): void {
    const list = this.#active.includes(job) ? this.#active : this.#waiting;
    const at = list.indexOf(job);
    if (at >= 0) list.splice(at, 1);
    this.#refill();
  }

  #schedule(): void {
    if (this.#scheduled || this.#active.length === 0) return;
    this.#scheduled = true;
    this.#defer(() => {
      this.#scheduled = false;
      this.#turn();
    });
  }

  #turn(): void {
    const job = this.#active[this.#next % Math.max(1, this.#active.length)];
    if (job === undefined) return;
    this.#next++;
    let done = true;
    try {
      done = job.step();
    } finally {
      if (done) this.cancel(job);
      this.#schedule();
    }
  }

  #refill(): void {
    while (this.#active.length < this.#activeMax && this.#waiting.length > 0) {
      this.#active.push(this.#waiting.shift()!);
    }
    this.#schedule();
  }
}
