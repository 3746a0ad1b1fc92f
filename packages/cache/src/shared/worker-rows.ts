import { CacheError } from "../errors.js";
import { HEADER, WORKER_WORDS } from "./layout.js";
import type { SharedViews } from "./shared-memory.js";
import type { Liveness } from "./thread-identity.js";

/** Words of a row. */
const THREAD = 0;
const START = 1;

/** Who is attached: a row a worker, with the thread that it is. Rows are taken and given back under the writer lock. */
export class WorkerRows {
  readonly #rows: Int32Array;
  readonly #header: Int32Array;
  readonly #liveness: Liveness;
  readonly #count: number;

  constructor({ workers, header, layout }: SharedViews, liveness: Liveness) {
    this.#rows = workers;
    this.#header = header;
    this.#liveness = liveness;
    this.#count = layout.maxWorkers;
  }

  /** A row that nobody has, for this thread. @returns -1 when there is none */
  take(): number {
    for (let row = 0; row < this.#count; row++) {
      const at = row * WORKER_WORDS;
      if (Atomics.load(this.#rows, at + THREAD) !== 0) continue;
      Atomics.store(this.#rows, at + START, this.#liveness.self.start);
      if (row >= Atomics.load(this.#header, HEADER.rowsUsed))
        Atomics.store(this.#header, HEADER.rowsUsed, row + 1);
      // Last: whoever finds the thread finds the rest.
      Atomics.store(this.#rows, at + THREAD, this.#liveness.self.thread);
      return row;
    }
    return -1;
  }

  giveBack(row: number): void {
    Atomics.store(this.#rows, row * WORKER_WORDS + THREAD, 0);
  }

  isTaken(row: number): boolean {
    return Atomics.load(this.#rows, row * WORKER_WORDS + THREAD) !== 0;
  }

  /** Rows whose thread is dead. */
  dead(): number[] {
    return this.taken().filter((row) => {
      const at = row * WORKER_WORDS;
      return !this.#liveness.isAlive(
        Atomics.load(this.#rows, at + THREAD),
        Atomics.load(this.#rows, at + START),
      );
    });
  }

  taken(): number[] {
    const rows: number[] = [];
    for (let row = 0; row < this.#count; row++) if (this.isTaken(row)) rows.push(row);
    return rows;
  }

  noneLeft(): CacheError {
    return new CacheError("TZ_CACHE_WORKERS", `all ${this.#count} worker rows are taken by live workers`);
  }
}
