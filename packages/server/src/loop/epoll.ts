import { Socket } from "node:net";
import { TimerWheel } from "@tz/alloc";
import {
  AF_INET,
  AF_INET6,
  AF_UNIX,
  accept4,
  bind,
  close,
  copyMemory,
  EPOLL_CTL_ADD,
  EPOLL_CTL_DEL,
  EPOLLERR,
  EPOLLET,
  EPOLLHUP,
  EPOLLIN,
  EPOLLOUT,
  EPOLLRDHUP,
  EpollEvents,
  epollCreate,
  epollCtl,
  epollWait,
  errnoName,
  getpeername,
  getsockname,
  IoVector,
  IPPROTO_TCP,
  isSupported,
  listen,
  MSG_MORE,
  MSG_NOSIGNAL,
  Region,
  recv,
  SHUT_WR,
  SO_REUSEADDR,
  SO_REUSEPORT,
  SOCK_CLOEXEC,
  SOCK_NONBLOCK,
  SOCK_STREAM,
  SOL_SOCKET,
  type SocketAddress,
  SysError,
  send,
  sendfile,
  sendmsg,
  setCloseOnExec,
  setLinger,
  setNonBlocking,
  setsockopt,
  shutdown,
  socket,
  TCP_NODELAY,
  takeSocketError,
  tcpBytesAcked,
  trySetsockopt,
  type Watch,
  watchReadable,
  writev,
} from "@tz/sys";
import { ServerError } from "../errors.js";
import { publishLimit } from "../observe/connection-channels.js";
import { resolveHost } from "./bind-host.js";
import { DeferredSends } from "./deferred-sends.js";
import { IoMemory } from "./io-memory.js";
import type {
  BindAddress,
  Listener,
  ListenOptions,
  Loop,
  SecureLayer,
  Transport,
  TransportHandler,
} from "./loop.js";
import type { NodeTransport, SocketHost } from "./node.js";
import { SendBatch } from "./send-batch.js";

const EAGAIN = 11;
const EINTR = 4;
const ECONNABORTED = 103;
const EPROTO = 71;
/** Accept failures that concern one connection only (accept(2)). */
const SKIPPED_ON_ACCEPT = new Set([EINTR, ECONNABORTED, EPROTO, 100, 92, 112, 64, 113, 95, 101]);

const EVENTS_PER_TURN = 512;
/** While there is traffic the loop polls again without waiting, so often before Node's own loop gets a turn. */
const TURNS_PER_WAKE = 4;
/** One connection reads so often in a turn; then others follow. */
const READS_PER_TURN = 16;
/** A turn that has lasted so long begins nothing more of a connection that has more, and the loop gives Node's its turn. */
const LONG_TURN_MS = 5;
/** And who sends without pause has only so much of it read in the rest of that turn. */
const LONG_TURN_READ_BYTES = 8 * 1024;
const ACCEPTS_PER_TURN = 64;
/** Pause after the process or the machine ran out of descriptors. */
const ACCEPT_PAUSE_MS = 100;
const CONNECTION_EVENTS = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
/** `struct msghdr` on 64-bit Linux: name, namelen, iov, iovlen, control, controllen, flags. */
const MSGHDR_BYTES = 56;

/** Whether this machine can run the loop, with the reason when it cannot. */
export function isEpollSupported(): { supported: true } | { supported: false; reason: string } {
  return isSupported();
}

/**
 * The Linux loop: an epoll descriptor of its own, nested in Node's loop, so that timers, promises and npm packages
 * keep working in handlers. Edge-triggered: a socket is read until it is short, written until it is full.
 *
 * An event carries the connection's generation beside its descriptor; one for a descriptor that was closed and
 * reused in the same turn is dropped.
 */
export class EpollLoop implements Loop, SocketHost {
  // First of all fields: the others need system calls.
  readonly kind = supportedKind();
  readonly memory = new IoMemory();
  readonly batch = new SendBatch(this.memory, true);
  readonly deferred = new DeferredSends(this.batch);
  readonly timers: TimerWheel;
  nowMs = performance.now();
  wallMs = Date.now();
  connections = 0;
  turns = 0;
  /** @internal Connections on Node's sockets: what `node:tls` carries. */
  readonly transports = new Set<NodeTransport>();
  /** Node's sockets over descriptors of ours, from the handshake on. */
  readonly #sockets = new Set<Socket>();
  /** @internal Address of the I/O memory's first byte. */
  readonly base: number;
  /** @internal */
  readonly iov = new IoVector(128);
  /** @internal */
  readonly messageHeader: Region;
  readonly #region: Region;
  readonly #epollFd: number;
  readonly #events = new EpollEvents(EVENTS_PER_TURN);
  readonly #transports: (EpollTransport | EpollListener | undefined)[] = [];
  readonly #watch: Watch;
  readonly #tickTimer: NodeJS.Timeout;
  /** @internal How much one read takes in this turn. */
  readBytes = this.memory.receiveBytes;
  /** Transports that asked for another turn, in the order in which they did. */
  #ready: EpollTransport[] = [];
  #generation = 0;
  #turnStartMs = 0;
  #turns = TURNS_PER_WAKE;
  #wakePending = false;
  #closed = false;

