import {
  close,
  EPOLLERR,
  EPOLLHUP,
  EPOLLIN,
  EPOLLOUT,
  EPOLLRDHUP,
  MSG_NOSIGNAL,
  Region,
  recv,
  SHUT_WR,
  SPLICE_F_MOVE,
  SPLICE_F_NONBLOCK,
  send,
  shutdown,
  splice,
} from "@tz/sys";
import { type DescriptorLoop, descriptorLoop } from "../kernel/descriptor-loop.js";
import { PIPE_BYTES, type Pipe, PipePool } from "./pipe-pool.js";
import type { Relay, RelayEnd, RelaySettings } from "./relay.js";

const EAGAIN = 11;
const EINTR = 4;
/**
 * So much is read and sent by this process at first: below it two copies cost less than the pages' way through a pipe. A
 * read that fills it is followed by splices, until one is short.
 */
const COPY_BYTES = 32 * 1024;
/** A read that comes back short has emptied the socket, unless the peer said its last. */
const ENDING = EPOLLRDHUP | EPOLLHUP | EPOLLERR;
const FLAGS = SPLICE_F_MOVE | SPLICE_F_NONBLOCK;
/** One direction moves so often in a turn; then others follow. */
const MOVES_PER_TURN = 32;
/** After one side ended, how long the other may go on. */
const HALF_CLOSED_MS = 10_000;

// One for the thread.
let pool: PipePool | undefined;
// One for all: what was read is sent, or put into a pipe, before the next is read.
let scratch: Region | undefined;

export interface SpliceRelayOptions extends Pick<RelaySettings, "idleTimeoutMs" | "maxTimeMs"> {
  /** What the upstream said behind its handshake: goes to the client first. */
  readonly first: Uint8Array;
  readonly onEnd: (end: RelayEnd) => void;
}

/**
 * Joins two sockets: what comes in bulk goes from one to the other through a pipe in the kernel and is never copied into
 * this process; a few bytes are read and sent. A pipe is borrowed while bytes are in it, so an idle connection holds two descriptors and this object.
 *
 * ```
 *   client ──splice──▶ pipe ──splice──▶ upstream      and the same back
 * ```
 */
export class SpliceRelay implements Relay {
  readonly #loop: DescriptorLoop;
  readonly #options: SpliceRelayOptions;
  readonly #clientFd: number;
  readonly #upstreamFd: number;
  readonly #up: SpliceWay;
  readonly #down: SpliceWay;
  readonly #startMs: number;
  #heardMs: number;
  #halfClosedMs = 0;
  #endedBy: "client" | "upstream" | undefined;
  #over = false;

  /** Owns both descriptors from now on. @throws SysError; the descriptors are closed then */
  constructor(clientFd: number, upstreamFd: number, options: SpliceRelayOptions, nowMs: number) {
    this.#options = options;
    this.#clientFd = clientFd;
    this.#upstreamFd = upstreamFd;
    this.#startMs = this.#heardMs = nowMs;
    try {
      this.#loop = descriptorLoop();
      scratch ??= Region.allocate(COPY_BYTES);
      pool ??= new PipePool();
    } catch (error) {
      close(clientFd);
      close(upstreamFd);
      throw error;
    }
    this.#up = new SpliceWay(clientFd, upstreamFd);
    this.#down = new SpliceWay(upstreamFd, clientFd);
    try {
      this.#down.begin(options.first);
      this.#loop.add(clientFd, { onEvents: (events) => this.#events(events, this.#up, this.#down) });
      this.#loop.add(upstreamFd, { onEvents: (events) => this.#events(events, this.#down, this.#up) });
    } catch (error) {
      this.#over = true;
      this.#release();
      throw error;
    }
  }

  get passedBytes(): number {
    return this.#up.passedBytes + this.#down.passedBytes;
  }

  /** At most {@link COPY_BYTES} each way; what waits beside is in the kernel, at most {@link PIPE_BYTES} each way and the socket buffers. */
  get waitingBytes(): number {
    return this.#up.waitingBytes + this.#down.waitingBytes;
  }

