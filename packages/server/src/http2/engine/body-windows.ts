import { DEFAULT_WINDOW } from "../frames/frame.js";
import type { FrameCarrier } from "./frame-carrier.js";
import type { LoopStream } from "./loop-stream.js";

/** What a reader has taken is told to the client in steps of this: a quarter of the window. */
const CREDIT_BYTES = 16_384;
/** A WINDOW_UPDATE frame. */
const WINDOW_UPDATE_BYTES = 13;

/**
 * What the client may send of its bodies (RFC 9113 §5.2): the connection's window, the credit of its streams, and how
 * much lies here unread. `DATA` takes from the windows as soon as its frame begins.
 */
export class BodyWindows {
  readonly #carrier: FrameCarrier;
  readonly #streams: ReadonlyMap<number, LoopStream>;
  readonly #maxUnreadBytes: number;
  #window = DEFAULT_WINDOW;
  #credit = 0;
  /** Bytes of bodies that nobody has read yet. */
  #unread = 0;
  /** Bodies whose clients get no more window until others are whole. */
  readonly #collecting = new Set<LoopStream>();

  /** @param maxUnreadBytes more than this of unread or collected bodies are not asked for */
  constructor(carrier: FrameCarrier, streams: ReadonlyMap<number, LoopStream>, maxUnreadBytes: number) {
    this.#carrier = carrier;
    this.#streams = streams;
    this.#maxUnreadBytes = maxUnreadBytes;
  }

  /** A frame of DATA begins. @returns `false` when the client was not allowed so much */
  begin(length: number): boolean {
    this.#window -= length;
    return this.#window >= 0;
  }

  /** A frame of DATA has been read. */
  end(length: number): void {
    this.#credit += length;
  }

  /** Bytes of a stream's window lie here now. Before they do, the client must not be given them back. */
  count(stream: LoopStream, length: number): void {
    stream.uncredited += length;
    stream.unread += length;
    this.#unread += length;
  }

  /** The body waits for memory here: its client is not slow. */
  isBraked(stream: LoopStream): boolean {
    return this.#collecting.has(stream);
  }

  /** What lay here of a stream has been read. */
  read(stream: LoopStream): void {
    this.#unread -= stream.unread;
    stream.unread = 0;
  }

  /** The stream is gone. */
  forget(stream: LoopStream): void {
    this.#collecting.delete(stream);
  }

  /** The connection's window is no brake, unless too much lies here unread. */
  creditConnection(): void {
    if (this.#credit < DEFAULT_WINDOW / 2 || this.#carrier.isOver) return;
    if (this.#unread > this.#maxUnreadBytes) return;
    const credit = this.#credit;
    this.#credit = 0;
    this.#window += credit;
    this.#carrier.room(WINDOW_UPDATE_BYTES);
    this.#carrier.out.windowUpdate(0, credit);
  }

  creditStream(stream: LoopStream): void {
    const credit = stream.uncredited;
    if (credit < CREDIT_BYTES || stream.remoteEnded) return;
    if (stream.collectedBytes > 0 && !this.#mayCollect(stream)) {
      this.#collecting.add(stream);
      return;
    }
    this.#collecting.delete(stream);
    stream.uncredited = 0;
    stream.receiveWindow += credit;
    this.#carrier.room(WINDOW_UPDATE_BYTES);
    this.#carrier.out.windowUpdate(stream.id, credit);
  }

  /**
   * Bodies that are collected whole go on together as long as memory lasts; then the oldest of them alone, until it is
   * there and its place is free. So each comes to its end, one after the other.
   */
  #mayCollect(stream: LoopStream): boolean {
    let collected = 0;
    for (const other of this.#streams.values()) {
      if (collected === 0 && other === stream) return true;
      collected += other.collectedBytes;
    }
    return collected <= this.#maxUnreadBytes;
  }

  /** A body is there, or gone: those that waited for its place may go on. */
  creditCollecting(): void {
    if (this.#collecting.size === 0 || this.#carrier.isOver) return;
    for (const stream of [...this.#collecting]) {
      if (stream.gone) this.#collecting.delete(stream);
      else this.creditStream(stream);
    }
  }
}
