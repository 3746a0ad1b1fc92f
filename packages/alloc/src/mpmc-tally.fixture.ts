import { MpmcQueue } from "./mpmc-queue.js";
import { MESSAGE_WORDS } from "./stamped-message.fixture.js";

/** Writers that there may be in a run, and messages of each. */
export const WRITERS_MAX = 32;
export const MESSAGES_MAX = 100_000;
export const QUEUE_LAYOUT = { recordBytes: MESSAGE_WORDS * 4, capacity: 64 };

/**
 * A queue, and beside it what happened: for each writer how many pushes it completed, for each message how often it
 * was taken.
 */
export class Tally {
  static readonly byteLength: number =
    MpmcQueue.bytesFor(QUEUE_LAYOUT) + WRITERS_MAX * 4 + WRITERS_MAX * MESSAGES_MAX;
  readonly queueMemory: Uint8Array;
  readonly pushed: Int32Array;
  readonly taken: Uint8Array;

  constructor(bytes: Uint8Array) {
    const queueBytes = MpmcQueue.bytesFor(QUEUE_LAYOUT);
    this.queueMemory = bytes.subarray(0, queueBytes);
    this.pushed = new Int32Array(bytes.buffer, bytes.byteOffset + queueBytes, WRITERS_MAX);
    this.taken = bytes.subarray(queueBytes + WRITERS_MAX * 4, Tally.byteLength);
  }

  take(writer: number, number: number): void {
    Atomics.add(this.taken, writer * MESSAGES_MAX + number, 1);
  }

  /** How often a message was taken. */
  takenTimes(writer: number, number: number): number {
    return this.taken[writer * MESSAGES_MAX + number]!;
  }
}
