import {
  close,
  EPOLL_CTL_ADD,
  EPOLL_CTL_DEL,
  EPOLLET,
  EPOLLIN,
  EPOLLOUT,
  EPOLLRDHUP,
  EpollEvents,
  epollCreate,
  epollCtl,
  epollWait,
  orThrow,
  type Watch,
  watchReadable,
} from "@tz/sys";

const EVENTS_PER_TURN = 256;
/** While there is traffic the loop looks again without waiting, so often before Node's own loop gets a turn. */
const TURNS_PER_WAKE = 4;
/** After so long Node's own loop gets its turn, whatever there is still to do. */
const LONG_TURN_MS = 5;
const EVENTS = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;

/** Who owns a descriptor of the loop. */
export interface DescriptorOwner {
  /**
   * The edge came: read and write until the kernel says EAGAIN, or until the turn is long, and go on `soon` then.
   * @param events `EPOLL*` bits
   */
  onEvents(events: number): void;
}

interface Entry {
  readonly owner: DescriptorOwner;
  readonly generation: number;
}

/**
 * Descriptors that this package owns itself (pseudo-terminals, spliced sockets), edge-triggered in one epoll descriptor
 * that is nested in Node's loop. It keeps the process alive as long as it has any.
 *
 * An event carries its entry's generation: one for a descriptor that was removed and reused in the same turn is dropped.
 */
export class DescriptorLoop {
  readonly #epollFd = epollCreate();
  readonly #events = new EpollEvents(EVENTS_PER_TURN);
  readonly #entries = new Map<number, Entry>();
  readonly #ready = new Set<() => void>();
  readonly #watch: Watch;
  #generation = 0;
  #wakePending = false;
  #wakeMs = 0;

  constructor() {
    this.#watch = watchReadable(this.#epollFd, () => this.#wake());
    this.#watch.unref();
  }

  /** Descriptors in the loop. */
  get size(): number {
    return this.#entries.size;
  }

  /** @throws SysError (EPERM: a regular file) */
  add(fd: number, owner: DescriptorOwner): void {
    this.#generation = (this.#generation + 1) >>> 0;
    orThrow(epollCtl(this.#epollFd, EPOLL_CTL_ADD, fd, EVENTS, this.#generation), "epoll_ctl");
    this.#entries.set(fd, { owner, generation: this.#generation });
    if (this.#entries.size === 1) this.#watch.ref();
  }

  /** Call it before the descriptor is closed. */
  remove(fd: number): void {
    if (!this.#entries.delete(fd)) return;
    epollCtl(this.#epollFd, EPOLL_CTL_DEL, fd, 0, 0);
    if (this.#entries.size === 0) this.#watch.unref();
  }

  /** Calls back in the next turn, once, so that one descriptor does not keep the loop for itself. */
  soon(callback: () => void): void {
    this.#ready.add(callback);
    this.#wakeSoon();
  }

  /** Whether others have waited long enough: what there is still to do is left to {@link soon}. */
  isTurnLong(): boolean {
    return performance.now() - this.#wakeMs > LONG_TURN_MS;
  }

  #wakeSoon(): void {
    if (this.#wakePending) return;
    this.#wakePending = true;
    setImmediate(() => {
      this.#wakePending = false;
      this.#wake();
    });
  }

  /** For tests: the loop and its descriptors are gone afterwards. */
  close(): void {
    this.#watch.close();
    close(this.#epollFd);
    this.#events.release();
  }

  #wake(): void {
    this.#wakeMs = performance.now();
    this.#runReady();
    for (let turn = 0; turn < TURNS_PER_WAKE; turn++) {
      const count = epollWait(this.#epollFd, this.#events, 0);
      if (count <= 0) return;
      for (let i = 0; i < count; i++) {
        const entry = this.#entries.get(this.#events.fd(i));
        if (entry?.generation === this.#events.generation(i)) entry.owner.onEvents(this.#events.events(i));
      }
      if (this.isTurnLong()) return;
    }
  }

  /** Those that are ready now, in their order; the rest of them stay in front when the turn gets long. */
  #runReady(): void {
    let due = this.#ready.size;
    for (const callback of this.#ready) {
      if (due-- === 0) return;
      this.#ready.delete(callback);
      callback();
      if (this.#ready.size > 0 && this.isTurnLong()) {
        this.#wakeSoon();
        return;
      }
    }
  }
}

let shared: DescriptorLoop | undefined;

/** The loop of this thread: made when it is first needed. @throws UnsupportedError where the calls are missing */
export function descriptorLoop(): DescriptorLoop {
  shared ??= new DescriptorLoop();
  return shared;
}
