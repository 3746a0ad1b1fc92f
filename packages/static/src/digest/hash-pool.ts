/**
 * Threads that hash, shared by all mounts of the process. They start with the first job and do not keep the
 * process alive.
 */
import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import type { DigestAlgorithm } from "../options.js";
import type { HashReply, HashRequest } from "./hash-worker.js";

/** Hashing is bound by the processor; two files at a time keep a long one from holding up all others. */
const THREADS = Math.min(2, availableParallelism());
/** Jobs that may wait: a site of that many files is hashed at once; beyond, files stay with weak tags for now. */
const WAITING_MAX = 10_000;

/** Beyond so many jobs, digests that only one client wants are left out. */
const BUSY_JOBS = 64;

const OPENSSL_NAME: Readonly<Record<DigestAlgorithm, string>> = { "sha-256": "sha256", "sha-512": "sha512" };

export type HashSource =
  | { readonly bytes: Uint8Array }
  /** The caller keeps it open until the promise settles. */
  | { readonly fd: number; readonly start: number; readonly end: number };

type Waiting = (digests: readonly string[] | undefined) => void;

/** From sources the worker is TypeScript too, and Node 20 has no loader for the first module of a thread. */
function startThread(): Worker {
  if (!import.meta.url.endsWith(".ts")) return new Worker(new URL("./hash-worker.js", import.meta.url));
  const source = JSON.stringify(new URL("./hash-worker.ts", import.meta.url).href);
  const code = `import("tsx/esm/api").then(({ tsImport }) => tsImport(${source}, ${source}))`;
  return new Worker(code, { eval: true, execArgv: [] });
}

class HashPool {
  readonly #workers: Worker[] = [];
  readonly #waiting = new Map<number, { readonly worker: Worker; readonly done: Waiting }>();
  #jobs = 0;

  /** More is waiting than a client that only wonders should add to. */
  get isBusy(): boolean {
    return this.#waiting.size >= BUSY_JOBS;
  }

  /** Base64 by algorithm; `undefined` when there is too much to do or the source could not be read. */
  hash(
    source: HashSource,
    algorithms: readonly DigestAlgorithm[],
  ): Promise<ReadonlyMap<DigestAlgorithm, string> | undefined> {
    if (this.#waiting.size >= WAITING_MAX) return Promise.resolve(undefined);
    return new Promise((resolve) => {
      const id = ++this.#jobs;
      const worker = this.#workerFor(id);
      this.#waiting.set(id, {
        worker,
        done: (digests) =>
          resolve(digests && new Map(algorithms.map((algorithm, i) => [algorithm, digests[i] ?? ""]))),
      });
      const names = algorithms.map((algorithm) => OPENSSL_NAME[algorithm]);
      if ("bytes" in source) {
        // Our bytes may be in memory that must not be transferred, and a clone would take all that is around them.
        const bytes = new Uint8Array(source.bytes);
        worker.postMessage({ id, algorithms: names, bytes } satisfies HashRequest, [bytes.buffer]);
      } else {
        worker.postMessage({ id, algorithms: names, ...source } satisfies HashRequest);
      }
    });
  }

  #workerFor(id: number): Worker {
    // A thread takes tens of milliseconds to start: all of them with the first job.
    while (this.#workers.length < THREADS) this.#workers.push(this.#start());
    return this.#workers[id % this.#workers.length]!;
  }

  #start(): Worker {
    const worker = startThread();
    worker.on("message", ({ id, digests }: HashReply) => {
      const waiting = this.#waiting.get(id);
      this.#waiting.delete(id);
      waiting?.done(digests);
    });
    const onGone = (): void => {
      const index = this.#workers.indexOf(worker);
      if (index >= 0) this.#workers.splice(index, 1);
      for (const [id, waiting] of this.#waiting) {
        if (waiting.worker !== worker) continue;
        this.#waiting.delete(id);
        waiting.done(undefined);
      }
    };
    worker.on("error", onGone);
    worker.on("exit", onGone);
    worker.unref();
    return worker;
  }
}

export const hashPool = new HashPool();