  tick(nowMs: number): void {
    const { idleTimeoutMs, maxTimeMs } = this.#options;
    if (this.#over) return;
    if (maxTimeMs > 0 && nowMs - this.#startMs >= maxTimeMs) {
      this.#finish("gateway", "the time of the connection is over");
    } else if (idleTimeoutMs > 0 && nowMs - this.#heardMs >= idleTimeoutMs) {
      this.#finish("gateway", "nothing was said for too long");
    } else if (this.#endedBy !== undefined) {
      if (this.#halfClosedMs === 0) this.#halfClosedMs = nowMs;
      if (nowMs - this.#halfClosedMs >= HALF_CLOSED_MS) this.#finish(this.#endedBy, "");
    }
  }

  stop(_code: number, reason: string): void {
    this.#finish("gateway", reason);
  }

  /** @param reads the way that reads the descriptor of the event, @param writes the one that writes it */
  #events(events: number, reads: SpliceWay, writes: SpliceWay): void {
    this.#heardMs = performance.now();
    if ((events & ENDING) !== 0) reads.ending = true;
    if ((events & (EPOLLIN | ENDING)) !== 0) reads.readable = true;
    if ((events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) !== 0) writes.writable = true;
    if (this.#loop.isTurnLong()) this.#loop.soon(this.#again);
    else this.#run();
  }

  readonly #again = (): void => this.#run();

  #run(): void {
    if (this.#over) return;
    const more = this.#up.move();
    const moreBack = this.#down.move();
    if (this.#endedBy === undefined) {
      if (this.#down.ended) this.#endedBy = "upstream";
      else if (this.#up.ended) this.#endedBy = "client";
    }
    if (this.#up.failed || this.#down.failed)
      this.#finish(this.#endedBy ?? "client", "the connection failed");
    else if (this.#up.done && this.#down.done) this.#finish(this.#endedBy!, "");
    else if (more || moreBack) this.#loop.soon(this.#again);
  }

  #finish(by: RelayEnd["by"], reason: string): void {
    if (this.#over) return;
    this.#over = true;
    this.#release();
    this.#options.onEnd({ by, code: 1006, reason });
  }

  #release(): void {
    this.#up.release();
    this.#down.release();
    this.#loop.remove(this.#clientFd);
    this.#loop.remove(this.#upstreamFd);
    close(this.#clientFd);
    close(this.#upstreamFd);
  }
}

/** One direction. */
class SpliceWay {
  readonly #from: number;
  readonly #to: number;
  #pipe: Pipe | undefined;
  #inPipe = 0;
  #bulk = false;
  /** Was read and not taken yet: nothing more is read meanwhile. */
  #rest: Buffer | undefined;
  /** The source says no more than what it has said. */
  ending = false;
  readable = true;
  writable = true;
  /** The source has said all. */
  ended = false;
  /** All of it went, and the end behind it. */
  done = false;
  failed = false;
  passedBytes = 0;

  constructor(from: number, to: number) {
    this.#from = from;
    this.#to = to;
  }

  /** Bytes that were read already go in front. */
  begin(bytes: Uint8Array): void {
    if (bytes.length > 0) this.#rest = Buffer.from(bytes);
  }

  /** Moves what can be moved. @returns whether there may be more at once */
  move(): boolean {
    for (let i = 0; i < MOVES_PER_TURN; i++) {
      if (this.done || this.failed) return false;
      if (this.#isEmpty && !this.ended) {
        if (!this.readable) break;
        if (!this.#fill()) break;
      }
      if (!this.#isEmpty && !this.#drain()) return false;
      if (this.ended && this.#isEmpty) {
        this.done = true;
        shutdown(this.#to, SHUT_WR);
        this.#giveBack();
        return false;
      }
      if (i === MOVES_PER_TURN - 1 || (this.#bulk && descriptorLoop().isTurnLong())) return true;
    }
    if (this.#isEmpty) this.#giveBack();
    return false;
  }

  get #isEmpty(): boolean {
    return this.#inPipe === 0 && this.#rest === undefined;
  }

  get waitingBytes(): number {
    return this.#rest?.length ?? 0;
  }

  /** @returns whether there may be more at once */
  #fill(): boolean {
    return this.#bulk ? this.#spliceIn() : this.#copy();
  }

  /** Reads, and sends without a pipe; what the other side does not take is kept. */
  #copy(): boolean {
    const { address, bytes } = scratch!;
    const count = recv(this.#from, address, COPY_BYTES, 0);
    if (count <= 0) return this.#nothing(count);
    this.#bulk = count === COPY_BYTES;
    if (!this.#bulk && !this.ending) this.readable = false;
    const sent = this.#send(count);
    if (sent < count && !this.failed) this.#rest = Buffer.from(bytes.subarray(sent, count));
    return !this.failed;
  }

  /** Sends the beginning of the scratch memory. @returns how much was taken */
  #send(length: number): number {
    if (!this.writable) return 0;
    const sent = send(this.#to, scratch!.address, length, MSG_NOSIGNAL);
    if (sent < length) this.writable = sent === -EINTR;
    if (sent < 0 && sent !== -EAGAIN && sent !== -EINTR) this.failed = true;
    const done = Math.max(0, sent);
    this.passedBytes += done;
    return done;
  }

  #spliceIn(): boolean {
    this.#pipe ??= pool!.take();
    // More of the same, by copying: slower, and it works.
    if (this.#pipe === undefined) return this.#copy();
    const count = splice(this.#from, this.#pipe.writeFd, PIPE_BYTES, FLAGS);
    if (count < COPY_BYTES) this.#bulk = false;
    if (count <= 0) return this.#nothing(count);
    this.#inPipe += count;
    return true;
  }

  /** What a read without bytes says. */
  #nothing(count: number): boolean {
    if (count === 0) this.ended = true;
    else if (count === -EAGAIN) this.readable = false;
    else if (count !== -EINTR) this.failed = true;
    return count === 0 || count === -EINTR;
  }

  /** @returns whether nothing is kept here or in the pipe now */
  #drain(): boolean {
    const rest = this.#rest;
    if (rest !== undefined) {
      // What came behind a handshake may be more than one read.
      const length = Math.min(rest.length, COPY_BYTES);
      scratch!.bytes.set(rest.subarray(0, length));
      const sent = this.#send(length);
      this.#rest = sent < rest.length ? rest.subarray(sent) : undefined;
      if (sent < length) return false;
      if (this.#rest !== undefined) return this.#drain();
    }
    while (this.#inPipe > 0) {
      if (!this.writable) return false;
      const count = splice(this.#pipe!.readFd, this.#to, this.#inPipe, FLAGS);
      if (count > 0) {
        this.#inPipe -= count;
        this.passedBytes += count;
      } else if (count === -EAGAIN) {
        this.writable = false;
      } else if (count !== -EINTR) {
        this.failed = true;
        return false;
      }
    }
    return true;
  }

  #giveBack(): void {
    if (this.#pipe !== undefined) pool!.give(this.#pipe, true);
    this.#pipe = undefined;
  }

  release(): void {
    if (this.#pipe !== undefined) pool!.give(this.#pipe, this.#inPipe === 0);
    this.#pipe = undefined;
  }
}
