import type { Transport } from "../../loop/loop.js";
import type { FrameOut } from "../frames/frame-out.js";

const EAGAIN = 11;

/** Frames that the transport did not take yet, in order. */
export class HeldFrames {
  readonly #chunks: Uint8Array[] = [];
  /** Bytes of the first chunk that have left. */
  #offset = 0;
  byteLength = 0;

  keep(bytes: Uint8Array, start: number, end: number): void {
    if (end === start) return;
    this.#chunks.push(bytes.slice(start, end));
    this.byteLength += end - start;
  }

  /**
   * Sends what fits, through the memory of `out`, which must be free.
   * @returns bytes that were sent, or a negative errno; -EAGAIN is no error here
   */
  drain(transport: Transport, out: FrameOut): number {
    let sent = 0;
    while (this.byteLength > 0) {
      let at = out.start;
      let offset = this.#offset;
      for (const chunk of this.#chunks) {
        const length = Math.min(chunk.byteLength - offset, out.limit - at);
        out.bytes.set(chunk.subarray(offset, offset + length), at);
        at += length;
        offset = 0;
        if (at === out.limit) break;
      }
      out.batch.name(out.start, at - out.start);
      const taken = transport.flush(out.batch, false);
      out.batch.clear();
      if (taken < 0) return taken === -EAGAIN ? sent : taken;
      this.#drop(taken);
      sent += taken;
      if (taken < at - out.start) break;
    }
    return sent;
  }

  #drop(length: number): void {
    this.byteLength -= length;
    let left = length + this.#offset;
    while (this.#chunks.length > 0 && left >= this.#chunks[0]!.byteLength) {
      left -= this.#chunks.shift()!.byteLength;
    }
    this.#offset = left;
  }

  clear(): void {
    this.#chunks.length = 0;
    this.#offset = 0;
    this.byteLength = 0;
  }
}
