import { ChunkedDecoder, parseErrorOf } from "@tz/http1";
import { ServerError } from "../errors.js";
import type { Pace } from "../limits/pace.js";
import { HeldChunks } from "./held-chunks.js";

/** Body bytes held for a handler that is slower than its client; beyond, reading stops. */
export const HELD_BYTES = 64 * 1024;

/** What a body needs of its connection. */
export interface BodySource {
  /** The reader took what was held: bytes may flow again. */
  onBodyWanted(): void;
  /** The handler asks for the first byte of a body that waits behind `Expect: 100-continue`. */
  sendContinue(): void;
}

const MODE = { hold: 0, collect: 1, discard: 2 } as const;

/**
 * The body of one request: fed by the connection, read by a handler, or discarded.
 *
 * ```
 *   feed() ──▶ chunks held (≤ 64 KiB, then the connection stops reading) ──▶ for await / bytes()
 * ```
 */
export class RequestBody implements AsyncIterable<Uint8Array> {
  readonly #source: BodySource;
  readonly #decoder: ChunkedDecoder | null;
  readonly #contentLength: number;
  #maxBytes: number;
  #remaining: number;
  #mode: number = MODE.hold;
  readonly #held = new HeldChunks();
  #receivedBytes = 0;
  #used = false;
  #expectsContinue: boolean;
  #wake: (() => void) | null = null;
  /** How fast the client sends it; made when the body does not come in one piece. */
  pace: Pace | null = null;
  /** Every byte has arrived. */
  complete = false;
  /** Why it never will. */
  error: ServerError | null = null;

  /** @param contentLength bytes that follow; -1 when the body is chunked, Infinity when {@link end} will tell */
  constructor(source: BodySource, contentLength: number, maxBytes: number, expectsContinue: boolean) {
    this.#source = source;
    this.#decoder = contentLength < 0 ? new ChunkedDecoder() : null;
    this.#remaining = contentLength;
    this.#maxBytes = maxBytes;
    this.#expectsContinue = expectsContinue;
    this.#contentLength = contentLength;
    if (contentLength === 0) this.complete = true;
  }

  /** A larger body than this fails its reader. */
  get maxBytes(): number {
    return this.#maxBytes;
  }

  /** Sets {@link maxBytes}; it counts from the moment when the body is read. */
  limit(maxBytes: number): void {
    this.#maxBytes = maxBytes;
  }

  /** Bytes that will still come, when that is known; -1 for chunked bodies. */
  get remainingBytes(): number {
    return this.#remaining;
  }

  /** The client waits for `100 Continue`, and nobody has asked for the body. */
  get awaitsContinue(): boolean {
    return this.#expectsContinue;
  }

  /** A reader waits for bytes. */
  get wanted(): boolean {
    return this.#wake !== null || this.#mode === MODE.discard;
  }

  /** Bytes of a body that is collected whole and is not whole yet: its reader never makes room. */
  get collectedBytes(): number {
    const grows = this.#mode === MODE.collect && !this.complete && this.error === null;
    return grows ? this.#held.byteLength : 0;
  }

  /** How many body bytes have come so far. */
  get receivedBytes(): number {
    return this.#receivedBytes;
  }

