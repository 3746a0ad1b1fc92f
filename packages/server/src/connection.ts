import {
  encodeInterim,
  type PackedLead,
  parseErrorOf,
  type RequestHead,
  type ResponseHead,
  type ResponsePlan,
} from "@tz/http1";
import { type BodySource, HELD_BYTES, RequestBody } from "./body/request-body.js";
import { ConnectionOutput } from "./connection-output.js";
import {
  CLOSING,
  DEFERRED,
  HAS_BODY,
  HEAD_BEGUN,
  IS_HEAD,
  KEEP_ALIVE,
  LINE_DONE,
  LINGERING,
  OUTPUT,
  PAUSED,
  PEER_ENDED,
  SECURE_LINES,
  STREAMING,
} from "./connection-state.js";
import { append, beginsLine, beginsWithHead, breaksLine, endsLine } from "./cut-head.js";
import { ServerError } from "./errors.js";
import { Pace } from "./limits/pace.js";
import type { DeferredSender } from "./loop/deferred-sends.js";
import type { Transport, TransportHandler } from "./loop/loop.js";
import { publishConnection, publishLimit } from "./observe/connection-channels.js";
import { errorPlan } from "./response/error-plan.js";
import { framedPlan } from "./response/framed-plan.js";
import { PERSIST, type StatusPrefixes } from "./response/status-prefix.js";
import { type StreamSink, sendStream } from "./response/stream-sender.js";
import { abandonChunks, dropPlan } from "./response/unsent-plan.js";
import type { ServerCore } from "./server-core.js";
import { Upgraded } from "./upgraded.js";

const CONTINUE = Buffer.from("HTTP/1.1 100 Continue\r\n\r\n", "latin1");
const CHUNKED_LINE = Buffer.from("Transfer-Encoding: chunked\r\n", "latin1");
/** A closing connection reads on for this much at the most. */
const MAX_LINGER_BYTES = 1024 * 1024;
const NO_BYTES = new Uint8Array(0);

/**
 * One client's HTTP/1.1 conversation. Bytes come in through {@link onData}, plans go out through the loop's batch.
 *
 * ```
 *            ┌──────────── next request (keep-alive, pipelined) ───────────┐
 *            ▼                                                              │
 *   head ──▶ plan ──▶ idle: answered within the call, batched ──────────────┤
 *    │        ├─────▶ awaiting: a handler's promise ──▶ respond ────────────┤
 *    │        └─────▶ writing: queue drains on onWritable, stream pumps ────┤
 *    │  error                                                               │ close
 *    └───────▶ 4xx/5xx, closing ────────────────────────────────────▶ shutdown, linger, destroy
 * ```
 *
 * Requests are answered in order and one at a time; a batch coalesces the answers that are ready at once. While an
 * answer is under way the transport is paused as soon as more bytes come, so memory per connection is bounded by
 * one receive buffer, one batch and one plan.
 */
