/**
 * Nests a descriptor in Node's own loop: the callback runs on the thread that asked whenever `fd` is readable
 * (level-triggered), so timers, promises and libraries keep working beside it.
 *
 * ```
 *   watchReadable ──┬─▶ poll-handle.ts   libuv's poll handle, through koffi: main thread
 *                   └─▶ async-wait.ts    epoll_wait on a pool thread: worker threads, TZ_WATCH=async,
 *                                        or a koffi without poll handles
 * ```
 */
import { isMainThread } from "node:worker_threads";
import { F_DUPFD_CLOEXEC } from "../constants.js";
import { fcntl } from "../descriptor.js";
import { UnsupportedError } from "../errors.js";
import { close as closeFd } from "../file.js";
import { pollHandle, support } from "../native.js";
import { watchByAsyncWait } from "./async-wait.js";
import { closeAllAtExit, forget, isOpen, remember } from "./open-watches.js";
import { watchByPollHandle } from "./poll-handle.js";

export interface Watch {
  /** Keeps the process alive while the watch is open: the default. */
  ref(): void;
  /** Lets the process end although the watch is open. */
  unref(): void;
  /** No callback comes after it. Until then the open file stays open: close the watch first. May be called again. */
  close(): void;
}

/** How watches work in this thread. */
export type WatchMethod = "poll-handle" | "async-wait";

/**
 * A thread that ends while a poll handle is open takes the whole process down with a segmentation fault, and
 * `worker.terminate()` runs no code of the thread that could close it: so worker threads go without.
 */
export function watchMethod(): WatchMethod {
  if (process.env.TZ_WATCH === "async" || !isMainThread || pollHandle === undefined) return "async-wait";
  return "poll-handle";
}

/**
 * Calls `callback` whenever `fd` is readable or has failed, until the watch is closed. An error that it throws
 * is an ordinary uncaught exception. Watches that are open when the thread exits are closed.
 * @throws UnsupportedError, SysError (EBADF; EPERM: regular files are always readable)
 */
export function watchReadable(fd: number, callback: () => void): Watch {
  if (!support.supported) throw new UnsupportedError("watchReadable", support.reason);
  closeAllAtExit();
  const watchBy = watchMethod() === "poll-handle" ? watchByPollHandle : watchByAsyncWait;
  // A descriptor of our own: libuv aborts the process when it is asked for one that it watches already.
  const ownFd = fcntl(fd, F_DUPFD_CLOEXEC);
  let inner: Watch;
  try {
    inner = watchBy(ownFd, () => run(callback));
  } catch (error) {
    closeFd(ownFd);
    throw error;
  }
  const watch: Watch = {
    ref() {
      if (isOpen(watch)) inner.ref();
    },
    unref() {
      if (isOpen(watch)) inner.unref();
    },
    close() {
      if (!forget(watch)) return;
      inner.close();
      closeFd(ownFd);
    },
  };
  remember(watch);
  return watch;
}

function run(callback: () => void): void {
  try {
    callback();
  } catch (error) {
    // Thrown into the native caller it would be lost or fatal without a trace.
    queueMicrotask(() => {
      throw error;
    });
  }
}
