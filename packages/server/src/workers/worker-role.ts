/** What a worker process knows of itself; `undefined` in every other process. */

/** The variable through which a supervisor tells a worker its part. */
export const ROLE_VARIABLE = "TZ_WORKER";

export interface WorkerRole {
  readonly slot: number;
  readonly count: number;
  readonly generation: number;
  /** `"inherited"`: sockets came with the process. `"cluster"`: node:cluster brings them. */
  readonly sockets: "inherited" | "cluster";
  /** Descriptors of each address: one a worker, or one for all. */
  readonly fds: readonly (readonly number[])[];
  /** What was bound, for `"cluster"`: the port that the first worker got where 0 was asked. */
  readonly host: string | undefined;
  readonly port: number | undefined;
  /** How often it must say that its loop turns; 0 is never. */
  readonly aliveMs: number;
  /** When the supervisor is gone. */
  readonly drainTimeoutMs: number;
  readonly idleGraceMs: number;
  /** Memory that all workers share. */
  readonly memory: { readonly fd: number; readonly byteLength: number } | undefined;
  /** The supervisor has TLS for all workers: ask for it. */
  readonly sharesTls: boolean;
  /** Memory of this generation's workers, see `generation-memory.ts`. */
  readonly generationFd: number | undefined;
}

/** Read once: processes that the worker starts are no workers. */
const role: WorkerRole | undefined = take();

function take(): WorkerRole | undefined {
  const text = process.env[ROLE_VARIABLE];
  if (text === undefined) return undefined;
  delete process.env[ROLE_VARIABLE];
  return JSON.parse(text) as WorkerRole;
}

export function workerRole(): WorkerRole | undefined {
  return role;
}

/** Which worker this process is; `undefined` in the supervisor and without workers. */
export function workerInfo():
  | { readonly slot: number; readonly count: number; readonly generation: number }
  | undefined {
  return role === undefined ? undefined : { slot: role.slot, count: role.count, generation: role.generation };
}

/** Which of an address's sockets a worker accepts from. */
export function socketsOf(fds: readonly number[], slot: number, count: number): number[] {
  if (fds.length < count) return [fds[slot % fds.length]!];
  return fds.filter((_, index) => index % count === slot);
}
