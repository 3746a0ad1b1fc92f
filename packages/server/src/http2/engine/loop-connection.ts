import { WheelTimer } from "@tz/alloc";
import { parseErrorOf, type ResponseHead, type ResponsePlan } from "@tz/http1";
import { pread } from "@tz/sys";
import type { EpollLoop, EpollTransport } from "../../loop/epoll.js";
import type { Transport, TransportHandler } from "../../loop/loop.js";
import { publishConnection, publishLimit } from "../../observe/connection-channels.js";
import { errorPlan } from "../../response/error-plan.js";
import { framedPlan } from "../../response/framed-plan.js";
import { abandonChunks, dropPlan } from "../../response/unsent-plan.js";
import type { ServerCore } from "../../server-core.js";
import {
  CODE,
  DEFAULT_WINDOW,
  FLAG,
  FRAME,
  FRAME_HEAD_BYTES,
  LARGEST_WINDOW,
  MAX_FRAME_BYTES,
  PING_BYTES,
  PREFACE,
  PRIORITY_BYTES,
  readUint31,
  SETTING,
  SETTING_BYTES,
} from "../frames/frame.js";
import type { FrameOut } from "../frames/frame-out.js";
import { PeerSettings } from "../frames/peer-settings.js";
import { BLOCK_TOO_LONG, HpackDecoder } from "../hpack/decoder.js";
import type { ResolvedHttp2 } from "../http2-options.js";
import { TokenBucket } from "../token-bucket.js";
import type { AnswerBlocks } from "./answer-blocks.js";
import { BlockWriter } from "./block-writer.js";
import { BodyWindows } from "./body-windows.js";
import { ClosedStreams } from "./closed-streams.js";
import { FrameCarrier } from "./frame-carrier.js";
import { HeaderBlock } from "./header-block.js";
import { LoopStream, lengthOf } from "./loop-stream.js";
import { MALFORMED, type RequestFields, TOO_MANY_FIELDS } from "./request-fields.js";
import { SendingWatch } from "./sending-watch.js";

/** What the connections of one listener share. */
export interface LoopHost {
  readonly core: ServerCore;
  readonly options: ResolvedHttp2;
  readonly out: FrameOut;
  readonly fields: RequestFields;
  readonly blocks: AnswerBlocks;
  onClose(connection: LoopConnection): void;
}

/** Deadlines are looked at this often. */
const CHECK_MS = 1000;
const TABLE_BYTES = 4096;
/** A block is no larger than the list in it may be, and a little. */
const BLOCK_SLACK_BYTES = 4096;
/** One connection sends so much before others get their turn. */
const MAX_BYTES_PER_TURN = 1024 * 1024;
/** A smaller rest of the memory is sent before it is filled. */
const LEAST_ROOM_BYTES = 1024;
/** Smaller frames than this are counted: those of the client, and its windows that make ours so small (CVE-2019-9511). */
const SMALL_DATA_BYTES = 256;
/** Frames that mean nothing: so many at once, and a second. */
const IDLE_FRAME_BURST = 100_000;
const IDLE_FRAMES_PER_SECOND = 20_000;
/** A closing connection reads on for this much at the most. */
const MAX_LINGER_BYTES = 1024 * 1024;
/** Marks the round trip between the notice of a shutdown and its last word. */
const SHUTDOWN_PING = Buffer.from("tz drain", "latin1");
const STATUS_100 = Buffer.from([0x08, 0x03, 0x31, 0x30, 0x30]);
const MIB = 1024 * 1024;
const NO_BYTES = new Uint8Array(0);

// What a step of sending came to, when it sent nothing.
/** The client's window of the connection is used up. */
const NO_WINDOW = 0;
/** The transport takes nothing now. */
const FULL = -1;
/** Nothing is to be sent on this stream now. */
const DONE = -2;

/** How far the end has come. */
const GOING = { on: 0, noticed: 1, away: 2, lingering: 3 } as const;

/**
 * One client's HTTP/2 conversation on the fast loop (RFC 9113). Frames are read where they were received; answers are
 * put together in one memory and leave when what was received has been read.
 *
 * ```
 *   onData ─▶ frames ─▶ requests ─▶ plans ─┬▶ out ─▶ transport          whole answers, while windows and memory last
 *                                          └▶ ready streams ─▶ out      the others, a frame of each in turn
 *                                                         └▶ held      what the transport did not take
 * ```
 *
 * Bounded in streams, resets, control frames, memory and time, since a client pays less for each of them than the server
 * does (CVE-2019-9511 to 9518, CVE-2023-44487, CVE-2024-27316).
 */
export class LoopConnection extends WheelTimer implements TransportHandler {
  readonly core: ServerCore;
  readonly #transport: EpollTransport;
  readonly #host: LoopHost;
  readonly #out: FrameOut;
  readonly #carrier: FrameCarrier;
  readonly #decoder: HpackDecoder;
  readonly #peer = new PeerSettings();
  readonly #blocks: BlockWriter;
  readonly #streams = new Map<number, LoopStream>();
  readonly #closed: ClosedStreams;
  readonly #windows: BodyWindows;
  readonly #ready: LoopStream[] = [];
  readonly #resets: TokenBucket;
  readonly #controls: TokenBucket;
  readonly #idleFrames = new TokenBucket(IDLE_FRAMES_PER_SECOND, IDLE_FRAME_BURST);

