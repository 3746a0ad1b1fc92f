/**
 * One inotify descriptor for all mounts of this thread (the kernel allows 128 of them by default). A directory
 * that several mounts watch is one watch with several listeners.
 */
import {
  close,
  IN_ATTRIB,
  IN_CLOEXEC,
  IN_CREATE,
  IN_DELETE,
  IN_DELETE_SELF,
  IN_EXCL_UNLINK,
  IN_IGNORED,
  IN_MASK_ADD,
  IN_MODIFY,
  IN_MOVE_SELF,
  IN_MOVED_FROM,
  IN_MOVED_TO,
  IN_NONBLOCK,
  IN_ONLYDIR,
  IN_Q_OVERFLOW,
  IN_UNMOUNT,
  inotifyAddWatch,
  inotifyInit,
  inotifyRmWatch,
  Region,
  readInotify,
  type SysError,
  type Watch,
  watchReadable,
} from "@tz/sys";
import type { ChangeSource, DirectoryWatch, WatchFailure } from "./change-source.js";

/** Names that come, go or are replaced. */
const NAMES_MASK = IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF;
const MASK = NAMES_MASK | IN_MODIFY | IN_ATTRIB;
const FLAGS = IN_ONLYDIR | IN_EXCL_UNLINK | IN_MASK_ADD;
const SELF_MASK = IN_DELETE_SELF | IN_MOVE_SELF | IN_UNMOUNT | IN_IGNORED;

/** About 500 events with ordinary names a read. */
const BUFFER_BYTES = 16 * 1024;
/** Reads before the loop gets its turn back. */
const READS_MAX = 16;

interface Listener {
  readonly hub: InotifyHub;
  readonly wd: number;
  readonly onName: (name: string) => void;
  readonly onLost: () => void;
}

class InotifyHub {
  readonly #fd = inotifyInit(IN_NONBLOCK | IN_CLOEXEC);
  readonly #buffer = Region.allocate(BUFFER_BYTES);
  readonly #listeners = new Map<number, Set<Listener>>();
  readonly #watch: Watch;
  #isClosed = false;

  constructor() {
    try {
      this.#watch = watchReadable(this.#fd, () => this.#drain());
    } catch (error) {
      close(this.#fd);
      this.#buffer.release();
      throw error;
    }
    this.#watch.unref();
  }

  get isIdle(): boolean {
    return this.#listeners.size === 0;
  }

  /** @throws SysError */
  add(path: string, onName: (name: string) => void, onLost: () => void, namesOnly: boolean): Listener {
    const wd = inotifyAddWatch(this.#fd, path, (namesOnly ? NAMES_MASK : MASK) | FLAGS);
    const listener: Listener = { hub: this, wd, onName, onLost };
    let all = this.#listeners.get(wd);
    if (all === undefined) this.#listeners.set(wd, (all = new Set()));
    all.add(listener);
    return listener;
  }

  remove(listener: Listener): void {
    const all = this.#listeners.get(listener.wd);
    if (all?.delete(listener) !== true || all.size > 0) return;
    this.#listeners.delete(listener.wd);
    try {
      inotifyRmWatch(this.#fd, listener.wd);
    } catch {
      // The directory is gone, and its watch with it.
    }
  }

  close(): void {
    this.#isClosed = true;
    this.#watch.close();
    close(this.#fd);
    this.#buffer.release();
  }

  #drain(): void {
    // A listener may end the last watch, and the hub with it.
    for (let i = 0; i < READS_MAX && !this.#isClosed; i++) {
      const events = readInotify(this.#fd, this.#buffer);
      if (events.length === 0) return;
      for (const { wd, mask, name } of events) {
        if ((mask & IN_Q_OVERFLOW) !== 0) {
          for (const all of [...this.#listeners.values()]) for (const listener of [...all]) listener.onLost();
          continue;
        }
        const all = this.#listeners.get(wd);
        if (all === undefined) continue;
        // The kernel gives numbers of ended watches to new ones only after a wrap of 2^31.
        if ((mask & IN_IGNORED) !== 0) this.#listeners.delete(wd);
        for (const listener of [...all]) {
          if ((mask & SELF_MASK) !== 0) listener.onLost();
          else listener.onName(name);
        }
      }
    }
  }
}

let hub: InotifyHub | undefined;

export const inotify: ChangeSource = {
  watch(path, { onName, onLost, namesOnly = false }): DirectoryWatch | WatchFailure {
    try {
      hub ??= new InotifyHub();
      const listener = hub.add(path, onName, onLost, namesOnly);
      return {
        close() {
          listener.hub.remove(listener);
          if (listener.hub.isIdle && listener.hub === hub) {
            hub.close();
            hub = undefined;
          }
        },
      };
    } catch (error) {
      const { code } = error as SysError;
      if (hub?.isIdle === true) {
        hub.close();
        hub = undefined;
      }
      return code === "ENOENT" || code === "ENOTDIR" || code === "EACCES" ? "unwatchable" : "exhausted";
    }
  },
};
