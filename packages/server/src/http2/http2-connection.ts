import { constants, performServerHandshake, type ServerHttp2Session } from "node:http2";
import type { TLSSocket } from "node:tls";
import { WheelTimer } from "@tz/alloc";
import type { ResponsePlan } from "@tz/http1";
import { Pace } from "../limits/pace.js";
import { publishLimit } from "../observe/connection-channels.js";
import type { ServerCore } from "../server-core.js";
import type { AnswerFields } from "./answer-fields.js";
import { Http2Exchange } from "./http2-exchange.js";
import type { ResolvedHttp2 } from "./http2-options.js";
import { TokenBucket } from "./token-bucket.js";

const { NGHTTP2_CANCEL, NGHTTP2_ENHANCE_YOUR_CALM, NGHTTP2_REFUSED_STREAM } = constants;
const END_STREAM = constants.NGHTTP2_FLAG_END_STREAM;
/** Pseudo-fields do not count as fields. */
const PSEUDO_FIELDS = 5;
/** Deadlines are looked at this often. */
const CHECK_MS = 1000;

/** What the connections of one listener share. */
export interface Http2Host {
  readonly core: ServerCore;
  readonly options: ResolvedHttp2;
  /** Of the moment: they change with `hsts`. */
  readonly answers: AnswerFields;
  onClose(connection: Http2Connection): void;
}

/**
 * One client's HTTP/2 conversation, on `node:http2`. Bounded in streams, resets, control frames and time, since a client
 * pays less for each of them than the server does (CVE-2023-44487, CVE-2019-9512, CVE-2019-9515).
 */
export class Http2Connection extends WheelTimer {
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly #host: Http2Host;
  readonly #socket: TLSSocket;
  readonly #session: ServerHttp2Session;
  readonly #exchanges = new Set<Http2Exchange>();
  readonly #resets: TokenBucket;
  readonly #controls: TokenBucket;
  readonly #released: ResponsePlan[] = [];
  /** Handlers at work, also for streams that are gone. */
  working = 0;
  #requests = 0;
  #idleSinceMs: number;
  #sendPace: Pace | null = null;
  /** More resets or control frames than allowed: it ends after this turn. */
  #flooded = false;
  #closed = false;