  // Input
  /** Bytes of a frame that is not whole yet. */
  #pending: Uint8Array | null = null;
  #prefaceBytes = 0;
  #hasSettings = false;
  /** The highest stream that the client has opened. */
  #lastStream = 0;
  /** The last stream of the last GOAWAY: a later one names none beyond it (§6.8). */
  #saidLast = LARGEST_WINDOW;
  readonly #block = new HeaderBlock();
  /** The DATA frame that is being received. */
  #dataLeft = 0;
  #paddingLeft = 0;
  #dataStream: LoopStream | null = null;
  #dataEnds = false;
  #dataFrameBytes = 0;
  /** Since when the client owes the rest of a head; -1: it does not. */
  #owesSinceMs: number;

  // Output
  #sendWindow = DEFAULT_WINDOW;
  #pumping = false;
  #reading = false;
  #flushQueued = false;
  readonly #sending: SendingWatch;

  // Life
  /** Handlers at work, also for streams that are gone. */
  #working = 0;
  #requests = 0;
  #idleSinceMs: number;
  #going: number = GOING.on;
  #lingered = 0;

  constructor(transport: EpollTransport, host: LoopHost) {
    super((timer) => (timer as LoopConnection).#check());
    const { core, options } = host;
    this.core = core;
    this.#transport = transport;
    this.#host = host;
    this.#out = host.out;
    this.#carrier = new FrameCarrier(transport, core, host.out);
    this.#blocks = new BlockWriter(this.#carrier, this.#peer);
    this.#windows = new BodyWindows(this.#carrier, this.#streams, options.sessionMemoryMiB * MIB);
    const { writeTimeoutMs, minSendBytesPerSecond } = core.options;
    this.#sending = new SendingWatch(writeTimeoutMs, minSendBytesPerSecond);
    this.#decoder = new HpackDecoder(TABLE_BYTES, core.options.maxHeadBytes);
    this.#resets = new TokenBucket(options.resetsPerSecond, options.resetBurst);
    this.#controls = new TokenBucket(options.controlFramesPerSecond, options.controlFrameBurst);
    this.#closed = new ClosedStreams(Math.min(Math.max(options.maxStreams, 128), 2048));
    core.loop.refreshClock();
    this.#idleSinceMs = core.loop.nowMs;
    this.#owesSinceMs = core.loop.nowMs;
    core.loop.timers.schedule(this, CHECK_MS);
    this.#sendSettings();
    this.#carrier.flushFrames();
  }

  get remoteAddress(): string {
    return this.#transport.remoteAddress;
  }

  get remotePort(): number {
    return this.#transport.remotePort;
  }

  get peerCertificate(): Uint8Array | undefined {
    return (this.#transport as Transport).peerCertificate;
  }

  /** What it does, for statistics. */
  get state(): "idle" | "reading" | "handling" | "writing" | "closing" {
    if (this.#going === GOING.lingering) return "closing";
    if (this.#carrier.held.byteLength > 0 || this.#ready.length > 0) return "writing";
    if (this.#streams.size > 0) return "handling";
    return this.#owesSinceMs < 0 ? "idle" : "reading";
  }

  // ---------------------------------------------------------------- input

  onData(start: number, end: number): void {
    const { loop, observer } = this.core;
    observer?.received(end - start);
    if (this.#going === GOING.lingering) {
      this.#lingered += end - start;
      if (this.#lingered > MAX_LINGER_BYTES) this.#transport.destroy();
      return;
    }
    const { memory } = loop;
    const pending = this.#pending;
    if (pending !== null) {
      // A frame and its head at the most, so that it fits into the headroom.
      start -= pending.byteLength;
      memory.bytes.set(pending, start);
      this.#pending = null;
    }
    let stop: number;
    this.#reading = true;
    try {
      stop = this.#read(memory.bytes, start, end);
    } catch (error) {
      this.#failed(error);
      return;
    } finally {
      this.#reading = false;
    }
    if (this.#carrier.isOver) {
      this.#flushAll();
      return;
    }
    if (stop < end) this.#pending = memory.bytes.slice(stop, end);
    const owes = stop < end || this.#block.stream !== 0 || !this.#hasSettings;
    const goesOn = stop > start && this.#block.stream === 0 && this.#hasSettings;
    if (!owes) this.#owesSinceMs = -1;
    else if (this.#owesSinceMs < 0 || goesOn) this.#owesSinceMs = loop.nowMs;
    this.#flushAll();
  }

  /** Reads the frames in `bytes[at, end)`. @returns where it stopped: at a frame that is not whole */
  #read(bytes: Uint8Array, at: number, end: number): number {
    while (this.#prefaceBytes < PREFACE.byteLength) {
      if (at === end) return at;
      if (bytes[at++] !== PREFACE[this.#prefaceBytes++]) {
        this.#fail(CODE.protocolError);
        return at;
      }
    }
    while (at < end && !this.#carrier.isOver) {
      if (this.#dataLeft > 0 || this.#paddingLeft > 0) {
        at = this.#takeData(bytes, at, end);
        continue;
      }
      if (end - at < FRAME_HEAD_BYTES) return at;
      const length = (bytes[at]! << 16) | (bytes[at + 1]! << 8) | bytes[at + 2]!;
      const type = bytes[at + 3]!;
      const flags = bytes[at + 4]!;
      const id = readUint31(bytes, at + 5);
      if (length > MAX_FRAME_BYTES) {
        this.#fail(CODE.frameSizeError);
        return at;
      }
      if (!this.#isExpected(type, flags, id)) {
        this.#fail(CODE.protocolError);
        return at;
      }
      const payload = at + FRAME_HEAD_BYTES;
      if (type === FRAME.data) {
        const padded = (flags & FLAG.padded) !== 0;
        if (padded && length > 0 && payload === end) return at;
        this.#beginData(flags, id, length, bytes[payload]!);
        at = padded && length > 0 ? payload + 1 : payload;
        continue;
      }
      if (end - payload < length) return at;
      this.#frame(type, flags, id, bytes, payload, payload + length);
      at = payload + length;
    }
    return at;
  }

  /** A block's frames follow each other (§6.2), and SETTINGS come first (§3.4). */
  #isExpected(type: number, flags: number, id: number): boolean {
    if (this.#block.stream !== 0) return type === FRAME.continuation && id === this.#block.stream;
    if (this.#hasSettings) return type !== FRAME.continuation;
    return type === FRAME.settings && (flags & FLAG.ack) === 0;
  }

  #frame(type: number, flags: number, id: number, bytes: Uint8Array, start: number, end: number): void {
    if (type === FRAME.headers) this.#onHeaders(flags, id, bytes, start, end);
    else if (type === FRAME.windowUpdate) this.#onWindowUpdate(id, bytes, start, end);
    else if (type === FRAME.resetStream) this.#onResetStream(id, end - start);
    else if (type === FRAME.settings) this.#onSettings(flags, id, bytes, start, end);
    else if (type === FRAME.ping) this.#onPing(flags, id, bytes, start, end);
    else if (type === FRAME.continuation) this.#onContinuation(flags, bytes, start, end);
    else if (type === FRAME.priority) this.#onPriority(id, end - start);
    else if (type === FRAME.goAway) this.#onGoAway(id, end - start);
    else if (type === FRAME.pushPromise) this.#fail(CODE.protocolError);
    // What nobody knows is passed over (§4.1).
    else this.#charge(this.#idleFrames);
  }

  // ---------------------------------------------------------------- header blocks

  #onHeaders(flags: number, id: number, bytes: Uint8Array, start: number, end: number): void {
    // Clients open streams of odd numbers (§5.1.1).
    if ((id & 1) === 0) {
      this.#fail(CODE.protocolError);
      return;
    }
    if ((flags & FLAG.padded) !== 0) {
      const padding = start < end ? bytes[start]! : 0;
      start++;
      end -= padding;
    }
    if ((flags & FLAG.priority) !== 0) start += PRIORITY_BYTES;
    if (start > end) {
      this.#fail(CODE.protocolError);
      return;
    }
    if ((flags & FLAG.endHeaders) !== 0) {
      this.#onBlock(id, flags, bytes, start, end);
      return;
    }
    this.#block.begin(id, flags, bytes, start, end);
  }

  #onContinuation(flags: number, bytes: Uint8Array, start: number, end: number): void {
    const { maxHeadBytes } = this.core.options;
    const block = this.#block;
    if (!block.add(bytes, start, end, maxHeadBytes + BLOCK_SLACK_BYTES)) {
      publishLimit("maxHeadBytes", "a header block in too many pieces: closed with ENHANCE_YOUR_CALM", this);
      this.#fail(CODE.enhanceYourCalm);
      return;
    }
    if ((flags & FLAG.endHeaders) === 0) return;
    const { stream, bytes: all, byteLength } = block;
    block.clear();
    this.#onBlock(stream, block.flags, all, 0, byteLength);
  }

  /** A whole block: a request, or what comes behind its body. */
  #onBlock(id: number, flags: number, bytes: Uint8Array, start: number, end: number): void {
    const { fields } = this.#host;
    const isNew = id > this.#lastStream;
    fields.begin(!isNew);
    const result = this.#decoder.decode(bytes, start, end, fields);
    if (result < 0) {
      this.#fail(result === BLOCK_TOO_LONG ? CODE.enhanceYourCalm : CODE.compressionError);
      return;
    }
    const ended = (flags & FLAG.endStream) !== 0;
    if (!isNew) {
      this.#onTrailers(id, ended, fields.end());
      return;
    }
    this.#lastStream = id;
    if (this.#going === GOING.away) {
      // Came behind the last word: the client asks again elsewhere (§6.8).
      this.#closed.add(id, true);
      this.#charge(this.#idleFrames);
      return;
    }
    this.#onRequest(id, ended, fields.end());
  }

  #onTrailers(id: number, ended: boolean, result: number): void {
    const stream = this.#streams.get(id);
    if (stream === undefined) {
      // What was on its way when the stream was reset is no mistake.
      if (this.#isForgiven(id)) this.#charge(this.#idleFrames);
      else this.#fail(this.#closed.wasReset(id) === false ? CODE.streamClosed : CODE.protocolError);
      return;
    }
    if (stream.remoteEnded) this.#fail(CODE.streamClosed);
    else if (result === TOO_MANY_FIELDS) this.#resetForFault(stream, CODE.enhanceYourCalm);
    else if (!ended || result < 0) this.#resetForFault(stream, CODE.protocolError);
    else this.#endBody(stream);
  }

  // ---------------------------------------------------------------- requests

  /** @param result of the fields: where their text ends, or what is wrong */
  #onRequest(id: number, ended: boolean, result: number): void {
    const { core } = this;
    const { maxStreams } = this.#host.options;
    const full = this.#streams.size >= maxStreams || this.#working >= maxStreams;
    if (full || result === MALFORMED || result === TOO_MANY_FIELDS) {
      // Whoever resets faster than handlers answer gets no more of them.
      if (full) publishLimit("maxStreams", "a stream was refused", this);
      if (result === TOO_MANY_FIELDS) publishLimit("maxFields", "a stream was reset", this);
      const code = full
        ? CODE.refusedStream
        : result === MALFORMED
          ? CODE.protocolError
          : CODE.enhanceYourCalm;
      this.#resetFrame(id, code);
      this.#charge(this.#resets);
      return;
    }
    this.#requests++;
    const { maxRequestsPerConnection } = core.options;
    const stream = new LoopStream(this, id, ended, this.#peer.initialWindow);
    stream.isHead = this.#host.fields.isHead;
    this.#answerRequest(stream, ended, result);
    if (!stream.gone) this.#streams.set(id, stream);
    if (maxRequestsPerConnection > 0 && this.#requests >= maxRequestsPerConnection) this.#goAway();
  }

  #answerRequest(stream: LoopStream, ended: boolean, result: number): void {
    const { core } = this;
    if (result < 0) {
      if (result === -431) publishLimit("maxHeadBytes", "answered 431", this);
      this.#respond(stream, errorPlan(-result, false));
      return;
    }
    const { head } = core;
    const used = head.parse(this.#host.fields.textStart, result);
    if (used <= 0) {
      this.#respond(stream, errorPlan(used === 0 ? 400 : parseErrorOf(used).status, false));
      return;
    }
    if (!ended) stream.takeBody(head.contentLength, head.field("expect") !== undefined);
    else if (head.contentLength > 0) {
      // §8.1.1: a length that is not that of the content.
      this.#resetForFault(stream, CODE.protocolError);
      return;
    }
    let answer: ResponsePlan | Promise<ResponsePlan>;
    const event = core.follower?.began(head, stream, true);
    try {
      answer =
        event === undefined
          ? core.answer(head, used, stream.body, stream)
          : core.answerWithin(event, head, used, stream.body, stream);
    } catch (error) {
      answer = core.failed(error, stream);
    }
    if (!(answer instanceof Promise)) {
      this.#respond(stream, answer);
      return;
    }
    core.observer?.wait(stream);
    core.loop.yieldTurn();
    this.#working++;
    answer.then(
      (plan) => this.#settle(stream, plan),
      (error: unknown) => this.#settle(stream, core.failed(error, stream)),
    );
  }

  #settle(stream: LoopStream, plan: ResponsePlan): void {
    this.#working--;
    this.core.loop.refreshClock();
    try {
      this.#respond(stream, plan);
    } catch (error) {
      this.#failed(error);
    }
    this.#flushSoon();
  }

  // ---------------------------------------------------------------- request bodies

  /** @param padding the first byte of the payload, if it is padded */
  #beginData(flags: number, id: number, length: number, padding: number): void {
    const stream = this.#streams.get(id);
    const isAllowed = this.#windows.begin(length);
    this.#dataFrameBytes = length;
    this.#dataEnds = (flags & FLAG.endStream) !== 0;
    this.#dataStream = null;
    const isPadded = (flags & FLAG.padded) !== 0;
    const padded = isPadded ? padding + 1 : 0;
    if ((id & 1) === 0 || id > this.#lastStream || (isPadded && padded > length)) {
      this.#fail(CODE.protocolError);
      return;
    }
    if (!isAllowed) {
      this.#fail(CODE.flowControlError);
      return;
    }
    this.#dataLeft = length - padded;
    this.#paddingLeft = isPadded ? padding : 0;
    if (!this.#dataEnds) {
      // Padding is not content either.
      if (this.#dataLeft === 0) this.#charge(this.#controls);
      // The first one may be all that there is.
      else if (this.#dataLeft < SMALL_DATA_BYTES && stream !== undefined && stream.receivedBytes > 0) {
        this.#charge(this.#idleFrames);
      }
      if (this.#carrier.isOver) return;
    }
    if (stream === undefined) {
      this.#onStrayData(id);
    } else if (stream.remoteEnded) {
      this.#resetForFault(stream, CODE.streamClosed);
    } else {
      stream.receiveWindow -= length;
      if (padded > 0) this.#windows.count(stream, 1);
      if (stream.receiveWindow < 0) this.#resetForFault(stream, CODE.flowControlError);
      else this.#dataStream = stream;
    }
    if (this.#dataLeft === 0 && this.#paddingLeft === 0) this.#endData();
  }

  /** What comes for a stream that is gone may have been on its way when it was reset. */
  #isForgiven(id: number): boolean {
    return this.#closed.wasReset(id) ?? this.#closed.hasForgotten;
  }

  #onStrayData(id: number): void {
    if (this.#isForgiven(id)) {
      this.#charge(this.#idleFrames);
      return;
    }
    this.#resetFrame(id, CODE.streamClosed);
    this.#charge(this.#resets);
  }

  #takeData(bytes: Uint8Array, at: number, end: number): number {
    if (this.#dataLeft > 0) {
      const stop = Math.min(end, at + this.#dataLeft);
      this.#dataLeft -= stop - at;
      const stream = this.#dataStream;
      if (stream !== null && !stream.gone) {
        this.#windows.count(stream, stop - at);
        const code = stream.feed(bytes, at, stop);
        if (code !== 0) this.#resetForFault(stream, code);
      }
      at = stop;
    }
    if (this.#dataLeft === 0) {
      const stop = Math.min(end, at + this.#paddingLeft);
      this.#paddingLeft -= stop - at;
      if (this.#dataStream?.gone === false) this.#windows.count(this.#dataStream, stop - at);
      at = stop;
      if (this.#paddingLeft === 0) this.#endData();
    }
    return at;
  }

  #endData(): void {
    const stream = this.#dataStream;
    this.#dataStream = null;
    this.#windows.end(this.#dataFrameBytes);
    if (stream !== null && !stream.gone && this.#dataEnds) {
      this.#endBody(stream);
      this.#windows.creditCollecting();
    }
    this.#windows.creditConnection();
  }

  #endBody(stream: LoopStream): void {
    const code = stream.endBody();
    if (code !== 0) this.#resetForFault(stream, code);
  }

  /** The reader of a body has taken what came: the client may send as much again. */
  credit(stream: LoopStream): void {
    if (this.#carrier.isOver) return;
    this.#windows.read(stream);
    this.#windows.creditStream(stream);
    this.#windows.creditConnection();
    this.#flushSoon();
  }

  sendContinue(stream: LoopStream): void {
    if (this.#carrier.isOver) return;
    this.#carrier.room(FRAME_HEAD_BYTES + STATUS_100.byteLength);
    this.#out.head(STATUS_100.byteLength, FRAME.headers, FLAG.endHeaders, stream.id);
    this.#out.put(STATUS_100);
    this.#flushSoon();
  }

  // ---------------------------------------------------------------- other frames

  #onSettings(flags: number, id: number, bytes: Uint8Array, start: number, end: number): void {
    const length = end - start;
    const isAck = (flags & FLAG.ack) !== 0;
    if (id !== 0) {
      this.#fail(CODE.protocolError);
      return;
    }
    if (isAck ? length !== 0 : length % SETTING_BYTES !== 0) {
      this.#fail(CODE.frameSizeError);
      return;
    }
    this.#hasSettings = true;
    this.#charge(this.#controls);
    if (isAck || this.#carrier.isOver) return;
    const before = this.#peer.initialWindow;
    const code = this.#peer.read(bytes, start, end);
    if (code !== 0) {
      this.#fail(code);
      return;
    }
    const grown = this.#peer.initialWindow - before;
    if (grown !== 0 && !this.#growWindows(grown)) return;
    this.#carrier.room(FRAME_HEAD_BYTES);
    this.#out.head(0, FRAME.settings, FLAG.ack, 0);
  }

  /** §6.9.2: of all streams, which may leave them negative. */
  #growWindows(by: number): boolean {
    for (const stream of this.#streams.values()) {
      stream.window += by;
      if (stream.window > LARGEST_WINDOW) {
        this.#fail(CODE.flowControlError);
        return false;
      }
      if (by > 0) this.#queue(stream);
    }
    return true;
  }

  #onWindowUpdate(id: number, bytes: Uint8Array, start: number, end: number): void {
    if (end - start !== 4) {
      this.#fail(CODE.frameSizeError);
      return;
    }
    const increment = readUint31(bytes, start);
    if (id === 0) {
      this.#sendWindow += increment;
      if (increment < SMALL_DATA_BYTES) this.#charge(this.#idleFrames);
      if (increment === 0) this.#fail(CODE.protocolError);
      else if (this.#sendWindow > LARGEST_WINDOW) this.#fail(CODE.flowControlError);
      return;
    }
    if (this.#isIdle(id)) {
      this.#fail(CODE.protocolError);
      return;
    }
    const stream = this.#streams.get(id);
    if (increment < SMALL_DATA_BYTES || stream === undefined) this.#charge(this.#idleFrames);
    if (stream === undefined) return;
    stream.window += increment;
    if (increment === 0) this.#resetForFault(stream, CODE.protocolError);
    else if (stream.window > LARGEST_WINDOW) this.#resetForFault(stream, CODE.flowControlError);
    else this.#queue(stream);
  }

  #onResetStream(id: number, length: number): void {
    if (length !== 4) this.#fail(CODE.frameSizeError);
    else if (this.#isIdle(id)) this.#fail(CODE.protocolError);
    else {
      const stream = this.#streams.get(id);
      if (stream === undefined) this.#charge(this.#idleFrames);
      else {
        this.#remove(stream, false, false);
        this.#charge(this.#resets);
      }
    }
  }

  #onPing(flags: number, id: number, bytes: Uint8Array, start: number, end: number): void {
    if (id !== 0) {
      this.#fail(CODE.protocolError);
      return;
    }
    if (end - start !== PING_BYTES) {
      this.#fail(CODE.frameSizeError);
      return;
    }
    if ((flags & FLAG.ack) !== 0) {
      if (this.#going === GOING.noticed) this.#goAway();
      else this.#charge(this.#idleFrames);
      return;
    }
    this.#charge(this.#controls);
    if (this.#carrier.isOver) return;
    this.#carrier.room(FRAME_HEAD_BYTES + PING_BYTES);
    this.#out.head(PING_BYTES, FRAME.ping, FLAG.ack, 0);
    for (let i = start; i < end; i++) this.#out.bytes[this.#out.at++] = bytes[i]!;
  }

  /** What a client thinks of the order of its streams is not followed (§5.3.2). */
  #onPriority(id: number, length: number): void {
    if (id === 0) this.#fail(CODE.protocolError);
    else if (length === PRIORITY_BYTES) this.#charge(this.#idleFrames);
    else {
      const stream = this.#streams.get(id);
      if (stream === undefined) this.#fail(CODE.frameSizeError);
      else this.#resetForFault(stream, CODE.frameSizeError);
    }
  }

  /** The client opens no more streams; those that are open go on. */
  #onGoAway(id: number, length: number): void {
    if (id !== 0) this.#fail(CODE.protocolError);
    else if (length < 8) this.#fail(CODE.frameSizeError);
    else this.#charge(this.#controls);
  }

  #isIdle(id: number): boolean {
    return (id & 1) === 0 || id > this.#lastStream;
  }

  // ---------------------------------------------------------------- answers

  /** Takes over the plan's reference. Never throws: what fails ends the stream. */
  #respond(stream: LoopStream, plan: ResponsePlan): void {
    if (stream.gone || this.#carrier.isOver) {
      dropPlan(plan);
      if (!stream.gone) this.#remove(stream, false, true);
      return;
    }
    if (plan.upgrade !== undefined) {
      // There are no tunnels here (§8.6).
      dropPlan(plan);
      plan = errorPlan(501, false);
    }
    plan = framedPlan(plan, stream.isHead);
    try {
      this.core.observer?.answered(stream, plan, stream.isHead, false);
      this.#begin(stream, plan);
    } catch (error) {
      this.core.reportError(error, stream);
      if (!stream.gone) {
        stream.plan ??= plan;
        this.reset(stream, CODE.internalError);
      }
    }
    if (plan.close === true) this.drain();
  }

  #begin(stream: LoopStream, plan: ResponsePlan): void {
    stream.plan = plan;
    const { body, head } = plan;
    const bodyless = stream.isHead || head.status === 204 || head.status === 304;
    if (!bodyless && body.kind === "bytes") {
      const { bytes } = body;
      if (plan.earlyHints === undefined && this.#sendWhole(stream, head, bytes)) return;
      stream.parts = [bytes];
    } else if (!bodyless && body.kind === "segments") {
      stream.parts = [...body.segments];
    } else if (body.kind === "stream") {
      if (bodyless) abandonChunks(body.chunks);
      else stream.pump(body.chunks, body.length);
    }
    if (this.#carrier.held.byteLength === 0) this.#sendHead(stream);
    this.#queue(stream);
  }

  /** The hot path: a whole answer at once. @returns `false` when it must wait for something */
  #sendWhole(stream: LoopStream, head: ResponseHead, bytes: Uint8Array): boolean {
    const { byteLength } = bytes;
    if (
      byteLength === 0 ||
      byteLength > MAX_FRAME_BYTES ||
      byteLength > this.#sendWindow ||
      byteLength > stream.window ||
      this.#carrier.held.byteLength > 0 ||
      this.#peer.owesTableSize
    )
      return false;
    const { core } = this;
    const { blocks } = this.#host;
    const block = blocks.of(head);
    const tail = blocks.tail(core.loop.wallMs, core.hsts);
    const blockBytes = block.byteLength + tail.byteLength;
    if (blockBytes > MAX_FRAME_BYTES) return false;
    this.#carrier.room(blockBytes + byteLength + 2 * FRAME_HEAD_BYTES);
    if (this.#carrier.held.byteLength > 0) return false;
    const out = this.#out;
    out.head(blockBytes, FRAME.headers, FLAG.endHeaders, stream.id);
    out.put(block);
    out.put(tail);
    out.head(byteLength, FRAME.data, FLAG.endStream, stream.id);
    out.put(bytes);
    this.#sendWindow -= byteLength;
    this.#sending.sentBytes += byteLength;
    this.#finish(stream);
    return true;
  }

  /** Sends HEADERS, with END_STREAM when nothing follows. */
  #sendHead(stream: LoopStream): void {
    const { core } = this;
    const { blocks } = this.#host;
    const { earlyHints, head } = stream.plan!;
    stream.headSent = true;
    if (earlyHints !== undefined) this.#blocks.send(stream.id, 0, blocks.of(earlyHints), NO_BYTES);
    const ends = !stream.more && stream.currentPart === undefined;
    const block = blocks.of(head);
    const tail = blocks.tail(core.loop.wallMs, core.hsts);
    this.#blocks.send(stream.id, ends ? FLAG.endStream : 0, block, tail);
    if (ends) this.#finish(stream);
  }

  /** The whole answer has been written. */
  #finish(stream: LoopStream): void {
    if (!stream.remoteEnded) {
      // The answer is there before the body is: what is missing is not waited for (§8.1).
      this.#carrier.room(13);
      this.#out.resetStream(stream.id, CODE.noError);
    }
    this.#remove(stream, true, !stream.remoteEnded);
  }

  /** Forgets a stream. @param byServer it was reset from here: what still comes is no mistake */
  #remove(stream: LoopStream, answered: boolean, byServer: boolean): void {
    this.#streams.delete(stream.id);
    this.#closed.add(stream.id, byServer);
    this.#windows.read(stream);
    this.#idleSinceMs = this.core.loop.nowMs;
    stream.close(answered);
    this.#windows.forget(stream);
    this.#windows.creditCollecting();
    this.#windows.creditConnection();
  }

  // ---------------------------------------------------------------- output

  /** A stream has something to send, or room to do so. */
  kick(stream: LoopStream): void {
    if (this.#carrier.isOver || stream.gone) return;
    this.#queue(stream);
    if (this.#reading || this.#pumping) return;
    try {
      this.#pump();
    } catch (error) {
      this.#failed(error);
    }
    this.#flushSoon();
  }

  #queue(stream: LoopStream): void {
    if (stream.queued || stream.gone || !stream.pending) return;
    stream.queued = true;
    this.#ready.push(stream);
  }

  /** Sends what the windows, the transport and this turn allow: a frame of each stream in turn. */
  #pump(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    try {
      this.#sendReady();
    } finally {
      this.#pumping = false;
    }
  }

  #sendReady(): void {
    const ready = this.#ready;
    let budget = MAX_BYTES_PER_TURN;
    let waiting = 0;
    while (ready.length > waiting && this.#carrier.held.byteLength === 0 && !this.#carrier.isOver) {
      if (budget <= 0) {
        this.#transport.yieldWrite();
        break;
      }
      const stream = ready[0]!;
      const result = this.#tryStep(stream);
      if (result === FULL) break;
      ready.shift();
      if (result === DONE || stream.gone) {
        stream.queued = false;
        continue;
      }
      ready.push(stream);
      if (result === NO_WINDOW) waiting++;
      else {
        waiting = 0;
        budget -= result;
      }
    }
  }

