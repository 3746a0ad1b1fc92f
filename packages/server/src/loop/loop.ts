/**
 * The seam between the protocol and the operating system: one interface, three implementations.
 *
 * ```
 *   epoll   Linux system calls, no stream objects            epoll.ts
 *   node    node:net sockets, every platform                 node.ts
 *   fake    scripted input, partial writes, errors, time     fake.ts   (tests)
 * ```
 *
 * All three keep one contract, checked by `loop.conformance.ts`: bytes arrive in the loop's I/O memory and are
 * valid during the call only; a write takes what fits and says how much; `onClose` comes once and last.
 */
import type { Socket } from "node:net";
import type { TimerWheel } from "@tz/alloc";
import type { DeferredSends } from "./deferred-sends.js";
import type { EpollLoop, EpollTransport } from "./epoll.js";
import type { IoMemory } from "./io-memory.js";
import type { SendBatch } from "./send-batch.js";

export type LoopKind = "epoll" | "node" | "fake";

/** What a connection gives to its transport. Called by the loop, never re-entered. */
export interface TransportHandler {
  /** `memory.bytes[start, end)` were received. They are overwritten after the call returns. */
  onData(start: number, end: number): void;
  /** The peer finished sending (FIN). Writing may still work. */
  onEnd(): void;
  /** The transport takes bytes again after a short write. */
  onWritable(): void;
  /** The transport is gone and will call nothing more. `errno` is 0 for a close in order. */
  onClose(errno: number): void;
}

/** One accepted connection as the loop sees it. */
export interface Transport {
  handler: TransportHandler;
  /** Address of the peer, e.g. `"192.0.2.7"`; empty for Unix sockets. */
  readonly remoteAddress: string;
  readonly remotePort: number;
  /** The bytes go through TLS. */
  readonly secure?: boolean;
  /** The certificate that the client has shown and that was verified, as DER. */
  readonly peerCertificate?: Uint8Array | undefined;
  /**
   * Sends the batch's bytes, all or a prefix of them.
   * @param more further bytes follow at once: the kernel may wait for them (MSG_MORE)
   * @returns bytes taken; fewer than `batch.byteLength` means that `onWritable` will follow; negative errno
   *   on failure, after which the caller destroys the transport
   */
  flush(batch: SendBatch, more: boolean): number;
  /**
   * Sends bytes of a file. Same results as {@link flush}; 0 means that the file ended early, `-EAGAIN` that
   * nothing fits now and `onWritable` will follow.
   */
  sendFile(fd: number, offset: number, length: number): number;
  /**
   * All bytes that the peer itself has taken so far, when the loop can tell: the difference of two calls is the
   * client's progress, also where the kernel buffers much. Negative, or missing, when it cannot.
   */
  takenBytes?(): number;
  /** Stops `onData`: what the peer sends stays in the kernel. */
  pause(): void;
  resume(): void;
  /** Asks for `onWritable` in the next turn, so that one connection does not keep the loop for itself. */
  yieldWrite(): void;
  /** Half-close: no more writes, the peer reads end-of-file. */
  shutdown(): void;
  /** Closes now. `onClose` follows before the next turn. */
  destroy(): void;
  /**
   * {@link destroy} for a client that does not take what it has asked for: what the kernel still has to send is dropped,
   * and its memory freed. A close in order would keep it for as long as the client likes.
   */
  reset(): void;
  /**
   * Gives the open descriptor away, where there is one: `onClose` comes, then the caller owns it. Not for connections
   * through TLS.
   */
  detach?(): number;
}

export interface BindAddress {
  readonly host: string;
  readonly port: number;
}

export interface Listener {
  /** The address that was bound: the real port when 0 was asked. */
  readonly address: BindAddress;
  /** Its socket, on the epoll loop. */
  readonly fd?: number;
  /** Stops accepting; connections go on. */
  close(): Promise<void>;
}

/** What a listener puts between its sockets and their connections: TLS. */
export interface SecureLayer {
  /** On the epoll loop: the transport of an accepted descriptor; `undefined` when the layer carries it itself. */
  openDescriptor(loop: EpollLoop, fd: number): EpollTransport | undefined;
  /** On the node loop: takes an accepted socket. */
  acceptSocket(socket: Socket): void;
}

export interface ListenOptions {
  readonly host: string;
  readonly port: number;
  /** Length of the queue of connections that are not accepted yet (listen(2)). */
  readonly backlog: number;
  /** Connections above this number wait in the kernel's queue. */
  readonly maxConnections: number;
  /** Sets SO_REUSEPORT: several sockets may listen on one address. */
  readonly reusePort?: boolean;
  /** A socket that listens already, in place of `host` and `port`. The listener takes the descriptor over. */
  readonly fd?: number | undefined;
  /** Speaks TLS on the accepted connections. */
  readonly secure?: SecureLayer | undefined;
}

export interface Loop {
  readonly kind: LoopKind;
  readonly memory: IoMemory;
  /** The batch that every connection of this loop fills and flushes within one call. */
  readonly batch: SendBatch;
  /** Answers that leave at the end of the turn, where the loop has turns of its own. */
  readonly deferred?: DeferredSends;
  readonly timers: TimerWheel;
  /** Milliseconds of a clock that never goes back, refreshed once a turn. */
  readonly nowMs: number;
  /** Milliseconds since 1970, refreshed once a turn. */
  readonly wallMs: number;
  /** Connections that are open. */
  readonly connections: number;
  /** How often this loop looked for work, for statistics. */
  readonly turns: number;
  /**
   * Binds and accepts.
   * @param accept called for each connection; returns its handler
   * @throws SysError `EADDRINUSE`, `EACCES`, `EADDRNOTAVAIL` …
   */
  listen(options: ListenOptions, accept: (transport: Transport) => TransportHandler): Promise<Listener>;
  /** Reads the clocks again: for work that begins outside of a turn (a handler's promise). */
  refreshClock(): void;
  /** Calls back with the handler of every open connection; the handler may close it. */
  eachHandler(callback: (handler: TransportHandler) => void): void;
  /** Work started by handlers is pending: give Node's own loop a turn. */
  yieldTurn(): void;
  /** Destroys what is open and frees the loop's memory and descriptors. */
  close(): Promise<void>;
}
