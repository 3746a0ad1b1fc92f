/**
 * Nests a descriptor in Node's own loop: the callback runs on the main thread whenever `fd` is readable
 * (level-triggered), so timers, promises and libraries keep working beside it.
 */

import { UnsupportedError } from "./errors.js";
import { pollHandle, support } from "./native.js";

export interface Watch {
  /** Keeps the process alive while the watch is open: the default. */
  ref(): void;
  unref(): void;
  /** No callback comes after it. Close the watch before the descriptor. May be called again. */
  close(): void;
}

/** Open handles, strongly held: koffi closes a handle that is collected. */
const open = new Set<Watch>();

export function watchReadable(fd: number, callback: () => void): Watch {
  if (pollHandle === undefined) {
    throw new UnsupportedError(
      "watchReadable",
      support.supported ? "koffi has no node.poll" : support.reason,
    );
  }
  const handle = pollHandle(fd, { readable: true }, () => {
    try {
      callback();
    } catch (error) {
      // A pending exception in a native callback has nobody to go to.
      queueMicrotask(() => {
        throw error;
      });
    }
  });
  const watch: Watch = {
    ref: () => handle.ref(),
    unref: () => handle.unref(),
    close() {
      if (open.delete(watch)) handle.close();
    },
  };
  open.add(watch);
  return watch;
}

process.once("exit", () => {
  for (const watch of open) watch.close();
});
