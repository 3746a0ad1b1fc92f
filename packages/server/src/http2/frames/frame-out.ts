import type { IoMemory } from "../../loop/io-memory.js";
import { SendBatch } from "../../loop/send-batch.js";
import { FRAME, FRAME_HEAD_BYTES } from "./frame.js";

/** Whose frames lie in the memory. */
export interface FrameSender {
  /** Sends them, or keeps them for later: the memory is free then. */
  flushFrames(): void;
}

/**
 * The memory in which frames are put together, one for all connections of a loop: a connection takes it, writes whole
 * frames, and sends them at the end of its turn. Who takes it while another's frames are there sends those first.
 *
 * ```
 *   start ─ HEADERS ─ DATA ─ HEADERS ─ DATA ─ at ───── free ───── limit
 * ```
 */
export class FrameOut {
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly limit: number;
  /** Where the next frame begins. */
  at: number;
  readonly batch: SendBatch;
  #owner: FrameSender | null = null;

  constructor(memory: IoMemory) {
    const { start, end } = memory.http2.out;
    this.bytes = memory.bytes;
    this.start = start;
    this.limit = end;
    this.at = start;
    this.batch = new SendBatch(memory, true);
  }

  take(sender: FrameSender): void {
    // What is sent may make somebody else write.
    while (this.#owner !== sender) {
      if (this.#owner !== null && this.at > this.start) {
        this.#owner.flushFrames();
        continue;
      }
      this.at = this.start;
      this.#owner = sender;
    }
  }

  /** The sender is gone, and its frames with it. */
  leave(sender: FrameSender): void {
    if (this.#owner !== sender) return;
    this.at = this.start;
    this.#owner = null;
  }

  get room(): number {
    return this.limit - this.at;
  }

  /** Writes the first nine bytes of a frame. */
  head(length: number, type: number, flags: number, stream: number): void {
    const { bytes, at } = this;
    bytes[at] = length >>> 16;
    bytes[at + 1] = length >>> 8;
    bytes[at + 2] = length;
    bytes[at + 3] = type;
    bytes[at + 4] = flags;
    this.#uint32(at + 5, stream);
    this.at = at + FRAME_HEAD_BYTES;
  }

  uint32(value: number): void {
    this.#uint32(this.at, value);
    this.at += 4;
  }

  /** Writes bytes that fit. */
  put(bytes: Uint8Array): void {
    const { at } = this;
    const { byteLength } = bytes;
    if (byteLength < 24) for (let i = 0; i < byteLength; i++) this.bytes[at + i] = bytes[i]!;
    else this.bytes.set(bytes, at);
    this.at = at + byteLength;
  }

  resetStream(stream: number, code: number): void {
    this.head(4, FRAME.resetStream, 0, stream);
    this.uint32(code);
  }

  windowUpdate(stream: number, increment: number): void {
    this.head(4, FRAME.windowUpdate, 0, stream);
    this.uint32(increment);
  }

  goAway(lastStream: number, code: number): void {
    this.head(8, FRAME.goAway, 0, 0);
    this.uint32(lastStream);
    this.uint32(code);
  }

  #uint32(at: number, value: number): void {
    const { bytes } = this;
    bytes[at] = value >>> 24;
    bytes[at + 1] = value >>> 16;
    bytes[at + 2] = value >>> 8;
    bytes[at + 3] = value;
  }
}
