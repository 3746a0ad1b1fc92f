import { WheelTimer } from "@tz/alloc";
import type { ResponsePlan, Tunnel, TunnelHandler } from "@tz/http1";
import type { IoMemory } from "./loop/io-memory.js";
import type { Transport, TransportHandler } from "./loop/loop.js";
import { publishConnection } from "./observe/connection-channels.js";
import type { ServerCore } from "./server-core.js";

const EAGAIN = 11;
const TICK_MS = 1000;

/** A connection that left HTTP: it takes the transport over from its `Connection` and carries bytes both ways. */
export class Upgraded extends WheelTimer implements Tunnel, TransportHandler {
  readonly #transport: Transport;
  readonly #core: ServerCore;
  readonly #handler: TunnelHandler;
  #gone = false;
  #shut = false;

  constructor(transport: Transport, core: ServerCore, make: NonNullable<ResponsePlan["upgrade"]>) {
    super(tick);
    this.#transport = transport;
    this.#core = core;
    this.#handler = make(this);
    if (this.#handler.onTick === undefined) return;
    core.loop.timers.schedule(this, TICK_MS);
    // What is counted between ticks is counted from the first byte on.
    this.#handler.onTick(core.loop.nowMs);
  }

  /** The loop's memory, for protocols that work in place. */
  get memory(): IoMemory {
    return this.#core.loop.memory;
  }

  /** The server stops. */
  stop(): void {
    if (this.#handler.onStop === undefined) this.destroy();
    else this.#handler.onStop();
  }

  onTimer(): void {
    if (this.#gone) return;
    if (this.#shut) {
      // The peer had time to read what was sent and to close.
      this.destroy();
      return;
    }
    this.#core.loop.timers.schedule(this, TICK_MS);
    try {
      this.#handler.onTick?.(this.#core.loop.nowMs);
    } catch (error) {
      this.#failed(error);
    }
  }

  /** A protocol that throws costs its own connection, not the server. What it did not end itself ends here. */
  #failed(error: unknown): void {
    this.#core.reportError(error);
    if (!this.#shut) this.destroy();
  }

  // ---- from the loop

  onData(start: number, end: number): void {
    this.#core.observer?.received(end - start);
    // Nobody's answer waits for a handler.
    this.#core.loop.deferred?.flush();
    try {
      this.#handler.onData(this.#core.loop.memory.bytes, start, end);
    } catch (error) {
      this.#failed(error);
    }
  }

  onEnd(): void {
    try {
      this.#handler.onEnd();
    } catch (error) {
      this.#failed(error);
    }
    if (this.#shut) this.destroy();
  }

  onWritable(): void {
    try {
      this.#handler.onWritable();
    } catch (error) {
      this.#failed(error);
    }
  }

  onClose(errno: number): void {
    this.#gone = true;
    publishConnection("closed", this.#transport, { errno });
    this.#core.observer?.disconnected();
    this.#core.addresses?.remove(this.#transport);
    this.#core.loop.timers.cancel(this);
    try {
      this.#handler.onClose();
    } catch (error) {
      this.#core.reportError(error);
    }
  }

  // ---- from the protocol

  write(bytes: Uint8Array, start: number, end: number): number {
    const { batch, memory } = this.#core.loop;
    // Bytes that lie in the I/O memory are sent from where they are.
    const inPlace = bytes.buffer === memory.bytes.buffer;
    let at = start;
    while (at < end && !this.#gone) {
      const stop = inPlace ? end : Math.min(end, at + batch.room);
      if (inPlace) batch.name(bytes.byteOffset + at, end - at);
      else batch.copyRange(bytes, at, stop);
      const sent = this.#transport.flush(batch, stop < end);
      batch.clear();
      if (sent === -EAGAIN) break;
      if (sent < 0) {
        // Later, as from the loop: a protocol is not told of its end from inside its own write.
        queueMicrotask(() => this.#transport.destroy());
        break;
      }
      this.#core.observer?.sent(sent);
      at += sent;
      if (at < stop) break;
    }
    return at - start;
  }

  shutdown(): void {
    if (this.#gone || this.#shut) return;
    this.#shut = true;
    this.#transport.shutdown();
    this.#core.loop.timers.schedule(this, this.#core.options.lingerTimeoutMs);
  }

  destroy(): void {
    this.#transport.destroy();
  }

  /**
   * Gives the connection's descriptor away, for protocols that the kernel carries on by itself: `onClose` comes, then the
   * caller owns it. `undefined`, and nothing changes, where there is none or the bytes go through TLS.
   */
  detach(): number | undefined {
    const transport = this.#transport;
    if (this.#gone || transport.secure === true) return undefined;
    return transport.detach?.();
  }

  pause(): void {
    if (!this.#gone) this.#transport.pause();
  }

  resume(): void {
    if (!this.#gone) this.#transport.resume();
  }
}

function tick(timer: WheelTimer): void {
  (timer as Upgraded).onTimer();
}