  /** An answer that cannot be sent ends its own stream. */
  #tryStep(stream: LoopStream): number {
    try {
      return this.#step(stream);
    } catch (error) {
      this.core.reportError(error, stream);
      this.reset(stream, CODE.internalError);
      return DONE;
    }
  }

  /** Sends one frame of a stream. @returns its bytes, {@link NO_WINDOW}, {@link FULL} or {@link DONE} */
  #step(stream: LoopStream): number {
    if (stream.gone) return DONE;
    if (!stream.headSent) {
      this.#sendHead(stream);
      return stream.gone ? DONE : 1;
    }
    const part = stream.currentPart;
    if (part === undefined) {
      if (stream.more) return DONE;
      this.#carrier.room(FRAME_HEAD_BYTES);
      this.#out.head(0, FRAME.data, FLAG.endStream, stream.id);
      this.#finish(stream);
      return DONE;
    }
    // It comes back when its window opens.
    if (stream.window <= 0) return DONE;
    if (this.#sendWindow <= 0) return NO_WINDOW;
    const left = lengthOf(part) - stream.offset;
    const window = Math.min(this.#sendWindow, stream.window);
    if (window < SMALL_DATA_BYTES && window < left) this.#charge(this.#idleFrames);
    if (this.#carrier.isOver) return DONE;
    const isFile = !(part instanceof Uint8Array);
    if (isFile && stream.offset > 0 && part.file.isUnchanged?.() === false) {
      this.#cutFile(stream, "the file changed while it was sent");
      return DONE;
    }
    this.#carrier.room(FRAME_HEAD_BYTES + Math.min(left, window, LEAST_ROOM_BYTES));
    if (this.#carrier.held.byteLength > 0) return FULL;
    const out = this.#out;
    let length = Math.min(left, window, MAX_FRAME_BYTES, out.room - FRAME_HEAD_BYTES);
    const at = out.at + FRAME_HEAD_BYTES;
    if (isFile) {
      const { base } = this.core.loop as EpollLoop;
      length = pread(part.file.fd, base + at, length, part.offset + stream.offset);
      if (length <= 0) {
        this.#cutFile(stream, "the file ended before its promised length");
        return DONE;
      }
    } else if (length === part.byteLength) {
      out.bytes.set(part, at);
    } else {
      out.bytes.set(part.subarray(stream.offset, stream.offset + length), at);
    }
    const isLast = stream.advance(length);
    out.head(length, FRAME.data, isLast ? FLAG.endStream : 0, stream.id);
    out.at += length;
    this.#sendWindow -= length;
    stream.window -= length;
    this.#sending.sentBytes += length;
    stream.sentBytes += length;
    if (isLast) this.#finish(stream);
    else if (stream.more) stream.wakeSource();
    return length;
  }

  #cutFile(stream: LoopStream, why: string): void {
    this.core.reportError(new Error(why), stream);
    stream.cut();
  }

  /** A mistake of ours: it costs this connection, not the server. */
  #failed(error: unknown): void {
    this.core.reportError(error);
    this.#carrier.break();
  }

  #flushAll(): void {
    if (this.#carrier.gone) return;
    try {
      this.#pump();
      this.#carrier.flush();
      this.#endIfDone();
    } catch (error) {
      this.#failed(error);
    }
  }

  /** What handlers' promises bring leaves when those of this turn are through. */
  #flushSoon(): void {
    if (this.#flushQueued || this.#reading || this.#carrier.gone) return;
    this.#flushQueued = true;
    queueMicrotask(() => {
      this.#flushQueued = false;
      this.#flushAll();
    });
  }

  onWritable(): void {
    if (this.#carrier.gone || this.#carrier.broken) return;
    try {
      this.#sendHeld();
    } catch (error) {
      this.#failed(error);
    }
  }

  #sendHeld(): void {
    if (!this.#carrier.drain()) return;
    if (this.#going === GOING.lingering) this.#transport.shutdown();
    else this.#flushAll();
  }

  // ---------------------------------------------------------------- end

  /** Resets a stream that cannot go on. */
  reset(stream: LoopStream, code: number): void {
    if (stream.gone || this.#carrier.gone) return;
    this.#carrier.room(13);
    this.#out.resetStream(stream.id, code);
    this.#remove(stream, false, true);
    this.#flushSoon();
  }

  /** A stream's client has broken a rule: it pays for that. */
  #resetForFault(stream: LoopStream, code: number): void {
    this.reset(stream, code);
    this.#charge(this.#resets);
  }

  #resetFrame(id: number, code: number): void {
    this.#carrier.room(13);
    this.#out.resetStream(id, code);
    this.#closed.add(id, true);
  }

  #charge(bucket: TokenBucket): void {
    if (this.#carrier.isOver || bucket.take(this.core.loop.nowMs)) return;
    const limit = bucket === this.#resets ? "resetsPerSecond" : "controlFramesPerSecond";
    publishLimit(limit, "more of them: closed with ENHANCE_YOUR_CALM", this);
    this.#fail(CODE.enhanceYourCalm);
  }

  /** The connection cannot go on (§5.4.1). */
  #fail(code: number): void {
    if (this.#carrier.isOver) return;
    this.#sayGoAway(this.#lastStream, code);
    this.#linger();
  }

  /**
   * Takes no more requests and closes when those that are there are answered. What is on its way when the client hears of
   * it is answered still: the last word is said a round trip later (§6.8).
   */
  drain(): void {
    if (this.#going !== GOING.on || this.#carrier.gone || this.#carrier.broken) return;
    this.#going = GOING.noticed;
    this.#sayGoAway(LARGEST_WINDOW, CODE.noError);
    this.#carrier.room(FRAME_HEAD_BYTES + PING_BYTES);
    this.#out.head(PING_BYTES, FRAME.ping, 0, 0);
    this.#out.put(SHUTDOWN_PING);
    this.#flushSoon();
  }

  /** The last word: later streams are not answered. */
  #goAway(): void {
    if (this.#going >= GOING.away || this.#carrier.isOver) return;
    this.#going = GOING.away;
    this.#sayGoAway(this.#lastStream, CODE.noError);
    this.#flushSoon();
  }

  #sayGoAway(last: number, code: number): void {
    this.#saidLast = Math.min(last, this.#saidLast);
    this.#carrier.room(17);
    this.#out.goAway(this.#saidLast, code);
  }

  #endIfDone(): void {
    if (this.#going !== GOING.away || this.#streams.size > 0 || this.#carrier.isOver) return;
    if (this.#carrier.held.byteLength === 0) this.#linger();
  }

  /** Ends its side in order: what was said last must reach the client before a reset can. */
  #linger(): void {
    this.#going = GOING.lingering;
    this.#carrier.lingering = true;
    this.#pending = null;
    this.#block.clear();
    this.#abandon();
    this.#carrier.flush();
    if (this.#carrier.gone || this.#carrier.broken) return;
    const { loop, options } = this.core;
    loop.timers.cancel(this);
    loop.timers.schedule(this, options.lingerTimeoutMs);
    if (this.#carrier.held.byteLength > 0) return;
    this.#transport.shutdown();
    if (!this.#carrier.gone) this.#carrier.resume();
  }

  /** All streams are over. */
  #abandon(): void {
    for (const stream of [...this.#streams.values()]) this.#remove(stream, false, true);
    this.#ready.length = 0;
  }

  /** Cuts it. */
  destroy(): void {
    if (this.#carrier.gone) return;
    this.#fail(CODE.noError);
    this.#transport.destroy();
  }

  onEnd(): void {
    try {
      // A client that ends its side can ask for nothing more, and takes no answers that it could ask again for.
      if (this.#going !== GOING.lingering && !this.#carrier.broken) this.#transport.shutdown();
      this.#transport.destroy();
    } catch (error) {
      this.#failed(error);
    }
  }

  onClose(errno: number): void {
    if (this.#carrier.gone) return;
    const { core } = this;
    this.#carrier.leave();
    publishConnection("closed", this.#transport, { errno, requests: this.#requests });
    core.observer?.disconnected();
    core.addresses?.remove(this.#transport);
    core.loop.timers.cancel(this);
    this.#pending = null;
    try {
      this.#abandon();
    } catch (error) {
      core.reportError(error);
    } finally {
      this.#host.onClose(this);
    }
  }

  // ---------------------------------------------------------------- time

  /** Once a second: is it idle for too long, or too slow? */
  #check(): void {
    if (this.#carrier.gone) return;
    try {
      this.#checkTimes();
    } catch (error) {
      this.#failed(error);
    }
  }

  #checkTimes(): void {
    const { loop, options } = this.core;
    if (this.#going === GOING.lingering) {
      this.#transport.destroy();
      return;
    }
    loop.timers.schedule(this, CHECK_MS);
    // The client had a second to hear the notice.
    if (this.#going === GOING.noticed) this.#goAway();
    if (this.#owesSinceMs >= 0 && loop.nowMs - this.#owesSinceMs >= options.headTimeoutMs) {
      publishLimit("headTimeoutMs", "no complete head in time: closed", this);
      this.#fail(CODE.enhanceYourCalm);
      return;
    }
    for (const stream of [...this.#streams.values()]) {
      // Who waits for memory here is not slow.
      stream.checkBody(loop.nowMs, this.#windows.isBraked(stream));
    }
    this.#windows.creditCollecting();
    this.#checkSending(loop.nowMs);
    if (this.#carrier.isOver || this.#streams.size > 0 || this.#carrier.held.byteLength > 0) return;
    if (loop.nowMs - this.#idleSinceMs >= options.idleTimeoutMs) this.drain();
  }

  /**
   * Does the client take what waits for it? A stream that waits for its own window is one answer that the client has put
   * aside; what waits for the transport or for the connection's window is all of them.
   */
  #checkSending(nowMs: number): void {
    const isHeld = this.#carrier.held.byteLength > 0;
    let isPending = isHeld;
    let needsWindow = false;
    for (const stream of [...this.#streams.values()]) {
      stream.checkSending(nowMs, isHeld);
      isPending ||= stream.pending;
      needsWindow ||= stream.pending && stream.window > 0;
    }
    if (!isPending) {
      this.#sending.rest();
      return;
    }
    const waits = isHeld || (needsWindow && this.#sendWindow <= 0);
    if (this.#sending.isFastEnough(this.#transport.takenBytes(), isHeld, waits, nowMs)) return;
    publishLimit("writeTimeoutMs", "takes its answers too slowly: closed", this);
    this.#transport.reset();
  }

  #sendSettings(): void {
    const { options, core } = this.#host;
    const settings = [
      [SETTING.headerTableSize, TABLE_BYTES],
      [SETTING.enablePush, 0],
      [SETTING.maxConcurrentStreams, options.maxStreams],
      [SETTING.maxHeaderListSize, core.options.maxHeadBytes],
    ] as const;
    this.#carrier.room(FRAME_HEAD_BYTES + settings.length * SETTING_BYTES);
    const out = this.#out;
    out.head(settings.length * SETTING_BYTES, FRAME.settings, 0, 0);
    for (const [id, value] of settings) {
      out.bytes[out.at++] = 0;
      out.bytes[out.at++] = id;
      out.uint32(value);
    }
  }
}
