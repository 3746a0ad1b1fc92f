import { availableParallelism } from "node:os";
import { CloudtermError } from "../errors.js";

export interface HashQueueOptions {
  /**
   * Hashes at a time; each occupies a thread of Node's pool. Default: one for each core that this process may use, but not
   * the pool's last thread (of `UV_THREADPOOL_SIZE`, 4), which files and names are left with.
   */
  readonly concurrency?: number;
  /** Tasks of each class that may wait; further ones are refused. Default 32. */
  readonly maxWaiting?: number;
}

const POOL_THREADS = 4;
const POOL_THREADS_MAX = 1024;

/**
 * Threads of the pool, as libuv reads `UV_THREADPOOL_SIZE`: the number that it begins with, 0 and what is none are one thread, a
 * negative one is taken for a very large one.
 */
export function poolThreads(text: string | undefined): number {
  if (text === undefined) return POOL_THREADS;
  const number = Number.parseInt(/^\s*[+-]?\d+/.exec(text)?.[0] ?? "0", 10);
  if (number === 0) return 1;
  return number < 0 ? POOL_THREADS_MAX : Math.min(number, POOL_THREADS_MAX);
}

function defaultConcurrency(): number {
  const threads = poolThreads(process.env.UV_THREADPOOL_SIZE);
  return Math.max(1, Math.min(availableParallelism(), threads - 1));
}

interface Waiting {
  start(): void;
}

/**
 * Bounds how much hashing is done and how much may wait. Those who are known (their browser has logged in before) wait
 * in a queue of their own that goes first: a flood of guesses fills the other one only.
 *
 * ```
 *   known   ──▶ [ ][ ][ ] ──┐
 *                           ├──▶ at most `concurrency` at work
 *   unknown ──▶ [x][x][x] ──┘    full: TZ_CLOUDTERM_BUSY
 * ```
 */
export class HashQueue {
  readonly #concurrency: number;
  readonly #maxWaiting: number;
  readonly #known: Waiting[] = [];
  readonly #unknown: Waiting[] = [];
  #running = 0;

  /** @throws CloudtermError `TZ_CLOUDTERM_OPTION` */
  constructor({ concurrency = defaultConcurrency(), maxWaiting = 32 }: HashQueueOptions = {}) {
    for (const [name, value, min] of [
      ["concurrency", concurrency, 1],
      ["maxWaiting", maxWaiting, 0],
    ] as const) {
      if (!Number.isSafeInteger(value) || value < min) {
        throw new CloudtermError(
          "TZ_CLOUDTERM_OPTION",
          `option ${name} is ${value}; allowed: a whole number of ${min} or more`,
        );
      }
    }
    this.#concurrency = concurrency;
    this.#maxWaiting = maxWaiting;
  }

  get waiting(): number {
    return this.#known.length + this.#unknown.length;
  }

  get running(): number {
    return this.#running;
  }

  /**
   * Runs a task as soon as there is room.
   * @throws CloudtermError `TZ_CLOUDTERM_BUSY` at once when too many wait
   */
  async run<Result>(task: () => Promise<Result>, known = false): Promise<Result> {
    if (this.#running >= this.#concurrency) {
      const queue = known ? this.#known : this.#unknown;
      if (queue.length >= this.#maxWaiting) {
        throw new CloudtermError("TZ_CLOUDTERM_BUSY", undefined, { retryAfterMs: 1000 });
      }
      // Whoever ends hands its place on, so it is counted once.
      await new Promise<void>((start) => queue.push({ start }));
    } else {
      this.#running++;
    }
    try {
      return await task();
    } finally {
      const next = this.#known.shift() ?? this.#unknown.shift();
      if (next === undefined) this.#running--;
      else next.start();
    }
  }
}
