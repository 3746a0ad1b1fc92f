import type { EpollTransport } from "../../loop/epoll.js";
import type { ServerCore } from "../../server-core.js";
import type { FrameOut, FrameSender } from "../frames/frame-out.js";
import { HeldFrames } from "./held-frames.js";

const EAGAIN = 11;
/** When so much waits for a client that does not read, nothing more is read of it. */
const MAX_HELD_BYTES = 64 * 1024;

/**
 * Carries one connection's frames from the memory that all share to its transport. What the transport does not take
 * waits here, in order, and a client that lets much of it wait is not read any further.
 *
 * ```
 *   frames ─▶ out ─▶ transport
 *              └──▶ held ─▶ transport, when it takes bytes again
 * ```
 */
export class FrameCarrier implements FrameSender {
  readonly out: FrameOut;
  readonly held = new HeldFrames();
  /** The transport has failed and will be destroyed in a moment. */
  broken = false;
  gone = false;
  /** Nothing more is read of the client, nor said to it. */
  lingering = false;
  readonly #transport: EpollTransport;
  readonly #core: ServerCore;
  #paused = false;

  constructor(transport: EpollTransport, core: ServerCore, out: FrameOut) {
    this.#transport = transport;
    this.#core = core;
    this.out = out;
  }

  /** Nothing more is read. */
  get isOver(): boolean {
    return this.gone || this.broken || this.lingering;
  }

  /** Makes sure that so much fits into the memory. What it held may be held back afterwards. */
  room(length: number): void {
    this.out.take(this);
    if (this.out.room < length) this.flushFrames();
  }

  /** Sends what lies in the memory, if that is this connection's. */
  flush(): void {
    this.out.take(this);
    this.flushFrames();
  }

  flushFrames(): void {
    const { out } = this;
    const length = out.at - out.start;
    if (length === 0) return;
    const { at } = out;
    out.at = out.start;
    if (this.gone || this.broken) return;
    if (this.held.byteLength > 0) {
      this.#hold(out.start, at);
      return;
    }
    out.batch.name(out.start, length);
    const sent = this.#transport.flush(out.batch, false);
    out.batch.clear();
    this.#core.observer?.sent(sent);
    if (sent === length) return;
    if (sent < 0 && sent !== -EAGAIN) this.break();
    else this.#hold(out.start + Math.max(sent, 0), at);
  }

  #hold(start: number, end: number): void {
    this.held.keep(this.out.bytes, start, end);
    if (this.#paused || this.held.byteLength < MAX_HELD_BYTES) return;
    // Who does not read what it has asked for asks for nothing more.
    this.#paused = true;
    this.#transport.pause();
  }

  /** The transport takes bytes again. @returns whether everything has left */
  drain(): boolean {
    this.flush();
    if (this.held.byteLength > 0) {
      const sent = this.held.drain(this.#transport, this.out);
      if (sent < 0) {
        this.#transport.destroy();
        return false;
      }
      this.#core.observer?.sent(sent);
      if (this.held.byteLength > 0) return false;
    }
    this.resume();
    return true;
  }

  /** The client is read again. */
  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#transport.resume();
  }

  /** Not from inside of a call that goes on. */
  break(): void {
    if (this.broken) return;
    this.broken = true;
    queueMicrotask(() => this.#transport.destroy());
  }

  /** The connection is gone, and its frames with it. */
  leave(): void {
    this.gone = true;
    this.out.leave(this);
    this.held.clear();
  }
}
