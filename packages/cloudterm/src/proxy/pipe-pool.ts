import { readFileSync } from "node:fs";
import { close, F_GETPIPE_SZ, F_SETPIPE_SZ, fcntl, O_CLOEXEC, O_NONBLOCK, pipe2 } from "@tz/sys";

export interface Pipe {
  readonly readFd: number;
  readonly writeFd: number;
  readonly bytes: number;
}

/** What a pipe holds at most, which an unprivileged user may have; the fewer turns, the less a byte costs. */
export const PIPE_BYTES = 1024 * 1024;
const SMALL_PIPE_BYTES = 256 * 1024;
/** The kernel's own size; below it copies cost less. */
const DEFAULT_PIPE_BYTES = 64 * 1024;
/** Empty pipes that are kept for the next who needs one. */
const IDLE_PIPES_MAX = 64;
/** After the kernel had no pipe of a size that is worth it, it is not asked again for so long. */
const REFUSED_MS = 1000;
const PAGE_BYTES = 4096;
/** Where it cannot be read: the kernel's default. */
const USER_PAGES = 16_384;

/**
 * Pipes for splicing, within a budget. All pipes of a user, of whatever process, count against one limit
 * (`/proc/sys/fs/pipe-user-pages-soft`): above it each new one has a page or two, in every process of that user. A pool takes at
 * most half of it.
 *
 * ```
 *   first half of the budget    1 MiB each
 *   the rest                    256 KiB each
 *   used up, or refused         none: whoever asks copies
 * ```
 */
export class PipePool {
  readonly #budgetBytes: number;
  readonly #now: () => number;
  readonly #idle: Pipe[] = [];
  #bytes = 0;
  #refusedMs = Number.NEGATIVE_INFINITY;

  constructor({ budgetBytes = budgetOfUser(), now = () => performance.now() } = {}) {
    this.#budgetBytes = budgetBytes;
    this.#now = now;
  }

  /** Of all pipes, used and idle. */
  get bytes(): number {
    return this.#bytes;
  }

  /** `undefined` when there is none to have now: copy then. */
  take(): Pipe | undefined {
    const idle = this.#idle.pop();
    if (idle !== undefined) return idle;
    const left = this.#budgetBytes - this.#bytes;
    const size = this.#bytes + PIPE_BYTES <= this.#budgetBytes / 2 ? PIPE_BYTES : SMALL_PIPE_BYTES;
    const nowMs = this.#now();
    if (size > left || nowMs - this.#refusedMs < REFUSED_MS) return undefined;
    const pipe = open(size);
    if (pipe === undefined) this.#refusedMs = nowMs;
    else this.#bytes += pipe.bytes;
    return pipe;
  }

  /** @param empty one with bytes in it is of no use to others */
  give(pipe: Pipe, empty: boolean): void {
    if (empty && this.#idle.length < IDLE_PIPES_MAX) this.#idle.push(pipe);
    else this.#close(pipe);
  }

  /** For tests: closes those that are idle. */
  clear(): void {
    for (const pipe of this.#idle.splice(0)) this.#close(pipe);
  }

  #close(pipe: Pipe): void {
    this.#bytes -= pipe.bytes;
    close(pipe.readFd);
    close(pipe.writeFd);
  }
}

/** A pipe of that size, or of the kernel's own when it does not give more; `undefined` when it has less, or none. */
function open(size: number): Pipe | undefined {
  let pipe: { readonly readFd: number; readonly writeFd: number };
  try {
    pipe = pipe2(O_NONBLOCK | O_CLOEXEC);
  } catch {
    // No descriptor is left, or the user may have no more pipes.
    return undefined;
  }
  let bytes: number;
  try {
    bytes = fcntl(pipe.writeFd, F_SETPIPE_SZ, size);
  } catch {
    // Other processes of the user have theirs, too.
    bytes = fcntl(pipe.writeFd, F_GETPIPE_SZ);
  }
  if (bytes >= DEFAULT_PIPE_BYTES) return { ...pipe, bytes };
  close(pipe.readFd);
  close(pipe.writeFd);
  return undefined;
}

function budgetOfUser(): number {
  let pages: number;
  try {
    pages = Number(readFileSync("/proc/sys/fs/pipe-user-pages-soft", "latin1"));
  } catch {
    pages = USER_PAGES;
  }
  // 0 is no limit.
  return ((pages > 0 ? pages : USER_PAGES) * PAGE_BYTES) / 2;
}
