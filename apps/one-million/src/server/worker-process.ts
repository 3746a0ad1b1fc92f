/**
 * The conversation between the supervisor and a worker process, over the channel of `child_process`.
 *
 * ```
 *   supervisor ── spawn, with the shared memory's descriptor, and a WorkerOrder ──▶ worker
 *              ◀── WorkerListens ──
 *              ── SIGTERM ──▶ answers what it has, exits 0
 * ```
 */
export interface WorkerOrder {
  readonly host: string;
  readonly port: number;
  readonly lane: number;
  readonly redis: string | undefined;
  readonly redisPrefix: string;
}

export interface WorkerListens {
  readonly port: number;
}

/** The variable of the environment that carries the order as JSON. */
export const ORDER_VARIABLE = "TZ_ONE_MILLION_WORKER";

/** Where a worker finds the shared memory: behind its standard streams and the channel. */
export const MEMORY_FD = 4;
