import { constants, type ServerHttp2Stream } from "node:http2";
import { type FileSegment, parseErrorOf, type ResponsePlan } from "@tz/http1";
import { feedFromStream } from "../body/feed-from-stream.js";
import { type BodySource, RequestBody } from "../body/request-body.js";
import { ServerError } from "../errors.js";
import type { RequestClient } from "../handlers/request-client.js";
import { Pace } from "../limits/pace.js";
import { errorPlan } from "../response/error-plan.js";
import { framedPlan } from "../response/framed-plan.js";
import { sendSegments } from "../response/segment-sender.js";
import { type StreamSink, sendStream } from "../response/stream-sender.js";
import { abandonChunks, dropPlan } from "../response/unsent-plan.js";
import type { Http2Connection } from "./http2-connection.js";
import { requestText } from "./request-text.js";

const { NGHTTP2_NO_ERROR, NGHTTP2_INTERNAL_ERROR } = constants;

/**
 * One request of an HTTP/2 connection and its answer.
 *
 * ```
 *   HEADERS ──▶ requestText ──▶ the parser ──▶ route, mount or handler ──▶ plan ──▶ respond
 *                                                       DATA ──▶ body        ├─ bytes      end()
 *                                                                            ├─ one file   respondWithFD
 *                                                                            └─ others     write() at the client's pace
 * ```
 */
export class Http2Exchange implements RequestClient, BodySource, StreamSink {
  readonly #connection: Http2Connection;
  readonly #stream: ServerHttp2Stream;
  #body: RequestBody | null = null;
  #bodyPace: Pace | null = null;
  #onGone: (() => void) | undefined;
  #whenGone: (() => void) | undefined;
  #plan: ResponsePlan | undefined;
  /** The answer is the client's to take now. */
  sending = false;
  /** We ended the stream before its answer did. */
  #cut = false;
  #expectsContinue = false;
  #isHead = false;
  /** The client said at once that there is no body. */
  #ended = false;

