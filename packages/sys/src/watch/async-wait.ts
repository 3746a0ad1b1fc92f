/**
 * Watches without libuv's poll handles: one epoll set for all watches of this thread, waited on by a thread
 * of libuv's pool, whose answer comes back to the loop.
 *
 * ```
 *   epoll set ◀── watched descriptors            JS thread ──epoll_wait.async──▶ pool thread
 *       ▲                                             ▲                              │
 *       └──── eventfd: wakes the pool thread ◀────────┴─── ready descriptors ◀───────┘
 * ```
 *
 * A wait that is under way keeps the loop alive and cannot be unreferenced, so while all watches are
 * unreferenced the set is looked at by an unreferenced timer instead.
 */
import { EFD_CLOEXEC, EFD_NONBLOCK, EPOLL_CTL_ADD, EPOLL_CTL_DEL, EPOLLIN } from "../constants.js";
import { EpollEvents, epollCreate, epollCtl, epollWait } from "../epoll.js";
import { orThrow } from "../errors.js";
import { close as closeFd, read, write } from "../file.js";
import { bind } from "../native.js";
import { eventfd } from "../pipe.js";
import { Region } from "../region.js";
import type { Watch } from "./watch.js";

const nativeWait = bind("int epoll_wait(int, intptr_t, int, int)");

/**
 * The longest wait. Ending a wait early takes code of this thread, which `worker.terminate()` does not run:
 * the thread's end then waits for the pool thread, so it must come back by itself.
 */
const WAIT_MS = 200;
/** How often unreferenced watches are looked at. */
const LOOK_MS = 5;
const EVENTS = 64;

interface Entry {
  readonly onReadable: () => void;
  isReferenced: boolean;
}

/** What the watches of this thread share; it exists while there is one. */
interface WaitSet {
  readonly epollFd: number;
  readonly wakeFd: number;
  readonly events: EpollEvents;
  /** The eight bytes that an eventfd is written and read by. */
  readonly counter: Region;
  /** By the generation that comes with their events. */
  readonly entries: Map<number, Entry>;
  /** Busy: the pool thread or {@link deliver} has the events. What comes next is decided afterwards. */
  state: "idle" | "waiting" | "delivering";
  timer: NodeJS.Timeout | undefined;
}

let current: WaitSet | undefined;
let lastGeneration = 0;

export function watchByAsyncWait(fd: number, onReadable: () => void): Watch {
  const set = current ?? openSet();
  const entry: Entry = { onReadable, isReferenced: true };
  const generation = (lastGeneration = (lastGeneration + 1) >>> 0);
  const result = epollCtl(set.epollFd, EPOLL_CTL_ADD, fd, EPOLLIN, generation);
  if (result === 0) set.entries.set(generation, entry);
  schedule(set);
  orThrow(result, "watchReadable");

  const setReferenced = (isReferenced: boolean): void => {
    entry.isReferenced = isReferenced;
    schedule(set);
  };
  return {
    ref: () => setReferenced(true),
    unref: () => setReferenced(false),
    close() {
      set.entries.delete(generation);
      epollCtl(set.epollFd, EPOLL_CTL_DEL, fd, 0, 0);
      schedule(set);
    },
  };
}

function openSet(): WaitSet {
  const epollFd = epollCreate();
  const wakeFd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  orThrow(epollCtl(epollFd, EPOLL_CTL_ADD, wakeFd, EPOLLIN, 0), "epoll_ctl");
  current = {
    epollFd,
    wakeFd,
    events: new EpollEvents(EVENTS),
    counter: Region.allocate(8),
    entries: new Map(),
    state: "idle",
    timer: undefined,
  };
  return current;
}

/** Makes the way of waiting fit the watches that there are. */
function schedule(set: WaitSet): void {
  const wantsThread = [...set.entries.values()].some((entry) => entry.isReferenced);
  if (set.state === "waiting" && !wantsThread) wake(set);
  if (set.state !== "idle") return;
  clearTimeout(set.timer);
  set.timer = undefined;
  if (set.entries.size === 0) closeSet(set);
  else if (wantsThread) waitOnThread(set);
  else set.timer = setTimeout(() => deliver(set, epollWait(set.epollFd, set.events, 0)), LOOK_MS).unref();
}

function waitOnThread(set: WaitSet): void {
  set.state = "waiting";
  // A negative count (a signal came) is as good as none: the next wait tells.
  nativeWait.async(set.epollFd, set.events.address, EVENTS, WAIT_MS, (_error, count) => deliver(set, count));
}

function deliver(set: WaitSet, count: number): void {
  set.state = "delivering";
  for (let i = 0; i < count; i++) {
    if (set.events.fd(i) === set.wakeFd) read(set.wakeFd, set.counter.address, 8);
    // A callback may close other watches: each is looked up when its turn comes.
    else set.entries.get(set.events.generation(i))?.onReadable();
  }
  set.state = "idle";
  schedule(set);
}

function wake(set: WaitSet): void {
  set.counter.u32[0] = 1;
  set.counter.u32[1] = 0;
  write(set.wakeFd, set.counter.address, 8);
}

function closeSet(set: WaitSet): void {
  if (current === set) current = undefined;
  closeFd(set.epollFd);
  closeFd(set.wakeFd);
  set.events.release();
  set.counter.release();
}