export class Connection
  extends ConnectionOutput
  implements TransportHandler, BodySource, StreamSink, DeferredSender
{
  /** Bytes received and not yet consumed; they move in front of the next ones. */
  #pending: Uint8Array | null = null;
  #body: RequestBody | null = null;
  #drainWaiter: (() => void) | null = null;
  /** The protocol that takes over when the 101 has left. */
  #upgrade: ResponsePlan["upgrade"] | null = null;
  #requests = 0;
  #lingered = 0;
  #minorVersion = 1;
  gone = false;

  constructor(transport: Transport, core: ServerCore) {
    super(transport, core, KEEP_ALIVE);
    if (core.securePrefixes !== undefined && transport.secure === true) this.flags |= SECURE_LINES;
    this.arm(core.options.headTimeoutMs);
  }

  /** Nothing is under way: no request begun, no answer unfinished. */
  get idle(): boolean {
    return (
      this.output === OUTPUT.idle &&
      this.#pending === null &&
      this.#body === null &&
      (this.flags & (LINGERING | DEFERRED)) === 0
    );
  }

  /** What it does, for statistics. */
  get state(): "idle" | "reading" | "handling" | "writing" | "closing" {
    if ((this.flags & LINGERING) !== 0) return "closing";
    if (this.output === OUTPUT.awaiting) return "handling";
    if (this.output === OUTPUT.writing) return "writing";
    return this.idle ? "idle" : "reading";
  }

  // ---------------------------------------------------------------- client

  get remoteAddress(): string {
    return this.core.announced.get(this.transport)?.remoteAddress ?? this.transport.remoteAddress;
  }

  get remotePort(): number {
    return this.core.announced.get(this.transport)?.remotePort ?? this.transport.remotePort;
  }

  get scheme(): "http" | "https" {
    return this.transport.secure === true ? "https" : "http";
  }

  get peerCertificate(): Uint8Array | undefined {
    return this.transport.peerCertificate;
  }

  onGone(listener: () => void): void {
    if (this.gone || (this.flags & PEER_ENDED) !== 0) listener();
    else this.core.goneListeners.set(this, listener);
  }

  #tellGone(): void {
    const { goneListeners } = this.core;
    if (goneListeners.size === 0) return;
    const listener = goneListeners.get(this);
    goneListeners.delete(this);
    // After an answer the connection's end concerns no request.
    if (listener !== undefined && this.output !== OUTPUT.idle) listener();
  }

  // ---------------------------------------------------------------- input

  onData(start: number, end: number): void {
    this.core.observer?.received(end - start);
    if ((this.flags & (LINGERING | DEFERRED)) !== 0) {
      if ((this.flags & DEFERRED) !== 0) this.core.loop.deferred?.flush();
      if (this.gone) return;
      if ((this.flags & LINGERING) !== 0) {
        this.#lingered += end - start;
        if (this.#lingered > MAX_LINGER_BYTES) this.transport.destroy();
        return;
      }
    }
    const { memory } = this.core.loop;
    const pending = this.#pending;
    let seen = 0;
    if (pending !== null) {
      const begun = (this.flags & HEAD_BEGUN) !== 0;
      // A cut head is looked at again when a line of it has ended or cannot end well, or when it is too long: byte by
      // byte it costs no more than at once.
      if (begun && this.#headGoesOn(pending.byteLength + end - start, memory.bytes, start, end)) {
        this.#pending = append(pending, memory.bytes, start, end);
        return;
      }
      if (begun) seen = pending.byteLength;
      // Cannot be: the parser refuses a head before it grows so large. But what lies in front is other people's.
      if (pending.byteLength > memory.headroomBytes)
        throw new RangeError(`${pending.byteLength} bytes pending`);
      start -= pending.byteLength;
      memory.bytes.set(pending, start);
      this.#pending = null;
    }
    this.#consume(memory.bytes, start, end, seen);
  }

  /** The head that has begun cannot have ended, nor broken a limit, with the bytes `[start, end)` that came. */
  #headGoesOn(length: number, bytes: Uint8Array, start: number, end: number): boolean {
    const { maxRequestLineBytes, maxHeadBytes } = this.core.options;
    const limit = (this.flags & LINE_DONE) !== 0 ? maxHeadBytes : maxRequestLineBytes;
    return length < limit && !endsLine(bytes, start, end) && !breaksLine(this.#pending!, bytes, start, end);
  }

  onEnd(): void {
    if ((this.flags & DEFERRED) !== 0) this.core.loop.deferred?.flush();
    if (this.gone) return;
    this.flags |= PEER_ENDED;
    if ((this.flags & LINGERING) !== 0) {
      this.transport.destroy();
      return;
    }
    const body = this.#body;
    if (body !== null && (this.#pending === null || body.wanted)) {
      body.fail(
        new ServerError("TZ_SERVER_BODY_ABORTED", "the client closed before the end of the request body"),
      );
      this.#body = null;
      this.flags &= ~KEEP_ALIVE;
      this.#put(CLOSING, this.output !== OUTPUT.awaiting);
    }
    this.#tellGone();
    if ((this.flags & STREAMING) !== 0) this.#armHalfClosed();
    // A half-closed client still gets the answers to what it asked; there will be no further request.
    if (this.output === OUTPUT.idle) this.#endInput();
  }

  onClose(errno: number): void {
    this.gone = true;
    publishConnection("closed", this.transport, { errno, requests: this.#requests });
    this.core.observer?.closed(this);
    this.core.addresses?.remove(this.transport);
    this.disarm();
    this.#pending = null;
    this.queue?.abandon();
    this.#tellGone();
    this.#body?.fail(
      new ServerError("TZ_SERVER_BODY_ABORTED", "the client went away before the end of the request body"),
    );
    this.#wakeStream();
  }

  /**
   * Parses and answers what lies in `bytes[position, end)`, keeps the rest, sends the batch.
   * @param seen how many of the bytes were looked at before and are the beginning of a head
   */
  #consume(bytes: Uint8Array, position: number, end: number, seen: number): void {
    for (;;) {
      position = this.#parse(bytes, position, end, seen);
      seen = 0;
      if (this.#upgrade !== null && !this.gone && this.flush(false)) {
        this.#switchProtocol(bytes, position, end);
        return;
      }
      const waited = this.output !== OUTPUT.idle;
      if (position === end && this.#defer()) return;
      if (this.gone || !this.flush(false) || this.output !== OUTPUT.idle) break;
      // The answer that the rest waited for has left in this very call.
      if (waited && position < end && (this.flags & CLOSING) === 0) continue;
      this.#afterAnswer();
      break;
    }
    if (this.gone || (this.flags & LINGERING) !== 0 || (this.flags & CLOSING) !== 0) return;
    if (position < end) this.#keep(bytes, position, end);
  }

  /** Leaves the answer to the end of the turn, when it is one piece and nothing else is to be done. */
  #defer(): boolean {
    const { loop, observer } = this.core;
    const { deferred } = loop;
    if (
      deferred === undefined ||
      !deferred.open ||
      this.output !== OUTPUT.idle ||
      (this.flags & (CLOSING | PEER_ENDED)) !== 0 ||
      this.#body !== null ||
      this.#upgrade !== null ||
      this.gone ||
      (this.queue !== null && !this.queue.empty)
    )
      return false;
    const route = observer === undefined ? 0 : observer.setAside();
    if (route < 0) return false;
    if (!deferred.take(this, route)) {
      observer?.takeUp(route);
      return false;
    }
    this.flags |= DEFERRED;
    return true;
  }

  sendDeferred(route: number): void {
    this.flags &= ~DEFERRED;
    const { loop, observer } = this.core;
    observer?.takeUp(route);
    if (this.gone) {
      loop.batch.releaseAll();
      observer?.dropped();
    } else if (this.flush(false) && this.output === OUTPUT.idle) this.#afterAnswer();
  }

  /** Takes requests and body bytes as long as no answer is in the way. @returns where it stopped */
  #parse(bytes: Uint8Array, position: number, end: number, seen: number): number {
    const core = this.core;
    while (position < end && (this.flags & CLOSING) === 0 && !this.gone) {
      if (this.#body !== null) {
        const next = this.#feedBody(this.#body, bytes, position, end);
        if (next === position) break;
        position = next;
        continue;
      }
      if (this.output !== OUTPUT.idle) break;
      const head = core.head;
      const used = head.parse(position, end, seen);
      seen = 0;
      if (used === 0) {
        if (beginsLine(bytes, position, end)) this.flags |= LINE_DONE;
        if ((this.flags & HEAD_BEGUN) === 0) {
          this.flags |= HEAD_BEGUN;
          this.arm(core.options.headTimeoutMs);
        }
        break;
      }
      this.flags &= ~(HEAD_BEGUN | LINE_DONE);
      if (used < 0) {
        this.#put(IS_HEAD, beginsWithHead(bytes, position, end));
        this.#reject(head, used);
        break;
      }
      position = this.#begin(head, used, bytes, position + used, end);
    }
    return position;
  }

  /** Keeps unconsumed bytes; stops the transport when they can only wait. */
  #keep(bytes: Uint8Array, position: number, end: number): void {
    this.#pending = bytes.slice(position, end);
    const waiting = this.output !== OUTPUT.idle || (this.#body !== null && !this.#body.wanted);
    if (waiting && (this.flags & PAUSED) === 0) {
      this.flags |= PAUSED;
      this.transport.pause();
    }
  }

  /** Goes on with kept bytes after the answer (or the body's reader) made room. */
  #continueInput(): void {
    const pending = this.#pending;
    if (pending !== null && (this.flags & HEAD_BEGUN) === 0) {
      this.#pending = null;
      const { memory } = this.core.loop;
      if (pending.byteLength > memory.receiveBytes)
        throw new RangeError(`${pending.byteLength} bytes pending`);
      memory.bytes.set(pending, memory.receiveStart);
      this.#consume(memory.bytes, memory.receiveStart, memory.receiveStart + pending.byteLength, 0);
    }
    if (this.gone || (this.flags & LINGERING) !== 0) return;
    // The beginning of a head waits for more, but not before the answers in front of it have left.
    const waiting =
      this.#pending !== null && ((this.flags & HEAD_BEGUN) === 0 || this.output !== OUTPUT.idle);
    if ((this.flags & PAUSED) !== 0 && !waiting) {
      this.flags &= ~PAUSED;
      this.transport.resume();
    }
    if ((this.flags & PEER_ENDED) === 0 || this.#pending !== null) return;
    if (this.#body !== null) this.onEnd();
    else if (this.output === OUTPUT.idle) this.#endInput();
  }

  /** Nothing more will come, and nothing is under way. */
  #endInput(): void {
    if ((this.flags & HEAD_BEGUN) !== 0 && (this.flags & CLOSING) === 0) this.#rejectCutHead();
    else this.transport.destroy();
  }

  // ---------------------------------------------------------------- request

  /** @returns where the request ends, as far as its bytes were taken */
  #begin(head: RequestHead, length: number, bytes: Uint8Array, position: number, end: number): number {
    const core = this.core;
    this.#requests++;
    this.#put(IS_HEAD, head.method === "HEAD");
    this.#put(KEEP_ALIVE, head.keepAlive);
    this.#minorVersion = head.minorVersion;
    let body: RequestBody | null = null;
    this.flags &= ~HAS_BODY;
    if (head.chunked || head.contentLength > 0) {
      this.flags |= HAS_BODY;
      const { maxBodyBytes, bodyTimeoutMs } = core.options;
      const expects = head.expectContinue && head.minorVersion === 1;
      body = new RequestBody(this, head.chunked ? -1 : head.contentLength, maxBodyBytes, expects);
      if (!head.chunked && !expects && head.contentLength <= Math.min(end - position, HELD_BYTES)) {
        // All of it is here: a handler that takes it at once answers at once.
        position = body.feed(bytes, position, end);
      } else {
        this.#body = body;
        this.arm(bodyTimeoutMs);
      }
    }
    let answer: ResponsePlan | Promise<ResponsePlan>;
    this.output = OUTPUT.awaiting;
    const event = core.follower?.began(head, this);
    try {
      answer =
        event === undefined
          ? core.answer(head, length, body, this)
          : core.answerWithin(event, head, length, body, this);
    } catch (error) {
      answer = core.failed(error, this);
    }
    if (answer instanceof Promise) {
      core.observer?.wait(this);
      core.loop.yieldTurn();
      answer.then(
        (plan) => this.#settle(plan),
        (error: unknown) => this.#settle(core.failed(error, this)),
      );
      return position;
    }
    this.output = OUTPUT.idle;
    this.#respond(answer);
    return position;
  }

  /** A handler's promise brought its plan. */
  #settle(plan: ResponsePlan): void {
    if (this.gone) {
      dropPlan(plan);
      return;
    }
    this.core.loop.refreshClock();
    this.output = OUTPUT.idle;
    this.#respond(plan);
    if (this.flush(false)) this.#afterFlush();
    else if (!this.gone) this.#continueInput();
  }

  /** What was queued or batched has left, outside of a `#consume` that would go on by itself. */
  #afterFlush(): void {
    if (this.#upgrade !== null) {
      const rest = this.#pending ?? NO_BYTES;
      this.#pending = null;
      this.#switchProtocol(rest, 0, rest.byteLength);
      return;
    }
    if (this.output === OUTPUT.idle) this.#afterAnswer();
    if (!this.gone) this.#continueInput();
  }

  /** Gives the transport to another protocol, with the bytes that came behind the request. */
  #switchProtocol(bytes: Uint8Array, start: number, end: number): void {
    const { transport } = this;
    const core = this.core;
    const upgrade = this.#upgrade!;
    this.#upgrade = null;
    this.gone = true;
    publishConnection("upgraded", transport);
    core.goneListeners.delete(this);
    core.observer?.finished(this);
    this.disarm();
    let upgraded: Upgraded;
    try {
      upgraded = new Upgraded(transport, core, upgrade);
    } catch (error) {
      core.reportError(error);
      transport.destroy();
      return;
    }
    transport.handler = upgraded;
    if (start < end) {
      const { memory } = core.loop;
      // The protocol may work on the receive memory in place: kept bytes move there.
      if (bytes !== memory.bytes) {
        memory.bytes.set(bytes.subarray(start, end), memory.receiveStart);
        end = memory.receiveStart + end - start;
        start = memory.receiveStart;
      }
      upgraded.onData(start, end);
    }
    if ((this.flags & PAUSED) !== 0) transport.resume();
    if ((this.flags & PEER_ENDED) !== 0) upgraded.onEnd();
    if (core.draining) upgraded.stop();
  }

  #feedBody(body: RequestBody, bytes: Uint8Array, position: number, end: number): number {
    const waiting = body.wanted;
    const next = body.feed(bytes, position, end);
    if (body.complete) {
      this.#body = null;
    } else if (body.error !== null) {
      // What follows cannot be told from a request. The handler answers, if it still can; then the end.
      this.flags &= ~KEEP_ALIVE;
      this.#body = null;
      if (this.output !== OUTPUT.awaiting) this.flags |= CLOSING;
      return end;
    } else {
      this.#armBody(body, waiting);
      if (this.output === OUTPUT.idle && body.receivedBytes > this.core.options.maxDiscardBytes)
        this.flags |= CLOSING;
    }
    return next;
  }

  onBodyWanted(): void {
    const body = this.#body;
    // A body that comes in one piece needs no pace.
    if (body !== null && body.pace !== null) this.#armBody(body, false);
    else this.arm(this.core.options.bodyTimeoutMs);
    if ((this.flags & PAUSED) !== 0) queueMicrotask(() => this.#continueInput());
  }

  sendContinue(): void {
    if (this.gone || this.output === OUTPUT.writing) return;
    // Not in front of answers that still leave in pieces.
    this.write(CONTINUE);
    this.flush(false);
    this.output = OUTPUT.awaiting;
  }

  #reject(head: RequestHead, errorId: number): void {
    this.flags &= ~KEEP_ALIVE;
    this.#minorVersion = head.minorVersion;
    const { status } = parseErrorOf(errorId);
    if (status === 414) publishLimit("maxRequestLineBytes", "answered 414", this);
    if (status === 431) publishLimit("maxHeadBytes", "answered 431; also more than maxFields", this);
    this.#respond(errorPlan(status, true));
  }

  /** The client closed in the middle of a head. */
  #rejectCutHead(): void {
    this.flags &= ~KEEP_ALIVE;
    this.#put(IS_HEAD, this.#pending !== null && beginsWithHead(this.#pending, 0, this.#pending.byteLength));
    this.#respond(errorPlan(400, true));
    if (this.flush(false) && this.output === OUTPUT.idle) this.#afterAnswer();
  }

  // ---------------------------------------------------------------- answer

  #respond(plan: ResponsePlan): void {
    const { observer } = this.core;
    if (plan.upgrade !== undefined && ((this.flags & HAS_BODY) !== 0 || this.#minorVersion === 0)) {
      // RFC 9110 §7.8: no upgrade in the middle of a request, and none of HTTP/1.0.
      dropPlan(plan);
      plan = errorPlan(400, true);
    }
    plan = framedPlan(plan, (this.flags & IS_HEAD) !== 0);
    this.#execute(plan);
    if (observer !== undefined) {
      observer.answered(this, plan, (this.flags & IS_HEAD) !== 0, this.output === OUTPUT.idle);
    }
  }

  /** Puts a plan into the batch, or into the queue behind it. Takes over the plan's reference. */
  #execute(plan: ResponsePlan): void {
    const core = this.core;
    const { batch } = core.loop;
    const prefixes = this.#prefixes();
    prefixes.refresh(core.loop.wallMs);
    if (plan.upgrade !== undefined) {
      this.#respondUpgrade(plan);
      return;
    }
    // RFC 8297; an HTTP/1.0 client knows no interim answers (RFC 9110 §15.2).
    if (plan.earlyHints !== undefined && this.#minorVersion === 1) {
      this.write(encodeInterim(plan.earlyHints.status, plan.earlyHints.fields));
    }
    const close = this.#decideClose(plan);
    const { head, body, packed } = plan;
    const persist = close ? PERSIST.close : this.#minorVersion === 0 ? PERSIST.keepAlive : PERSIST.silent;
    if (close) this.flags |= CLOSING;
    if (packed !== undefined && batch.addressable) {
      const length = (this.flags & IS_HEAD) !== 0 ? packed.headByteLength : packed.byteLength;
      // What several answers of a turn share must not differ but in `Date`: a lead says nothing of the connection.
      if (persist === PERSIST.silent && (this.flags & SECURE_LINES) === 0) {
        const prefix = head.status === 200 ? prefixes.hot : prefixes.block(head.status, persist);
        if (canLead(packed.lead, prefix) && this.makeRoom(1)) {
          batch.led(packed, packed.lead, prefix, length, plan);
          return;
        }
      }
      // The batch leaves before the queue: behind answers that wait there, this one must wait there too.
      if (persist === PERSIST.silent && head.status === 200 && this.makeRoom(1)) {
        batch.name(prefixes.hotStart, prefixes.hotLength);
        batch.packed(packed, length, plan);
        return;
      }
      const prefix = prefixes.block(head.status, persist);
      if (this.makeRoom(prefix.byteLength)) {
        batch.copy(prefix);
        batch.packed(packed, length, plan);
        return;
      }
    }
    this.write(prefixOf(prefixes, head, persist));
    const bodyless = (this.flags & IS_HEAD) !== 0 || head.status === 204 || head.status === 304;
    if (body.kind === "stream") {
      if (!bodyless) {
        this.#startStream(plan, body.chunks, body.length);
        return;
      }
      abandonChunks(body.chunks);
    }
    this.write(head.bytes);
    if (bodyless || body.kind === "none") {
      plan.release?.();
    } else if (body.kind === "bytes") {
      this.writeOwned(body.bytes, plan);
    } else if (body.kind === "segments") {
      this.writeSegments(body.segments, plan);
    } else {
      plan.release?.();
    }
  }

  #prefixes(): StatusPrefixes {
    const { prefixes, securePrefixes } = this.core;
    return (this.flags & SECURE_LINES) === 0 ? prefixes : (securePrefixes ?? prefixes);
  }

  /** 101: the head says all, `Connection` too; HTTP ends on this connection. */
  #respondUpgrade(plan: ResponsePlan): void {
    const prefixes = this.#prefixes();
    this.write(prefixOf(prefixes, plan.head, PERSIST.silent));
    this.write(plan.head.bytes);
    this.#upgrade = plan.upgrade ?? null;
    this.output = OUTPUT.writing;
    plan.release?.();
  }

  /** Whether this answer is the connection's last. */
  #decideClose(plan: ResponsePlan): boolean {
    const { options, draining } = this.core;
    if ((this.flags & KEEP_ALIVE) === 0 || plan.close === true || draining) return true;
    if ((this.flags & PEER_ENDED) !== 0 && this.#pending === null) return true;
    if (options.maxRequestsPerConnection > 0 && this.#requests >= options.maxRequestsPerConnection)
      return true;
    const body = this.#body;
    if (body !== null) {
      if (body.error !== null) return true;
      // The client may or may not send a body that it was never asked for: what follows would be ambiguous.
      if (body.awaitsContinue) return true;
      // A stream may be made of the body: what it leaves is dropped at its end.
      if (plan.body.kind !== "stream") {
        if (body.remainingBytes > options.maxDiscardBytes) return true;
        body.discard();
      }
    }
    return plan.body.kind === "stream" && plan.body.length === undefined && this.#minorVersion === 0;
  }

  onWritable(): void {
    const queue = this.queue;
    if (this.gone || queue === null || queue.empty) return;
    if (!this.drainQueue(queue)) return;
    if ((this.flags & STREAMING) !== 0) {
      if (this.#body !== null) this.#armBody(this.#body, false);
      else if ((this.flags & PEER_ENDED) !== 0) this.#armHalfClosed();
      this.#wakeStream();
      return;
    }
    this.#afterFlush();
  }

  /** Every answer so far has left. */
  #afterAnswer(): void {
    if (
      (this.flags & CLOSING) !== 0 ||
      (this.core.closesIdle && this.#pending === null && this.#body === null)
    ) {
      this.#finish();
    } else if ((this.flags & HEAD_BEGUN) !== 0) {
      // The head's own deadline runs.
    } else if (this.#body !== null) {
      this.#armBody(this.#body, false);
    } else {
      this.armIdle();
    }
  }

  /** Ends the connection in order: the answer must reach the client before a reset can. */
  #finish(): void {
    if ((this.flags & LINGERING) !== 0 || this.gone) return;
    if ((this.flags & PEER_ENDED) !== 0) {
      // Over TLS the end of an answer is said, so that nobody can cut it off unseen.
      if (this.transport.secure === true) this.transport.shutdown();
      this.transport.destroy();
      return;
    }
    this.flags |= LINGERING;
    this.#pending = null;
    this.#body?.discard();
    this.transport.shutdown();
    if ((this.flags & PAUSED) !== 0) {
      this.flags &= ~PAUSED;
      this.transport.resume();
    }
    this.arm(this.core.options.lingerTimeoutMs);
  }

  /** The bytes are another protocol's from the first one on: HTTP/2, as the handshake has found out. */
  leave(): void {
    this.gone = true;
    this.disarm();
  }

  /** The server stops: idle connections close now, the others after their answer. */
  drain(): void {
    if (this.idle) this.#finish();
  }

  // ---------------------------------------------------------------- streams

  #startStream(plan: ResponsePlan, chunks: AsyncIterable<Uint8Array>, length: number | undefined): void {
    const chunked = length === undefined && this.#minorVersion === 1;
    if (chunked) this.write(CHUNKED_LINE);
    this.write(plan.head.bytes);
    this.flags |= STREAMING;
    this.output = OUTPUT.writing;
    this.core.loop.yieldTurn();
    sendStream(this, chunks, length, chunked).then(
      (complete) => this.#endStream(plan, complete, undefined),
      (error: unknown) => this.#endStream(plan, false, error),
    );
  }

  #endStream(plan: ResponsePlan, complete: boolean, error: unknown): void {
    plan.release?.();
    this.flags &= ~STREAMING;
    if (error !== undefined) this.core.reportError(error, this);
    if (this.gone) return;
    if (!complete) {
      const { body: sent } = plan;
      // Where only the connection's end says where the content ends, an end in order would say that it is whole.
      if (this.#minorVersion === 0 && sent.kind === "stream" && sent.length === undefined) {
        this.transport.reset();
      } else {
        this.transport.destroy();
      }
      return;
    }
    const body = this.#body;
    if (body !== null) {
      if (body.remainingBytes > this.core.options.maxDiscardBytes) this.flags |= CLOSING;
      else body.discard();
    }
    if (this.queue !== null && !this.queue.empty) return;
    this.output = OUTPUT.idle;
    this.core.observer?.finished(this);
    this.#afterAnswer();
    if (!this.gone) this.#continueInput();
  }

  push(bytes: Uint8Array): boolean {
    if (this.gone) return false;
    this.core.loop.refreshClock();
    this.write(bytes);
    this.output = OUTPUT.writing;
    const sent = this.flush(false);
    this.output = OUTPUT.writing;
    if ((this.flags & PEER_ENDED) !== 0 && !this.gone) this.#armHalfClosed();
    return !sent;
  }

  drained(): Promise<void> {
    if (this.gone || this.queue === null || this.queue.empty) return Promise.resolve();
    return new Promise((resolve) => {
      this.#drainWaiter = resolve;
    });
  }

  whenGone(listener: () => void): void {
    if (this.gone) listener();
    else this.#drainWaiter = listener;
  }

  #wakeStream(): void {
    const waiter = this.#drainWaiter;
    this.#drainWaiter = null;
    waiter?.();
  }

  #put(flag: number, on: boolean): void {
    if (on) this.flags |= flag;
    else this.flags &= ~flag;
  }

  // ---------------------------------------------------------------- time

  /** @param waiting the time since the last call was spent waiting for the client's bytes */
  #armBody(body: RequestBody, waiting: boolean): void {
    const { loop, options } = this.core;
    const { bodyTimeoutMs, minBodyBytesPerSecond } = options;
    if (body.pace === null) {
      body.pace = new Pace(bodyTimeoutMs, minBodyBytesPerSecond, body.receivedBytes, loop.nowMs);
    } else {
      body.pace.note(body.receivedBytes, loop.nowMs, waiting);
    }
    // While the client is behind with an answer, that deadline runs.
    if (this.queue === null || this.queue.empty) this.arm(Math.max(body.pace.leftMs, 0));
  }

  /** Who ended its side may be gone for good: a stream that brings nothing for long is not waited for. */
  #armHalfClosed(): void {
    if (this.queue === null || this.queue.empty) this.arm(this.core.options.idleTimeoutMs);
  }

  protected onDeadline(): void {
    if (this.gone) return;
    if ((this.flags & LINGERING) !== 0) {
      this.transport.destroy();
      return;
    }
    const queue = this.queue;
    if (queue !== null && queue.pace !== null && !queue.empty) {
      this.checkTaking(queue, queue.pace);
      return;
    }
    const body = this.#body;
    if (this.output !== OUTPUT.idle) {
      // A handler works, or a stream waits for its source: only the client's part has a deadline.
      if (body?.wanted === true) this.#failBody(body);
      else if ((this.flags & STREAMING) !== 0 && (this.flags & PEER_ENDED) !== 0) this.transport.destroy();
      return;
    }
    if (body !== null || this.#pending !== null) {
      this.flags &= ~KEEP_ALIVE;
      this.#put(
        IS_HEAD,
        this.#pending !== null && beginsWithHead(this.#pending, 0, this.#pending.byteLength),
      );
      if (body !== null) {
        // Answered already: only the discarded rest is missing.
        publishLimit("bodyTimeoutMs", "the rest of a body does not come: closed", this);
        this.transport.destroy();
        return;
      }
      publishLimit("headTimeoutMs", "no complete head in time: answered 408", this);
      this.#respond(errorPlan(408, true));
      if (this.flush(false) && this.output === OUTPUT.idle) this.#afterAnswer();
      return;
    }
    this.#finish();
  }

  /** The reader of a body that does not come, or too slowly, is told. */
  #failBody(body: RequestBody): void {
    const { bodyTimeoutMs, minBodyBytesPerSecond } = this.core.options;
    body.fail(
      new ServerError(
        "TZ_SERVER_BODY_TIMEOUT",
        `the request body stopped for bodyTimeoutMs = ${bodyTimeoutMs}, or comes slower than minBodyBytesPerSecond = ${minBodyBytesPerSecond}`,
      ),
    );
    this.flags &= ~KEEP_ALIVE;
    this.#body = null;
    // What follows cannot be told from a request, and an answer that has begun cannot say so.
    if (this.output !== OUTPUT.awaiting) this.flags |= CLOSING;
  }
}

/** One `Date` in each answer: what the answer says itself is not said for it (RFC 9110 §6.6.1). */
function prefixOf(prefixes: StatusPrefixes, head: ResponseHead, persist: number): Uint8Array {
  return head.framing.dates === 0
    ? prefixes.block(head.status, persist)
    : prefixes.undated(head.status, persist);
}

/** Of one length: answers that wait for their turn to end may lie behind the same lead. */
function canLead(lead: PackedLead | undefined, prefix: Uint8Array): lead is PackedLead {
  if (lead === undefined || prefix.byteLength > lead.end) return false;
  return lead.written === undefined || lead.written.byteLength === prefix.byteLength;
}