  constructor(connection: Http2Connection, stream: ServerHttp2Stream) {
    this.#connection = connection;
    this.#stream = stream;
    stream.on("error", () => {});
    stream.on("close", () => this.#onClose());
  }

  /** Answers the request. @param ended it has no body */
  begin(rawHeaders: readonly string[], ended: boolean): void {
    const { core } = this.#connection;
    this.#ended = ended;
    this.#isHead = rawHeaders[rawHeaders.indexOf(":method") + 1] === "HEAD";
    const text = requestText(rawHeaders);
    if (typeof text === "number") {
      this.#send(errorPlan(text, false));
      return;
    }
    const { loop } = core;
    const { memory } = loop;
    if (text.length > memory.receiveBytes) {
      this.#send(errorPlan(431, false));
      return;
    }
    loop.refreshClock();
    const { head } = core;
    const start = memory.receiveStart;
    const used = head.parse(start, start + memory.buffer.write(text, start, "latin1"));
    if (used <= 0) {
      this.#send(errorPlan(used === 0 ? 400 : parseErrorOf(used).status, false));
      return;
    }
    if (!ended) this.#takeBody(head.contentLength, head.field("expect") !== undefined);
    let answer: ResponsePlan | Promise<ResponsePlan>;
    const event = core.follower?.began(head, this, true);
    try {
      answer =
        event === undefined
          ? core.answer(head, used, this.#body, this)
          : core.answerWithin(event, head, used, this.#body, this);
    } catch (error) {
      answer = core.failed(error, this);
    }
    if (!(answer instanceof Promise)) {
      this.#send(answer);
      return;
    }
    core.observer?.wait(this);
    this.#connection.working++;
    answer.then(
      (plan) => this.#settle(plan),
      (error: unknown) => this.#settle(core.failed(error, this)),
    );
  }

  #settle(plan: ResponsePlan): void {
    this.#connection.working--;
    this.#send(plan);
  }

  // ---------------------------------------------------------------- client

  get remoteAddress(): string {
    return this.#connection.remoteAddress;
  }

  get remotePort(): number {
    return this.#connection.remotePort;
  }

  get scheme(): "https" {
    return "https";
  }

  get peerCertificate(): Uint8Array | undefined {
    return this.#connection.peerCertificate;
  }

  onGone(listener: () => void): void {
    if (this.gone) listener();
    else this.#onGone = listener;
  }

  // ---------------------------------------------------------------- request body

  #takeBody(contentLength: number, expectsContinue: boolean): void {
    const { core } = this.#connection;
    const length = contentLength > 0 ? contentLength : Number.POSITIVE_INFINITY;
    this.#expectsContinue = expectsContinue;
    this.#body = new RequestBody(this, length, core.options.maxBodyBytes, expectsContinue);
    feedFromStream(this.#stream, this.#body);
  }

  onBodyWanted(): void {
    this.#stream.resume();
  }

  sendContinue(): void {
    if (!this.#expectsContinue || this.gone || this.#stream.headersSent) return;
    this.#stream.additionalHeaders({ ":status": 100 });
  }

  /** @returns `false` when the client sends its body too slowly: the reader has been told */
  checkBody(nowMs: number): void {
    const body = this.#body;
    if (body === null || body.complete || body.error !== null || !body.wanted) {
      this.#bodyPace = null;
      return;
    }
    const { bodyTimeoutMs, minBodyBytesPerSecond } = this.#connection.core.options;
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

  get gone(): boolean {
    return this.#stream.destroyed || this.#stream.closed;
  }

  whenGone(listener: () => void): void {
    if (this.gone) listener();
    else this.#whenGone = listener;
  }

  push(bytes: Uint8Array): boolean {
    return !this.#stream.write(bytes);
  }

  drained(): Promise<void> {
    const stream = this.#stream;
    if (this.gone || !stream.writableNeedDrain) return Promise.resolve();
    return new Promise((resolve) => {
      const done = (): void => {
        stream.off("drain", done).off("close", done);
        resolve();
      };
      stream.on("drain", done).on("close", done);
    });
  }

  /** Takes over the plan's reference. Never throws: what fails ends the stream. */
  #send(plan: ResponsePlan): void {
    if (this.gone) {
      dropPlan(plan);
      return;
    }
    plan = framedPlan(plan, this.#isHead);
    // Given back when the stream is closed: until then its bytes and files are Node's.
    this.#plan = plan;
    this.sending = true;
    try {
      this.#respond(plan);
    } catch (error) {
      this.#connection.core.reportError(error, this);
      this.cut();
    }
    this.#connection.core.observer?.answered(this, plan, this.#isHead, false);
    if (plan.close === true) this.#connection.drain();
  }

  #respond(plan: ResponsePlan): void {
    const stream = this.#stream;
    if (plan.upgrade !== undefined) {
      stream.respond({ ":status": 501 }, { endStream: true });
      return;
    }
    const { earlyHints, head, body } = plan;
    const answers = this.#connection.answers;
    if (earlyHints !== undefined) stream.additionalHeaders(answers.of(earlyHints));
    const fields = answers.of(head);
    const bodyless = this.#isHead || head.status === 204 || head.status === 304;
    if (!this.#ended && this.#body?.complete !== true) this.#leaveBody();
    if (bodyless || body.kind === "none") {
      if (body.kind === "stream") abandonChunks(body.chunks);
      stream.respond(fields, { endStream: true });
    } else if (body.kind === "bytes") {
      stream.respond(fields);
      stream.end(body.bytes);
    } else if (body.kind === "stream") {
      stream.respond(fields);
      this.#finish(sendStream(this, body.chunks, body.length, false));
    } else {
      const [only] = body.segments;
      if (body.segments.length === 1 && only !== undefined && !(only instanceof Uint8Array)) {
        this.#sendFile(fields, only);
        return;
      }
      stream.respond(fields);
      this.#finish(sendSegments(this, body.segments).then(() => true));
    }
  }

  #sendFile(
    fields: ReturnType<Http2Connection["answers"]["of"]>,
    { file, offset, length }: FileSegment,
  ): void {
    const stream = this.#stream;
    if (length === 0) {
      stream.respond(fields, { endStream: true });
      return;
    }
    // The last frame waits for our word: a file that changed meanwhile ends the stream as broken.
    const waitForTrailers = file.isUnchanged !== undefined;
    if (waitForTrailers) {
      stream.once("wantTrailers", () => {
        if (file.isUnchanged?.() === false) this.cut();
        else stream.sendTrailers({});
      });
    }
    stream.respondWithFD(file.fd, fields, { offset, length, waitForTrailers });
  }

  #finish(sent: Promise<boolean>): void {
    sent.then(
      (complete) => {
        if (complete) this.#stream.end();
        else this.cut();
      },
      (error: unknown) => {
        this.#connection.core.reportError(error, this);
        this.cut();
      },
    );
  }

  /** The answer is there before the body is: what is missing is not waited for (RFC 9113 §8.1). */
  #leaveBody(): void {
    const stream = this.#stream;
    const body = this.#body;
    stream.once("finish", () => {
      if (body?.complete === true || this.gone) return;
      this.#cut = true;
      stream.close(NGHTTP2_NO_ERROR);
    });
  }

  /** Ends the stream so that the client can tell that the answer is not whole. */
  cut(): void {
    this.#cut = true;
    if (!this.#stream.destroyed) this.#stream.close(NGHTTP2_INTERNAL_ERROR);
  }

  #onClose(): void {
    // Node ends the writable side of a stream that was reset, too: its code tells.
    const answered = this.sending && this.#stream.rstCode === NGHTTP2_NO_ERROR;
    this.sending = false;
    const { observer } = this.#connection.core;
    if (answered) observer?.finished(this);
    else observer?.aborted(this);
    if (!answered) this.#onGone?.();
    this.#whenGone?.();
    this.#onGone = undefined;
    this.#whenGone = undefined;
    if (this.#plan?.release !== undefined) this.#connection.releaseSoon(this.#plan);
    this.#plan = undefined;
    this.#connection.onExchangeEnd(this, answered || this.#cut);
  }
}