  /** @throws ServerError `TZ_SERVER_LOOP_UNSUPPORTED` */
  constructor(tickMs: number) {
    this.#region = Region.fromMemory(this.memory.memory);
    this.base = this.#region.address;
    this.messageHeader = Region.allocate(MSGHDR_BYTES);
    const { u32 } = this.messageHeader;
    u32[4] = this.iov.address >>> 0;
    u32[5] = this.iov.address / 4294967296;
    this.timers = new TimerWheel({ tickMs, now: () => this.nowMs });
    let epollFd = -1;
    try {
      epollFd = epollCreate();
      this.#watch = watchReadable(epollFd, () => this.#wake());
    } catch (error) {
      if (epollFd >= 0) close(epollFd);
      this.#releaseMemory();
      throw error;
    }
    this.#epollFd = epollFd;
    this.#watch.unref();
    this.#tickTimer = setInterval(() => {
      this.refreshClock();
      this.timers.advance(this.nowMs);
      this.#beginTurn();
      this.#runReady();
    }, tickMs).unref();
  }

  async listen(
    options: ListenOptions,
    accept: (transport: Transport) => TransportHandler,
  ): Promise<Listener> {
    const fd =
      options.fd === undefined
        ? openListener(await resolveHost(options.host, options.port), options)
        : adoptListener(options.fd);
    let listener: EpollListener;
    try {
      listener = new EpollListener(this, fd, accept, options);
    } catch (error) {
      close(fd);
      throw error;
    }
    const result = this.#add(listener, EPOLLIN);
    if (result < 0) {
      this.remove(listener);
      throw SysError.fromResult(result, "epoll_ctl");
    }
    this.#watch.ref();
    return listener;
  }

  refreshClock(): void {
    this.nowMs = performance.now();
    this.wallMs = Date.now();
  }

  eachHandler(callback: (handler: TransportHandler) => void): void {
    for (const entry of this.#transports) if (entry instanceof EpollTransport) callback(entry.handler);
    for (const transport of [...this.transports]) callback(transport.handler);
  }

  yieldTurn(): void {
    this.#turns = 0;
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    clearInterval(this.#tickTimer);
    for (const entry of this.#transports) {
      if (entry instanceof EpollTransport) entry.destroy();
      else if (entry !== undefined) await entry.close();
    }
    for (const transport of [...this.transports]) transport.destroy();
    for (const socket of [...this.#sockets]) {
      this.#forget(socket);
      socket.destroy();
    }
    this.#watch.close();
    close(this.#epollFd);
    this.#releaseMemory();
  }

  #releaseMemory(): void {
    this.#events.release();
    this.iov.release();
    this.messageHeader.release();
    this.#region.release();
  }

  /** @internal */
  add(fd: number, accept: (transport: Transport) => TransportHandler, secure: SecureLayer | undefined): void {
    const transport = secure === undefined ? new EpollTransport(this, fd) : secure.openDescriptor(this, fd);
    if (transport === undefined) return;
    this.connections++;
    transport.handler = accept(transport);
    if (transport.closed) return;
    const result = this.#add(transport, CONNECTION_EVENTS);
    if (result < 0) transport.destroy(-result);
  }

  /** @internal Takes a descriptor out of the table and closes it; the kernel drops its registration. */
  remove(entry: EpollTransport | EpollListener): void {
    if (this.#transports[entry.fd] === entry) this.#transports[entry.fd] = undefined;
    if (entry instanceof EpollListener) epollCtl(this.#epollFd, EPOLL_CTL_DEL, entry.fd, 0, 0);
    close(entry.fd);
  }

  /** @internal Takes a descriptor out of the table and out of the kernel's set, and leaves it open. */
  release(transport: EpollTransport): void {
    this.#transports[transport.fd] = undefined;
    epollCtl(this.#epollFd, EPOLL_CTL_DEL, transport.fd, 0, 0);
    this.connections--;
  }

  /** @internal Makes a socket of Node's of an accepted descriptor, and counts it until it is closed. */
  adopt(fd: number): Socket {
    const socket = new Socket({ fd, allowHalfOpen: true });
    this.connections++;
    this.#sockets.add(socket);
    return socket.once("close", () => this.#forget(socket));
  }

  #forget(socket: Socket): void {
    if (this.#sockets.delete(socket)) this.connections--;
  }

  /** @internal Copies what lies at an address: a packed answer, for a socket of Node's. */
  copyOut(address: number, target: Uint8Array): void {
    const { bytes, secureStart, secureBytes } = this.memory;
    for (let at = 0; at < target.byteLength; at += secureBytes) {
      const length = Math.min(secureBytes, target.byteLength - at);
      copyMemory(this.base + secureStart, address + at, length);
      target.set(bytes.subarray(secureStart, secureStart + length), at);
    }
  }

  /** @internal */
  pauseListener(listener: EpollListener): void {
    epollCtl(this.#epollFd, EPOLL_CTL_DEL, listener.fd, 0, 0);
  }

  /** @internal @returns whether it worked: the kernel may have no memory for it */
  resumeListener(listener: EpollListener): boolean {
    return this.#add(listener, EPOLLIN) === 0;
  }

  /** @internal */
  enqueue(transport: EpollTransport): void {
    this.#ready.push(transport);
    this.#wakeSoon();
  }

  #wakeSoon(): void {
    if (this.#wakePending) return;
    this.#wakePending = true;
    setImmediate(() => {
      this.#wakePending = false;
      if (!this.#closed) this.#wake();
    });
  }

  /** @returns 0 or a negative errno */
  #add(entry: EpollTransport | EpollListener, events: number): number {
    this.#generation = (this.#generation + 1) >>> 0;
    entry.generation = this.#generation;
    this.#transports[entry.fd] = entry;
    return epollCtl(this.#epollFd, EPOLL_CTL_ADD, entry.fd, events, entry.generation);
  }

  #wake(): void {
    this.#turns = TURNS_PER_WAKE;
    do {
      this.turns++;
      this.refreshClock();
      this.#beginTurn();
      this.#runReady();
      const count = epollWait(this.#epollFd, this.#events, 0);
      if (count <= 0) break;
      this.#dispatch(count);
    } while (--this.#turns > 0 && !this.#closed && !this.isTurnLong());
  }

  #beginTurn(): void {
    this.#turnStartMs = this.nowMs;
    this.readBytes = this.memory.receiveBytes;
  }

  /** @internal Whether others have waited long enough for this turn to end. Asked by those who have more to do. */
  isTurnLong(): boolean {
    if (performance.now() - this.#turnStartMs <= LONG_TURN_MS) return false;
    this.readBytes = LONG_TURN_READ_BYTES;
    return true;
  }

  #dispatch(count: number): void {
    const events = this.#events;
    const { deferred } = this;
    deferred.open = count > 1;
    try {
      for (let i = 0; i < count; i++) {
        const entry = this.#transports[events.fd(i)];
        // Closed, or closed and reused, by something earlier in this turn.
        if (entry === undefined || entry.generation !== events.generation(i)) continue;
        entry.onEvents(events.events(i));
        if (this.#closed) return;
      }
    } finally {
      deferred.open = false;
      // Only where a handler's release threw: what it left must not go to somebody else.
      if (this.batch.count > 0) this.batch.releaseAll();
      deferred.flush();
    }
  }

  /** Those that wait go on. When that takes long, the others come after what has arrived meanwhile. */
  #runReady(): void {
    const waiting = this.#ready;
    if (waiting.length === 0) return;
    this.#ready = [];
    for (let i = 0; i < waiting.length; i++) {
      waiting[i]!.onReady();
      if (!this.isTurnLong() || i + 1 === waiting.length) continue;
      this.#ready = [...waiting.slice(i + 1), ...this.#ready];
      this.#wakeSoon();
      return;
    }
  }
}

/** @throws ServerError `TZ_SERVER_LOOP_UNSUPPORTED` */
function supportedKind(): "epoll" {
  const support = isSupported();
  if (support.supported) return "epoll";
  throw new ServerError("TZ_SERVER_LOOP_UNSUPPORTED", `the epoll loop cannot run here: ${support.reason}`);
}

/** @internal */
class EpollListener implements Listener {
  readonly fd: number;
  readonly address: BindAddress;
  generation = 0;
  readonly #loop: EpollLoop;
  readonly #accept: (transport: Transport) => TransportHandler;
  readonly #maxConnections: number;
  readonly #secure: SecureLayer | undefined;
  #resumeTimer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(
    loop: EpollLoop,
    fd: number,
    accept: (transport: Transport) => TransportHandler,
    { maxConnections, secure }: ListenOptions,
  ) {
    this.fd = fd;
    this.#loop = loop;
    this.#accept = accept;
    this.#maxConnections = maxConnections;
    this.#secure = secure;
    const name = getsockname(fd);
    this.address =
      name.family === "unix" ? { host: name.path, port: 0 } : { host: name.host, port: name.port };
  }

  onEvents(_events: number): void {
    for (let i = 0; i < ACCEPTS_PER_TURN; i++) {
      if (this.#loop.connections >= this.#maxConnections) {
        this.#pause("maxConnections", `${this.#maxConnections} connections are open`);
        return;
      }
      const fd = accept4(this.fd, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (fd >= 0) {
        this.#loop.add(fd, this.#accept, this.#secure);
      } else if (fd === -EAGAIN) {
        return;
      } else if (!SKIPPED_ON_ACCEPT.has(-fd)) {
        // EMFILE, ENFILE, ENOBUFS, ENOMEM: the queue stays readable, so polling it would spin.
        this.#pause(errnoName(-fd), "no further connection can be accepted");
        return;
      }
    }
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#resumeTimer);
    this.#loop.remove(this);
  }

  #pause(limit: string, detail: string): void {
    publishLimit(limit, `${detail}: others wait ${ACCEPT_PAUSE_MS} ms in the kernel's queue`);
    this.#loop.pauseListener(this);
    this.#resumeLater();
  }

  #resumeLater(): void {
    this.#resumeTimer = setTimeout(() => {
      // A listener that nobody polls would accept nothing for ever.
      if (!this.#loop.resumeListener(this)) this.#resumeLater();
    }, ACCEPT_PAUSE_MS);
  }
}

const IGNORE: TransportHandler = { onData() {}, onEnd() {}, onWritable() {}, onClose() {} };

// Flags of a transport.
/** The handler wants no bytes. */
const PAUSED = 1 << 0;
/** Bytes may wait in the kernel: the edge came, and they were not all read. */
const READABLE = 1 << 1;
/** `onWritable` was asked for. */
const WRITABLE = 1 << 2;
/** Waits for the next turn. */
const QUEUED = 1 << 3;
/** The end was told. */
const ENDED = 1 << 4;
/** The peer finished sending: no further edge will tell of the end. */
const HANG_UP = 1 << 5;

/** @internal A connection of the loop. TLS puts itself between by overriding what touches the socket. */
export class EpollTransport implements Transport {
  handler: TransportHandler = IGNORE;
  readonly fd: number;
  generation = 0;
  closed = false;
  readonly #loop: EpollLoop;
  #flags = 0;

  constructor(loop: EpollLoop, fd: number) {
    this.#loop = loop;
    this.fd = fd;
  }

  get remoteAddress(): string {
    const peer = this.#peer();
    return peer === undefined || peer.family === "unix" ? "" : peer.host;
  }

  get remotePort(): number {
    const peer = this.#peer();
    return peer === undefined || peer.family === "unix" ? 0 : peer.port;
  }

  onEvents(events: number): void {
    if ((events & (EPOLLERR | EPOLLHUP)) !== 0) {
      const error = (events & EPOLLERR) !== 0 ? -takeSocketError(this.fd) : 0;
      if (error > 0) {
        this.destroy(error);
        return;
      }
    }
    if ((events & EPOLLRDHUP) !== 0) this.#flags |= HANG_UP;
    if ((events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP)) !== 0) {
      this.#flags |= READABLE;
      if ((this.#flags & PAUSED) === 0) this.#read();
    }
    if ((events & EPOLLOUT) !== 0 && !this.closed) this.handler.onWritable();
  }

  onReady(): void {
    this.#flags &= ~QUEUED;
    if (this.closed) return;
    if ((this.#flags & WRITABLE) !== 0) {
      this.#flags &= ~WRITABLE;
      this.handler.onWritable();
    }
    if ((this.#flags & READABLE) !== 0 && (this.#flags & PAUSED) === 0 && !this.closed) this.#read();
  }

  flush(batch: SendBatch, more: boolean): number {
    const loop = this.#loop;
    const { count } = batch;
    if (count === 1) {
      const start = batch.plans[0] === null ? loop.base + batch.starts[0]! : batch.starts[0]!;
      return send(this.fd, start, batch.lengths[0]!, more ? MSG_MORE | MSG_NOSIGNAL : MSG_NOSIGNAL);
    }
    const { iov } = loop;
    for (let i = 0; i < count; i++) {
      iov.set(
        i,
        batch.plans[i] === null ? loop.base + batch.starts[i]! : batch.starts[i]!,
        batch.lengths[i]!,
      );
    }
    if (!more) return writev(this.fd, iov.address, count);
    loop.messageHeader.u32[6] = count;
    return sendmsg(this.fd, loop.messageHeader.address, MSG_MORE | MSG_NOSIGNAL);
  }

  sendFile(fd: number, offset: number, length: number): number {
    return sendfile(this.fd, fd, offset, length);
  }

  takenBytes(): number {
    return tcpBytesAcked(this.fd);
  }

  pause(): void {
    this.#flags |= PAUSED;
  }

  resume(): void {
    this.#flags &= ~PAUSED;
    if ((this.#flags & READABLE) !== 0) this.#queue();
  }

  yieldWrite(): void {
    this.#flags |= WRITABLE;
    this.#queue();
  }

  shutdown(): void {
    shutdown(this.fd, SHUT_WR);
  }

  destroy(errno = 0): void {
    if (this.closed) return;
    this.closed = true;
    this.#loop.remove(this);
    this.#loop.connections--;
    this.handler.onClose(errno);
  }

  reset(): void {
    // A socket of another family has no reset; closed it is all the same.
    if (!this.closed) setLinger(this.fd, 0);
    this.destroy();
  }

  /** Lets the descriptor go, open as it is. @returns it */
  detach(): number {
    this.closed = true;
    this.#loop.release(this);
    this.handler.onClose(0);
    return this.fd;
  }

  /** @returns bytes that were put at the address, 0 at the end, or a negative errno */
  protected receive(address: number, length: number): number {
    return recv(this.fd, address, length, 0);
  }

  /** Whether nothing is left in the socket after so much of what was asked for came: a short read empties it. */
  protected emptied(received: number, asked: number): boolean {
    return received < asked;
  }

  #read(): void {
    const { base, memory } = this.#loop;
    for (let i = 0; i < READS_PER_TURN; i++) {
      const { readBytes } = this.#loop;
      const received = this.receive(base + memory.receiveStart, readBytes);
      if (received > 0) {
        // The next edge tells of more. With the peer's FIN there is no next edge.
        if (this.emptied(received, readBytes) && (this.#flags & HANG_UP) === 0) this.#flags &= ~READABLE;
        this.handler.onData(memory.receiveStart, memory.receiveStart + received);
        if (this.closed || (this.#flags & PAUSED) !== 0 || (this.#flags & READABLE) === 0) return;
        if (this.#loop.isTurnLong()) break;
      } else if (received === 0) {
        this.#flags &= ~READABLE;
        if ((this.#flags & ENDED) === 0) {
          this.#flags |= ENDED;
          this.handler.onEnd();
        }
        return;
      } else if (received === -EAGAIN) {
        this.#flags &= ~READABLE;
        return;
      } else if (received !== -EINTR) {
        this.destroy(-received);
        return;
      }
    }
    this.#queue();
  }

  #queue(): void {
    if ((this.#flags & QUEUED) !== 0) return;
    this.#flags |= QUEUED;
    this.#loop.enqueue(this);
  }

  #peer(): SocketAddress | undefined {
    if (this.closed) return undefined;
    try {
      return getpeername(this.fd);
    } catch {
      // Gone in this moment (ENOTCONN).
      return undefined;
    }
  }
}

/** Makes an inherited socket what {@link openListener} makes. */
function adoptListener(fd: number): number {
  setNonBlocking(fd, true);
  setCloseOnExec(fd, true);
  // Not of a Unix socket, which has no such option.
  trySetsockopt(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  return fd;
}

/** @throws SysError from socket(2), bind(2) or listen(2) */
export function openListener(
  address: SocketAddress,
  options: Pick<ListenOptions, "backlog" | "reusePort">,
): number {
  const family = address.family === "unix" ? AF_UNIX : address.family === "ipv4" ? AF_INET : AF_INET6;
  const fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  try {
    if (family !== AF_UNIX) {
      setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, 1);
      if (options.reusePort === true) setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, 1);
      // Accepted sockets inherit it: answers leave at once, MSG_MORE says where they should not.
      setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    }
    bind(fd, address);
    listen(fd, options.backlog);
    return fd;
  } catch (error) {
    close(fd);
    throw error;
  }
}
