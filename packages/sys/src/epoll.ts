import { checked, checkRange } from "./address-check.js";
import { EPOLL_CLOEXEC, EPOLL_EVENT_BYTES } from "./constants.js";
import { BadArgumentError, orThrow } from "./errors.js";
import { bind, errnoCell } from "./native.js";
import { Region } from "./region.js";
import { scratchAddress, scratchWords } from "./scratch.js";

const nativeCreate = bind("int epoll_create1(int)");
const nativeControl = bind("int epoll_ctl(int, int, int, intptr_t)");
const nativeWait = bind("int epoll_wait(int, intptr_t, int, int)");

/** 32-bit words of one event, and where its 64-bit data begins: after padding, except on x86-64. */
const WORDS = EPOLL_EVENT_BYTES >>> 2;
const DATA = WORDS - 2;
const MAX_CAPACITY = 65_536;

/**
 * Where `epollWait` writes. Each event carries the descriptor and its generation, so that an event for a
 * descriptor that was closed and reused can be told from one for its successor.
 *
 * ```
 *   x86-64  [ events | fd | generation ]            12 bytes, packed
 *   arm64   [ events | -  | fd | generation ]       16 bytes
 * ```
 */
export class EpollEvents {
  readonly capacity: number;
  readonly address: number;
  readonly #region: Region;
  readonly #words: Uint32Array;

  /** @throws BadArgumentError when the capacity is not between 1 and 65536 */
  constructor(capacity: number) {
    if (!Number.isInteger(capacity) || capacity < 1 || capacity > MAX_CAPACITY) {
      throw new BadArgumentError("epoll_wait", "capacity", capacity, `an integer from 1 to ${MAX_CAPACITY}`);
    }
    this.capacity = capacity;
    this.#region = Region.allocate(capacity * EPOLL_EVENT_BYTES);
    this.address = this.#region.address;
    this.#words = this.#region.u32;
  }

  /** The `EPOLL*` bits of event `index`: test them with `&`. Not valid beyond what the last wait returned. */
  events(index: number): number {
    return this.#words[index * WORDS]!;
  }

  fd(index: number): number {
    return this.#words[index * WORDS + DATA]!;
  }

  generation(index: number): number {
    return this.#words[index * WORDS + DATA + 1]!;
  }

  release(): void {
    this.#region.release();
  }
}

/** A new epoll descriptor, closed on exec. */
export function epollCreate(): number {
  const fd = nativeCreate(EPOLL_CLOEXEC);
  return orThrow(fd === -1 ? -errnoCell[0]! : fd, "epoll_create1");
}

/**
 * Adds, changes or removes interest in `fd`. `generation` (32 bits) comes back with each event.
 * @returns 0 or a negative errno
 */
export function epollCtl(
  epollFd: number,
  operation: number,
  fd: number,
  events: number,
  generation: number,
): number {
  scratchWords[0] = events;
  scratchWords[DATA] = fd;
  scratchWords[DATA + 1] = generation;
  return nativeControl(epollFd, operation, fd, scratchAddress) === -1 ? -errnoCell[0]! : 0;
}

/**
 * Waits up to `timeoutMs` (0: only looks, -1: for ever) and fills `events`.
 * @returns the number of events or a negative errno
 */
export const epollWait: (epollFd: number, events: EpollEvents, timeoutMs: number) => number = checked(
  (epollFd: number, events: EpollEvents, timeoutMs: number): number => {
    const count = nativeWait(epollFd, events.address, events.capacity, timeoutMs);
    return count === -1 ? -errnoCell[0]! : count;
  },
  (_epollFd, events) => checkRange("epoll_wait", events.address, events.capacity * EPOLL_EVENT_BYTES),
);
