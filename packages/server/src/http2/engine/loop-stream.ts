import type { FileSegment, ResponsePlan } from "@tz/http1";
import { type BodySource, RequestBody } from "../../body/request-body.js";
import { ServerError } from "../../errors.js";
import type { RequestClient } from "../../handlers/request-client.js";
import { Pace } from "../../limits/pace.js";
import { publishLimit } from "../../observe/connection-channels.js";
import { type StreamSink, sendStream } from "../../response/stream-sender.js";
import { CODE, DEFAULT_WINDOW } from "../frames/frame.js";
import type { LoopConnection } from "./loop-connection.js";

/**
 * One request of an HTTP/2 connection on the fast loop, and its answer.
 *
 * ```
 *   HEADERS ──▶ RequestFields ──▶ the parser ──▶ route, mount or handler ──▶ plan ──▶ HEADERS
 *                                          DATA ──▶ body                       └─▶ parts ──▶ DATA
 * ```
 *
 * What of an answer does not leave at once waits in `parts`: bytes, pieces of files, chunks of a stream.
 */
export class LoopStream implements RequestClient, BodySource, StreamSink {
  readonly connection: LoopConnection;
  readonly id: number;
  /** What the client takes still (§5.2). May be negative. */
  window: number;
  isHead = false;
  /** The client has said all: END_STREAM came. */
  remoteEnded: boolean;
  gone = false;
  /** The answer that waits or is under way. */
  plan: ResponsePlan | null = null;
  headSent = false;
  parts: (Uint8Array | FileSegment)[] | null = null;
  /** The part that is being sent, and how much of it has been. */
  part = 0;
  offset = 0;
  /** A stream brings further parts. */
  more = false;
  /** Waits for its turn to send. */
  queued = false;
  body: RequestBody | null = null;
  /** Body bytes that must come; -1 when nobody said. */
  expectedBytes = -1;
  receivedBytes = 0;
  /** What the client may send still: DATA counts as soon as its frame begins. */
  receiveWindow = DEFAULT_WINDOW;
  /** Bytes that came and were not allowed again. Never those of a frame that are still on their way. */
  uncredited = 0;
  /** Of them, those that the body's reader has not asked for more than. */
  unread = 0;
  /** Bytes of DATA, while the answer leaves in pieces. */
  sentBytes = 0;
  #bodyPace: Pace | null = null;
  #sendPace: Pace | null = null;
  #expectsContinue = false;
  #onGone: (() => void) | undefined;
  #whenGone: (() => void) | undefined;
  #whenDrained: (() => void) | undefined;

  constructor(connection: LoopConnection, id: number, remoteEnded: boolean, window: number) {
    this.connection = connection;
    this.id = id;
    this.remoteEnded = remoteEnded;
    this.window = window;
  }

  // ---------------------------------------------------------------- client

  get remoteAddress(): string {
    return this.connection.remoteAddress;
  }

  get remotePort(): number {
    return this.connection.remotePort;
  }

  get scheme(): "https" {
    return "https";
  }

  get peerCertificate(): Uint8Array | undefined {
    return this.connection.peerCertificate;
  }

  onGone(listener: () => void): void {
    if (this.gone) listener();
    else this.#onGone = listener;
  }

  // ---------------------------------------------------------------- request body

  /** @param contentLength -1 when nobody said */
  takeBody(contentLength: number, expectsContinue: boolean): void {
    this.expectedBytes = contentLength;
    if (contentLength === 0) return;
    const { maxBodyBytes } = this.connection.core.options;
    const length = contentLength > 0 ? contentLength : Number.POSITIVE_INFINITY;
    this.#expectsContinue = expectsContinue;
    this.body = new RequestBody(this, length, maxBodyBytes, expectsContinue);
  }

  /** Bytes of DATA. @returns 0, or the code that the stream ends with: they are more than was promised */
  feed(bytes: Uint8Array, start: number, end: number): number {
    this.receivedBytes += end - start;
    if (this.expectedBytes >= 0 && this.receivedBytes > this.expectedBytes) return CODE.protocolError;
    const { body } = this;
    if (body === null || body.error !== null) return 0;
    // Never more than the body holds for its reader: the window is smaller. A body with a hole must not look whole.
    return body.feed(bytes, start, end) === end || body.error !== null ? 0 : this.#lost(body);
  }

  /** END_STREAM. @returns 0, or the code that the stream ends with: bytes are missing */
  endBody(): number {
    this.remoteEnded = true;
    if (this.expectedBytes >= 0 && this.receivedBytes !== this.expectedBytes) return CODE.protocolError;
    const { body } = this;
    if (body === null || body.error !== null) return 0;
    if (body.receivedBytes !== this.receivedBytes) return this.#lost(body);
    if (!body.complete) body.end();
    return 0;
  }

