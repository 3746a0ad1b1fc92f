import type { ResponsePlan } from "@tz/http1";
import { OUTPUT, STREAMING } from "./connection-state.js";
import type { RequestClient } from "./handlers/request-client.js";
import { DeadlineTimer } from "./limits/deadline-timer.js";
import { Pace } from "./limits/pace.js";
import type { Transport } from "./loop/loop.js";
import { publishLimit } from "./observe/connection-channels.js";
import { BLOCKED, DRAINED, OutQueue } from "./response/out-queue.js";
import type { ServerCore } from "./server-core.js";

const EAGAIN = 11;
/** How often the progress of a client that is behind is looked at within `writeTimeoutMs`. */
const WRITE_CHECKS = 4;

/**
 * What a connection sends: answers go into the loop's batch as long as it has room, and into a queue of the connection's
 * own behind what the transport did not take. How fast the client takes it is watched.
 *
 * ```
 *   write ─┬▶ batch ─▶ transport          all of it, mostly
 *          └▶ queue ─▶ transport          what is left, files, and what comes behind them
 * ```
 */
export abstract class ConnectionOutput extends DeadlineTimer implements RequestClient {
  readonly transport: Transport;
  protected queue: OutQueue | null = null;
  protected output: number = OUTPUT.idle;
  /** See `connection-state.ts`. */
  protected flags: number;

  constructor(transport: Transport, core: ServerCore, flags: number) {
    super(core);
    this.transport = transport;
    this.flags = flags;
  }

  abstract get remoteAddress(): string;
  abstract get remotePort(): number;
  abstract get scheme(): "http" | "https";
  abstract get peerCertificate(): Uint8Array | undefined;
  abstract onGone(listener: () => void): void;

  /** Makes sure that `length` bytes fit into the batch. `false`: they must go to the queue. */
  protected makeRoom(length: number): boolean {
    if (this.queue !== null && !this.queue.empty) return false;
    if (this.core.loop.batch.room >= length) return true;
    return this.flush(true) && length <= this.core.loop.batch.room;
  }

  /** Writes bytes that nobody changes afterwards (heads, prefixes). */
  protected write(bytes: Uint8Array): void {
    if (this.makeRoom(bytes.byteLength)) this.core.loop.batch.copy(bytes);
    else this.enqueue().bytes(bytes, null);
  }

  protected writeOwned(bytes: Uint8Array, plan: ResponsePlan): void {
    if (this.makeRoom(bytes.byteLength)) {
      this.core.loop.batch.copy(bytes);
      plan.release?.();
    } else {
      this.enqueue().bytes(bytes, plan);
    }
  }

  protected writeSegments(
    segments: Extract<ResponsePlan["body"], { kind: "segments" }>["segments"],
    plan: ResponsePlan,
  ): void {
    const queue = this.enqueue();
    const last = segments.length - 1;
    if (last < 0) plan.release?.();
    for (let i = 0; i <= last; i++) {
      const segment = segments[i]!;
      const owner = i === last ? plan : null;
      if (segment instanceof Uint8Array) queue.bytes(segment, owner);
      else queue.file(segment.file, segment.offset, segment.length, owner);
    }
  }

  /** The queue, after what the batch holds. From here on the answer is written as the transport takes it. */
  protected enqueue(): OutQueue {
    this.queue ??= new OutQueue();
    this.output = OUTPUT.writing;
    return this.queue;
  }

  /** Sends the batch, then the queue. `false`: something is left, or the connection is gone. */
  protected flush(more: boolean): boolean {
    const { batch } = this.core.loop;
    const queue = this.queue;
    if (batch.count > 0) {
      const queued = queue !== null && !queue.empty;
      const length = batch.byteLength;
      const sent = this.transport.flush(batch, more || queued);
      const { observer } = this.core;
      observer?.sent(sent);
      if (sent === length) {
        batch.releaseAll();
        observer?.flushed();
      } else if (sent < 0 && sent !== -EAGAIN) {
        batch.releaseAll();
        this.transport.destroy();
        return false;
      } else {
        const awaiting = this.output === OUTPUT.awaiting;
        const behind = this.enqueue();
        // These are answers to earlier requests: the handler's comes behind them, and before any later one.
        if (awaiting) this.output = OUTPUT.awaiting;
        behind.prepend(batch, Math.max(sent, 0));
        this.armWrite(behind);
        observer?.heldBack(this);
        return false;
      }
    }
    if (queue === null || queue.empty || more) return queue === null || queue.empty;
    return this.drainQueue(queue);
  }

  protected drainQueue(queue: OutQueue): boolean {
    const before = queue.sentBytes;
    const result = queue.drain(this.transport, this.core.loop.batch);
    const { observer } = this.core;
    observer?.sent(queue.sentBytes - before);
    if (result === DRAINED) {
      if (this.output === OUTPUT.writing && (this.flags & STREAMING) === 0) {
        this.output = OUTPUT.idle;
        observer?.finished(this);
      } else if (this.output === OUTPUT.awaiting) {
        observer?.caughtUp(this);
      }
      return true;
    }
    if (result === BLOCKED) {
      this.armWrite(queue);
      return false;
    }
    this.transport.destroy();
    return false;
  }

  /** The client is behind: its progress is looked at a few times before the time is over. */
  protected armWrite(queue: OutQueue): void {
    if (queue.pace !== null) return;
    const { loop, options } = this.core;
    const { writeTimeoutMs, minSendBytesPerSecond } = options;
    queue.pace = new Pace(writeTimeoutMs, minSendBytesPerSecond, this.#takenBytes(queue), loop.nowMs);
    this.arm(writeTimeoutMs / WRITE_CHECKS);
  }

  #takenBytes(queue: OutQueue): number {
    const taken = this.transport.takenBytes?.() ?? -1;
    return taken < 0 ? queue.sentBytes : taken;
  }

  /** An answer waits for the client: is it slow, or too slow? */
  protected checkTaking(queue: OutQueue, pace: Pace): void {
    const { loop, options } = this.core;
    const left = pace.note(this.#takenBytes(queue), loop.nowMs);
    if (left <= 0) {
      publishLimit("writeTimeoutMs", "takes its answer too slowly: reset", this);
      this.transport.reset();
    } else this.arm(Math.min(left, options.writeTimeoutMs / WRITE_CHECKS));
  }
}
