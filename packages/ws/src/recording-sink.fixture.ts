import type { Sink } from "./sink.js";

/** A sink that keeps what it takes, and takes as much as it is told to. */
export class RecordingSink implements Sink {
  /** Bytes that it takes before it refuses; `Infinity` takes all. */
  room = Number.POSITIVE_INFINITY;
  readonly chunks: Buffer[] = [];
  closed = false;
  aborted = false;
  paused = false;

  write(chunk: Uint8Array): number {
    if (this.closed || this.aborted) throw new Error("a write after the end");
    const taken = Math.min(chunk.length, this.room);
    this.room -= taken;
    if (taken > 0) this.chunks.push(Buffer.from(chunk.subarray(0, taken)));
    return taken;
  }

  close(): void {
    this.closed = true;
  }

  abort(): void {
    this.aborted = true;
  }

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    this.paused = false;
  }

  get bytes(): Buffer {
    return Buffer.concat(this.chunks);
  }
}
