import type { Tunnel } from "@tz/http1";

/** What waits in this process for receivers that do not read, of all connections. */
let heldBytes = 0;

/** Bytes that wait in this process for receivers that do not read, of all connections of the thread. */
export function heldBytesOfAll(): number {
  return heldBytes;
}

/**
 * Bytes on their way from one connection to another. What the second does not take at once waits here, and the first is
 * not read until it has gone: never more than one read and a few control frames.
 */
export class ByteWay {
  readonly #from: Pick<Tunnel, "pause" | "resume">;
  readonly #to: Tunnel;
  #waiting: Buffer[] = [];
  #waitingBytes = 0;
  #shutdownWanted = false;
  #shut = false;
  passedBytes = 0;

  constructor(from: Pick<Tunnel, "pause" | "resume">, to: Tunnel) {
    this.#from = from;
    this.#to = to;
  }

  get waitingBytes(): number {
    return this.#waitingBytes;
  }

  /** All went, and the end of the stream behind it. */
  get done(): boolean {
    return this.#shut;
  }

  pass(bytes: Uint8Array, start: number, end: number): void {
    if (this.#shutdownWanted) return;
    this.passedBytes += end - start;
    const taken = this.#waiting.length > 0 ? 0 : this.#to.write(bytes, start, end);
    if (start + taken === end) return;
    if (this.#waiting.length === 0) this.#from.pause();
    this.#waiting.push(Buffer.from(bytes.subarray(start + taken, end)));
    this.#wait(end - start - taken);
  }

  #wait(bytes: number): void {
    this.#waitingBytes += bytes;
    heldBytes += bytes;
  }

  /** Nothing more goes: what waits is dropped. */
  release(): void {
    this.#waiting = [];
    this.#wait(-this.#waitingBytes);
    this.#shutdownWanted = true;
  }

  /** The second connection takes bytes again. */
  writable(): void {
    while (this.#waiting.length > 0) {
      const piece = this.#waiting[0]!;
      const taken = this.#to.write(piece, 0, piece.length);
      this.#wait(-taken);
      if (taken < piece.length) {
        this.#waiting[0] = piece.subarray(taken);
        return;
      }
      this.#waiting.shift();
      if (this.#waiting.length === 0) this.#from.resume();
    }
    if (this.#shutdownWanted) this.#shutdown();
  }

  /** The end of the stream, behind what waits. */
  shutdown(): void {
    if (this.#shutdownWanted) return;
    this.#shutdownWanted = true;
    if (this.#waiting.length === 0) this.#shutdown();
  }

  #shutdown(): void {
    if (this.#shut) return;
    this.#shut = true;
    this.#to.shutdown();
  }
}