  /** Bytes of the body were not kept: a mistake of ours. */
  #lost(body: RequestBody): number {
    const message = `${this.receivedBytes} bytes of a request body came, ${body.receivedBytes} were taken`;
    const error = new ServerError("TZ_SERVER_BODY_ABORTED", message);
    body.fail(error);
    this.connection.core.reportError(error, this);
    return CODE.internalError;
  }

  onBodyWanted(): void {
    if (!this.gone && this.unread > 0) this.connection.credit(this);
  }

  sendContinue(): void {
    if (!this.#expectsContinue || this.gone || this.plan !== null) return;
    this.connection.sendContinue(this);
  }

  /** Bytes of a body that is being collected whole. */
  get collectedBytes(): number {
    return this.body === null ? 0 : this.body.collectedBytes;
  }

  /**
   * A body that does not come, or too slowly: its reader is told.
   * @param isBraked the client may not send: it is not slow
   */
  checkBody(nowMs: number, isBraked: boolean): void {
    const { body } = this;
    if (isBraked || body === null || body.complete || body.error !== null || !body.wanted) {
      this.#bodyPace = null;
      return;
    }
    const { bodyTimeoutMs, minBodyBytesPerSecond } = this.connection.core.options;
    this.#bodyPace ??= new Pace(bodyTimeoutMs, minBodyBytesPerSecond, body.receivedBytes, nowMs);
    if (this.#bodyPace.note(body.receivedBytes, nowMs) > 0) return;
    body.fail(
      new ServerError(
        "TZ_SERVER_BODY_TIMEOUT",
        `the request body stopped for bodyTimeoutMs = ${bodyTimeoutMs}, or comes slower than minBodyBytesPerSecond = ${minBodyBytesPerSecond}`,
      ),
    );
  }

  // ---------------------------------------------------------------- answer

  /** What waits to be sent. */
  get pending(): boolean {
    return this.plan !== null && (!this.headSent || this.currentPart !== undefined || !this.more);
  }

  /**
   * An answer that its client does not open the window for is given up; the others go on.
   * @param isHeld it waits for the transport, whatever its window is
   */
  checkSending(nowMs: number, isHeld: boolean): void {
    if (!this.pending) {
      this.#sendPace = null;
      return;
    }
    const { writeTimeoutMs, minSendBytesPerSecond } = this.connection.core.options;
    this.#sendPace ??= new Pace(writeTimeoutMs, minSendBytesPerSecond, this.sentBytes, nowMs);
    const waits = !isHeld && this.headSent && this.window <= 0;
    if (this.#sendPace.note(this.sentBytes, nowMs, waits) > 0) return;
    publishLimit("writeTimeoutMs", "the client does not take an answer: its stream was reset", this);
    this.connection.reset(this, CODE.cancel);
  }

  /** The part to go on with; empty ones are passed over. */
  get currentPart(): Uint8Array | FileSegment | undefined {
    const { parts } = this;
    if (parts === null) return undefined;
    while (this.part < parts.length) {
      const part = parts[this.part]!;
      if (lengthOf(part) > this.offset) return part;
      this.part++;
      this.offset = 0;
    }
    if (parts.length > 0) {
      parts.length = 0;
      this.part = 0;
    }
    return undefined;
  }

  /** `length` bytes of the current part were sent. @returns whether they were the answer's last */
  advance(length: number): boolean {
    this.offset += length;
    return !this.more && this.currentPart === undefined;
  }

  /** Sends the chunks of a stream as they come. */
  pump(chunks: AsyncIterable<Uint8Array>, length: number | undefined): void {
    this.more = true;
    this.parts = [];
    sendStream(this, chunks, length, false).then(
      (complete) => this.#end(complete),
      (error: unknown) => {
        this.connection.core.reportError(error, this);
        this.#end(false);
      },
    );
  }

  #end(complete: boolean): void {
    if (this.gone) return;
    if (!complete) {
      this.cut();
      return;
    }
    this.more = false;
    this.connection.kick(this);
  }

  push(bytes: Uint8Array): boolean {
    if (this.gone) return false;
    this.parts!.push(bytes);
    this.connection.kick(this);
    return this.currentPart !== undefined;
  }

  drained(): Promise<void> {
    if (this.gone || this.currentPart === undefined) return Promise.resolve();
    return new Promise((resolve) => {
      this.#whenDrained = resolve;
    });
  }

  whenGone(listener: () => void): void {
    if (this.gone) listener();
    else this.#whenGone = listener;
  }

  /** Everything that was pushed has been taken. */
  wakeSource(): void {
    if (this.currentPart !== undefined) return;
    const wake = this.#whenDrained;
    this.#whenDrained = undefined;
    wake?.();
  }

  /** Ends the stream so that the client can tell that the answer is not whole. */
  cut(): void {
    if (!this.gone) this.connection.reset(this, CODE.internalError);
  }

  /** The stream is over. @param answered the whole answer was sent */
  close(answered: boolean): void {
    if (this.gone) return;
    this.gone = true;
    const { observer } = this.connection.core;
    const { plan } = this;
    this.plan = null;
    this.parts = null;
    if (answered) observer?.finished(this);
    else observer?.aborted(this);
    this.#endBody();
    const onGone = answered ? undefined : this.#onGone;
    const whenGone = this.#whenGone;
    const whenDrained = this.#whenDrained;
    this.#onGone = undefined;
    this.#whenGone = undefined;
    this.#whenDrained = undefined;
    if (onGone !== undefined) this.#tell(onGone);
    if (whenGone !== undefined) this.#tell(whenGone);
    if (whenDrained !== undefined) this.#tell(whenDrained);
    if (plan?.release === undefined) return;
    try {
      plan.release();
    } catch (error) {
      this.connection.core.reportError(error, this);
    }
  }

  /** What others want to hear of the end must not keep the connection from it. */
  #tell(listener: () => void): void {
    try {
      listener();
    } catch (error) {
      this.connection.core.reportError(error, this);
    }
  }

  #endBody(): void {
    const { body } = this;
    if (body === null || body.complete || body.error !== null) return;
    const why = "the stream was closed before the end of the request body";
    body.fail(new ServerError("TZ_SERVER_BODY_ABORTED", why));
  }
}

export function lengthOf(part: Uint8Array | FileSegment): number {
  return part instanceof Uint8Array ? part.byteLength : part.length;
}