  /**
   * Takes body bytes from `bytes[start, end)`; copies what is kept.
   * @returns where it stopped: at the end of the body, at `end`, or earlier when the reader is behind
   */
  feed(bytes: Uint8Array, start: number, end: number): number {
    let position = start;
    while (position < end && !this.complete && this.error === null) {
      if (this.#mode === MODE.hold && this.#held.byteLength >= HELD_BYTES) return position;
      position =
        this.#decoder === null
          ? this.#feedCounted(bytes, position, end)
          : this.#feedChunked(bytes, position, end, this.#decoder);
    }
    if (this.complete || this.#held.byteLength > 0) this.#notify();
    return position;
  }

  /** Nobody reads this body: what comes is counted and dropped. */
  discard(): void {
    this.#mode = MODE.discard;
    this.#held.clear();
  }

  /** Nothing more will come of a body whose length was not known. */
  end(): void {
    if (this.error !== null) return;
    this.complete = true;
    this.#notify();
  }

  fail(error: ServerError): void {
    if (this.complete || this.error !== null) return;
    this.error = error;
    this.#notify();
  }

  /**
   * The whole body.
   * @throws ServerError `TZ_SERVER_BODY_TOO_LARGE`, `TZ_SERVER_BODY_ABORTED`, `TZ_SERVER_BODY_INVALID`,
   *   `TZ_SERVER_BODY_TIMEOUT`, `TZ_SERVER_BODY_USED`
   */
  async bytes(): Promise<Uint8Array> {
    this.#begin();
    this.#mode = MODE.collect;
    while (!this.complete && this.error === null) await this.#more();
    if (this.error !== null) throw this.error;
    return this.#held.takeAll();
  }

  /**
   * The whole body when it has arrived already, as small bodies do together with their head; `undefined` when it must be
   * awaited. Throws as {@link bytes}.
   */
  bytesNow(): Uint8Array | undefined {
    if (!this.complete) return undefined;
    this.#begin();
    return this.#held.takeAll();
  }

  /** The body as UTF-8 text; ill-formed sequences become U+FFFD. Throws as {@link bytes}. */
  async text(): Promise<string> {
    return Buffer.from(await this.bytes()).toString("utf8");
  }

  /** Pieces as they come; a slow reader makes the client wait. Throws as {@link bytes}. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, void> {
    this.#begin();
    for (;;) {
      const chunk = this.#held.shift();
      if (chunk !== undefined) {
        yield chunk;
        continue;
      }
      if (this.complete) return;
      if (this.error !== null) throw this.error;
      await this.#more();
    }
  }

  #begin(): void {
    if (this.#used) throw new ServerError("TZ_SERVER_BODY_USED", "the request body was read already");
    this.#used = true;
    const announced = this.#contentLength < Number.POSITIVE_INFINITY ? this.#contentLength : 0;
    if (announced > this.#maxBytes || this.#receivedBytes > this.#maxBytes) {
      this.fail(tooLarge(this.#maxBytes));
      // Complete already, but more than the route takes.
      if (this.error === null) throw tooLarge(this.#maxBytes);
    }
    if (this.error?.code === "TZ_SERVER_BODY_TOO_LARGE") throw this.error;
    if (this.#expectsContinue) {
      this.#expectsContinue = false;
      if (this.error === null && this.#receivedBytes === 0) this.#source.sendContinue();
    }
  }

  #more(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
      this.#source.onBodyWanted();
    });
  }

  #notify(): void {
    const wake = this.#wake;
    this.#wake = null;
    wake?.();
  }

  #feedCounted(bytes: Uint8Array, start: number, end: number): number {
    const stop = Math.min(end, start + this.#remaining);
    this.#remaining -= stop - start;
    this.#take(bytes, start, stop);
    if (this.#remaining === 0 && this.error === null) this.complete = true;
    return stop;
  }

  #feedChunked(bytes: Uint8Array, start: number, end: number, decoder: ChunkedDecoder): number {
    const next = decoder.step(bytes, start, end);
    if (next < 0) {
      const { message, section } = parseErrorOf(next);
      this.fail(new ServerError("TZ_SERVER_BODY_INVALID", `chunked body: ${message} (${section})`));
      return end;
    }
    if (decoder.dataEnd > decoder.dataStart) this.#take(bytes, decoder.dataStart, decoder.dataEnd);
    if (decoder.done) this.complete = true;
    return next;
  }

  #take(bytes: Uint8Array, start: number, end: number): void {
    this.#receivedBytes += end - start;
    if (this.#used && this.#receivedBytes > this.#maxBytes && this.#mode !== MODE.discard) {
      this.fail(tooLarge(this.#maxBytes));
      return;
    }
    if (this.#mode === MODE.discard || end === start) return;
    this.#held.keep(bytes, start, end);
  }
}

function tooLarge(maxBytes: number): ServerError {
  return new ServerError(
    "TZ_SERVER_BODY_TOO_LARGE",
    `the request body is larger than maxBodyBytes = ${maxBytes}`,
  );
}