  constructor(socket: TLSSocket, host: Http2Host) {
    super((timer) => (timer as Http2Connection).#check());
    const { core, options } = host;
    this.#host = host;
    this.#socket = socket;
    this.remoteAddress = socket.remoteAddress ?? "";
    this.remotePort = socket.remotePort ?? 0;
    this.#resets = new TokenBucket(options.resetsPerSecond, options.resetBurst);
    this.#controls = new TokenBucket(options.controlFramesPerSecond, options.controlFrameBurst);
    core.loop.refreshClock();
    this.#idleSinceMs = core.loop.nowMs;
    const session = performServerHandshake(socket, {
      maxSessionMemory: options.sessionMemoryMiB,
      maxHeaderListPairs: core.options.maxFields + PSEUDO_FIELDS,
      settings: {
        maxConcurrentStreams: options.maxStreams,
        maxHeaderListSize: core.options.maxHeadBytes,
        enablePush: false,
      },
    }) as ServerHttp2Session;
    this.#session = session;
    session.on("stream", (stream, _headers, flags, ...rest) => {
      const [rawHeaders = []] = rest as unknown as [(readonly string[])?];
      this.#onStream(stream, rawHeaders, (flags & END_STREAM) !== 0);
    });
    session.on("ping", () => this.#onControlFrame());
    session.on("remoteSettings", () => this.#onControlFrame());
    session.on("error", () => {});
    session.on("close", () => this.#onClose());
    // A client that ends its side can ask for nothing more, and takes no answers that it could ask again for.
    socket.once("end", () => session.destroy());
    core.loop.timers.schedule(this, CHECK_MS);
  }

  get core(): ServerCore {
    return this.#host.core;
  }

  get answers(): AnswerFields {
    return this.#host.answers;
  }

  get peerCertificate(): Uint8Array | undefined {
    return this.#socket.getPeerX509Certificate()?.raw;
  }

  /** Takes no more requests (GOAWAY) and closes when those that it has are answered. */
  drain(): void {
    if (!this.#session.closed && !this.#session.destroyed) this.#session.close();
  }

  /** Resolves when it is gone. */
  destroy(code: number = NGHTTP2_CANCEL): Promise<void> {
    const session = this.#session;
    if (this.#closed) return Promise.resolve();
    const closed = new Promise<void>((resolve) => session.once("close", resolve));
    // Without an error Node does not send the code.
    if (!session.destroyed) session.destroy(new Error("the server ends the connection"), code);
    // What GOAWAY waits for may never come.
    setImmediate(() => this.#socket.destroy());
    return closed;
  }

  /** Gives a plan back when what Node has taken of it is written: after this turn. */
  releaseSoon(plan: ResponsePlan): void {
    this.#released.push(plan);
    if (this.#released.length > 1) return;
    setImmediate(() => {
      for (const each of this.#released.splice(0)) each.release?.();
    });
  }

  onExchangeEnd(exchange: Http2Exchange, orderly: boolean): void {
    const { loop } = this.core;
    this.#exchanges.delete(exchange);
    this.#idleSinceMs = loop.nowMs;
    if (!orderly && !this.#closed) this.#charge(this.#resets);
  }

  #onStream(
    stream: Parameters<ServerHttp2StreamListener>[0],
    rawHeaders: readonly string[],
    ended: boolean,
  ): void {
    const { core, options } = this.#host;
    const { maxRequestsPerConnection } = core.options;
    const full = this.#exchanges.size >= options.maxStreams || this.working >= options.maxStreams;
    if (full || this.#flooded) {
      // Whoever resets faster than handlers answer gets no more of them.
      stream.on("error", () => {});
      stream.close(NGHTTP2_REFUSED_STREAM);
      if (full) publishLimit("maxStreams", "a stream was refused", this);
      this.#charge(this.#resets);
      return;
    }
    this.#requests++;
    if (maxRequestsPerConnection > 0 && this.#requests >= maxRequestsPerConnection) this.drain();
    const exchange = new Http2Exchange(this, stream);
    this.#exchanges.add(exchange);
    exchange.begin(rawHeaders, ended);
  }

  #onControlFrame(): void {
    this.core.loop.refreshClock();
    this.#charge(this.#controls);
  }

  #charge(bucket: TokenBucket): void {
    if (this.#flooded || bucket.take(this.core.loop.nowMs)) return;
    this.#flooded = true;
    const limit = bucket === this.#resets ? "resetsPerSecond" : "controlFramesPerSecond";
    publishLimit(limit, "more of them: closed with ENHANCE_YOUR_CALM", this);
    // Not from within a callback of nghttp2, which would go on with the rest of what it has read.
    setImmediate(() => void this.destroy(NGHTTP2_ENHANCE_YOUR_CALM));
  }

  /** Once a second: is it idle for too long, or too slow? */
  #check(): void {
    if (this.#closed) return;
    const { loop, options } = this.core;
    loop.timers.schedule(this, CHECK_MS);
    if (this.#exchanges.size === 0) {
      this.#sendPace = null;
      if (loop.nowMs - this.#idleSinceMs >= options.idleTimeoutMs) this.drain();
      return;
    }
    let sending = false;
    for (const exchange of this.#exchanges) {
      exchange.checkBody(loop.nowMs);
      sending ||= exchange.sending;
    }
    if (!sending) {
      this.#sendPace = null;
      return;
    }
    const { writeTimeoutMs, minSendBytesPerSecond } = options;
    const written = this.#socket.bytesWritten;
    this.#sendPace ??= new Pace(writeTimeoutMs, minSendBytesPerSecond, written, loop.nowMs);
    if (this.#sendPace.note(written, loop.nowMs) > 0) return;
    publishLimit("writeTimeoutMs", "takes its answers too slowly: closed", this);
    void this.destroy();
  }

  #onClose(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.core.loop.timers.cancel(this);
    this.#host.onClose(this);
  }
}

type ServerHttp2StreamListener = (stream: import("node:http2").ServerHttp2Stream) => void;
