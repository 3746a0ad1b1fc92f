import type { Tunnel, TunnelHandler } from "@tz/http1";
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
  send,
  shutdown,
} from "@tz/sys";
import { type DescriptorLoop, type DescriptorOwner, descriptorLoop } from "../kernel/descriptor-loop.js";
import { heldBytesOfAll } from "./byte-way.js";

const EAGAIN = 11;
const EINTR = 4;
const READ_BYTES = 256 * 1024;
/**
 * What was read of a sender whose receiver does not read waits in memory. When all of that is more than
 * {@link HELD_BYTES_MAX}, reads are so small: a stalled connection costs no more than one of them then.
 */
const SMALL_READ_BYTES = 16 * 1024;
const HELD_BYTES_MAX = 64 * 1024 * 1024;
const COPY_BYTES = 64 * 1024;
/** So much is read of one connection in a turn that is not long; then others follow. */
const BYTES_PER_TURN = 8 * READ_BYTES;
/** The peer said its last, or is gone: a read that comes back short has not emptied the socket then. */
const ENDING = EPOLLRDHUP | EPOLLHUP | EPOLLERR;

// One for all tunnels of a thread: what was read is handed on, or copied, before the next is read.
let input: Region | undefined;
let copies: Region | undefined;

/**
 * A socket's descriptor as a tunnel, on the thread's descriptor loop: what was read from one is sent to another from
 * where it lies, without a stream in between.
 */
export class DescriptorTunnel implements Tunnel, DescriptorOwner {
  readonly #fd: number;
  readonly #loop: DescriptorLoop;
  #handler: TunnelHandler | undefined;
  #readable = true;
  #ending = false;
  #held = false;
  #ended = false;
  #wantsRoom = false;
  #shut = false;
  #gone = false;

  /** Owns the descriptor from now on. @throws SysError; the descriptor is closed then */
  constructor(fd: number) {
    this.#fd = fd;
    try {
      input ??= Region.allocate(READ_BYTES);
      copies ??= Region.allocate(COPY_BYTES);
      this.#loop = descriptorLoop();
      this.#loop.add(fd, this);
    } catch (error) {
      close(fd);
      throw error;
    }
  }

  /** Begins: `head` comes first, then what the socket has. */
  start(handler: TunnelHandler, head: Uint8Array): void {
    this.#handler = handler;
    if (this.#gone) {
      queueMicrotask(() => handler.onClose());
      return;
    }
    if (head.length > 0) handler.onData(head, 0, head.length);
    this.#readSoon();
  }

  onEvents(events: number): void {
    if ((events & ENDING) !== 0) this.#ending = true;
    if ((events & EPOLLOUT) !== 0 && this.#wantsRoom) {
      this.#wantsRoom = false;
      this.#handler?.onWritable();
    }
    if ((events & (EPOLLIN | ENDING)) !== 0) {
      this.#readable = true;
      if (this.#loop.isTurnLong()) this.#readSoon();
      else this.#read();
    }
  }

  readonly #readAgain = (): void => this.#read();

  #readSoon(): void {
    if (this.#readable && !this.#held && !this.#gone) this.#loop.soon(this.#readAgain);
  }

  #read(): void {
    const handler = this.#handler;
    if (handler === undefined) return;
    const { address, bytes } = input!;
    for (let left = BYTES_PER_TURN; left > 0; ) {
      if (this.#held || this.#ended || this.#gone || !this.#readable) return;
      const wanted = heldBytesOfAll() > HELD_BYTES_MAX ? SMALL_READ_BYTES : READ_BYTES;
      const count = recv(this.#fd, address, wanted, 0);
      if (count > 0) {
        if (count < wanted && !this.#ending) this.#readable = false;
        handler.onData(bytes, 0, count);
        left -= count;
        if (this.#readable && this.#loop.isTurnLong()) break;
      } else if (count === 0) {
        this.#ended = true;
        this.#readable = false;
        handler.onEnd();
        if (this.#shut) this.destroy();
      } else if (count === -EAGAIN) {
        this.#readable = false;
      } else if (count !== -EINTR) {
        this.destroy();
      }
    }
    this.#readSoon();
  }

  write(bytes: Uint8Array, start: number, end: number): number {
    // What another tunnel has read is sent from where it lies.
    const inPlace = bytes.buffer === input!.bytes.buffer && bytes.byteOffset === input!.bytes.byteOffset;
    let at = start;
    while (at < end && !this.#gone) {
      const length = inPlace ? end - at : Math.min(COPY_BYTES, end - at);
      if (!inPlace) copies!.bytes.set(bytes.subarray(at, at + length));
      const sent = send(this.#fd, inPlace ? input!.address + at : copies!.address, length, MSG_NOSIGNAL);
      if (sent === -EINTR) continue;
      if (sent === -EAGAIN) break;
      if (sent < 0) {
        this.destroy();
        break;
      }
      at += sent;
    }
    if (this.#gone) return end - start;
    if (at < end) this.#wantsRoom = true;
    return at - start;
  }

  shutdown(): void {
    if (this.#gone || this.#shut) return;
    this.#shut = true;
    shutdown(this.#fd, SHUT_WR);
    // Both sides have said all.
    if (this.#ended) this.destroy();
  }

  destroy(): void {
    if (this.#gone) return;
    this.#gone = true;
    this.#loop.remove(this.#fd);
    close(this.#fd);
    // Later: a protocol is not told of its end from inside its own call.
    queueMicrotask(() => this.#handler?.onClose());
  }

  pause(): void {
    this.#held = true;
  }

  resume(): void {
    if (!this.#held) return;
    this.#held = false;
    this.#readSoon();
  }
}
