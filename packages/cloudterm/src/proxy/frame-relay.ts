import type { Tunnel, TunnelHandler } from "@tz/http1";
import { CLOSE, isSendableCloseCode } from "@tz/ws";
import { closeReason } from "../close-reason.js";
import { ByteWay } from "./byte-way.js";
import { type FrameEvents, FrameScanner } from "./frame-scanner.js";
import type { Relay, RelayEnd, RelaySettings } from "./relay.js";

const OP = { close: 8, ping: 9, pong: 10 } as const;
/** Payload of the gateway's own pings, so that their pongs are known and kept from the upstream. */
const OWN_PING = Buffer.from("tz-proxy");
/** How long both sides may take to close once one has begun to. */
const CLOSE_MS = 5000;
/** After one side ended without a Close, how long the other may be silent. */
const HALF_CLOSED_MS = 10_000;

export interface FrameRelayOptions extends RelaySettings {
  /** permessage-deflate was agreed between the two ends. */
  readonly compressed: boolean;
  /** Sees data messages in both directions: recording, policies. The payload may be kept. Not with `compressed`. */
  readonly onPayload?:
    | ((from: "client" | "upstream", opcode: number, payload: Uint8Array, last: boolean) => void)
    | undefined;
  readonly onEnd: (end: RelayEnd) => void;
}

/**
 * Carries frames between a client and an upstream: payload as it came, heads judged, control frames seen.
 *
 * ```
 *   client ──▶ FrameScanner ──▶ ByteWay ──▶ upstream
 *   client ◀── ByteWay ◀── FrameScanner ◀── upstream
 * ```
 */
export class FrameRelay implements Relay {
  readonly fromClient: TunnelHandler;
  readonly fromUpstream: TunnelHandler;
  readonly #options: FrameRelayOptions;
  readonly #client: Tunnel;
  readonly #upstream: Tunnel;
  readonly #up: ByteWay;
  readonly #down: ByteWay;
  readonly #upFrames: FrameScanner;
  readonly #downFrames: FrameScanner;
  readonly #startMs: number;
  #heardMs: number;
  #clientHeardMs: number;
  #pinged = false;
  #halfClosed = false;
  #closeTimer: NodeJS.Timeout | undefined;
  #closeSeen = { client: false, upstream: false };
  #end: RelayEnd | undefined;
  #over = false;

  constructor(client: Tunnel, upstream: Tunnel, options: FrameRelayOptions, nowMs: number) {
    this.#options = options;
    this.#client = client;
    this.#upstream = upstream;
    this.#startMs = this.#heardMs = this.#clientHeardMs = nowMs;
    this.#up = new ByteWay(client, upstream);
    this.#down = new ByteWay(upstream, client);
    const rules = {
      compressed: options.compressed,
      maxMessageBytes: options.maxMessageBytes,
      maxFragments: options.maxFragments,
    };
    this.#upFrames = new FrameScanner({ ...rules, masked: true }, this.#events("client", this.#up));
    this.#downFrames = new FrameScanner({ ...rules, masked: false }, this.#events("upstream", this.#down));
    this.fromClient = {
      onData: (bytes, start, end) => {
        this.#heardMs = this.#clientHeardMs = performance.now();
        this.#pinged = false;
        this.#upFrames.scan(bytes, start, end);
      },
      onEnd: () => this.#ended("client"),
      onWritable: () => this.#down.writable(),
      onClose: () => this.#gone("client"),
      onStop: () => this.stop(CLOSE.goingAway, "the gateway stops"),
    };
    this.fromUpstream = {
      onData: (bytes, start, end) => {
        this.#heardMs = performance.now();
        this.#downFrames.scan(bytes, start, end);
      },
      onEnd: () => this.#ended("upstream"),
      onWritable: () => this.#up.writable(),
      onClose: () => this.#gone("upstream"),
    };
  }

  get passedBytes(): number {
    return this.#up.passedBytes + this.#down.passedBytes;
  }

  get waitingBytes(): number {
    return this.#up.waitingBytes + this.#down.waitingBytes;
  }

  tick(nowMs: number): void {
    const { maxTimeMs, idleTimeoutMs, pingIntervalMs } = this.#options;
    if (this.#over) return;
    if (this.#halfClosed && nowMs - this.#heardMs >= HALF_CLOSED_MS) {
      this.#finish(this.#end!);
      return;
    }
    if (this.#closes) return;
    if (maxTimeMs > 0 && nowMs - this.#startMs >= maxTimeMs) {
      this.stop(CLOSE.goingAway, "the time of the connection is over");
    } else if (idleTimeoutMs > 0 && nowMs - this.#heardMs >= idleTimeoutMs) {
      this.stop(CLOSE.goingAway, "nothing was said for too long");
    } else if (this.#halfClosed) {
      // Whoever said its last cannot answer.
    } else if (pingIntervalMs > 0 && nowMs - this.#clientHeardMs >= pingIntervalMs) {
      // Two intervals without a word, not even a pong: the client is gone. One whose bytes wait here is not asked.
      if (
        this.#pinged &&
        nowMs - this.#clientHeardMs >= 2 * pingIntervalMs &&
        this.#down.waitingBytes === 0
      ) {
        this.#finish({ by: "client", code: CLOSE.abnormal, reason: "the client is silent" });
      } else if (!this.#pinged && this.#downFrames.betweenFrames && this.#down.waitingBytes === 0) {
        this.#pinged = true;
        this.#send(this.#down, OP.ping, OWN_PING, false);
      }
    }
  }

  /** Closes both sides in good order. */
  stop(code: number, reason: string): void {
    if (this.#over || this.#closes) return;
    this.#end = { by: "gateway", code, reason };
    this.#closeBoth(code, reason);
  }

  /** A Close, or an end of both sides, is under way and has a time of its own. */
  get #closes(): boolean {
    return this.#closeTimer !== undefined;
  }

  #events(from: "client" | "upstream", way: ByteWay): FrameEvents {
    const { onPayload } = this.#options;
    return {
      onPass: (bytes, start, end) => way.pass(bytes, start, end),
      onControl: (opcode, payload) => this.#control(from, way, opcode, payload),
      onBroken: (code, reason) => this.#broken(from, code, reason),
      onPayload: onPayload && ((opcode, payload, last) => onPayload(from, opcode, payload, last)),
    };
  }

  #control(from: "client" | "upstream", way: ByteWay, opcode: number, payload: Uint8Array): void {
    if (this.#end?.by === "gateway" && opcode !== OP.close) return;
    if (opcode === OP.pong && from === "client" && OWN_PING.equals(payload)) return;
    if (opcode !== OP.close) {
      this.#send(way, opcode, payload, from === "client");
      return;
    }
    const { code, reason } = readClose(payload);
    this.#closeSeen[from] = true;
    if (this.#end === undefined) this.#end = { by: from, code, reason };
    // A code that may not be on the wire would end the other side with an error of its own.
    const fit = payload.length === 0 || (payload.length >= 2 && isSendableCloseCode(code));
    if (fit) this.#send(way, OP.close, payload, from === "client");
    else
      this.#send(
        way,
        OP.close,
        closePayload(CLOSE.badGateway, `the ${from} closed with ${code}`),
        from === "client",
      );
    this.#armClose();
    if (this.#closeSeen.client && this.#closeSeen.upstream) {
      this.#up.shutdown();
      this.#down.shutdown();
    }
  }

  #broken(from: "client" | "upstream", code: number, reason: string): void {
    if (this.#over) return;
    if (this.#end === undefined) this.#end = { by: "gateway", code, reason: `the ${from} sent ${reason}` };
    this.#closeBoth(code, from === "client" ? reason : `the upstream sent ${reason}`);
  }

  #closeBoth(code: number, reason: string): void {
    const payload = closePayload(code, reason);
    if (this.#upFrames.betweenFrames && !this.#closeSeen.client)
      this.#send(this.#up, OP.close, payload, true);
    if (this.#downFrames.betweenFrames && !this.#closeSeen.upstream) {
      this.#send(this.#down, OP.close, payload, false);
    }
    this.#up.shutdown();
    this.#down.shutdown();
    this.#armClose();
  }

  /** One side finished sending. */
  #ended(from: "client" | "upstream"): void {
    if (this.#over) return;
    if (from === "client") {
      if (this.#end === undefined) this.#end = { by: "client", code: CLOSE.abnormal, reason: "" };
      this.#up.shutdown();
    } else {
      if (this.#end === undefined) {
        const reason = "the upstream went away";
        this.#end = { by: "upstream", code: CLOSE.abnormal, reason };
        if (this.#downFrames.betweenFrames) {
          this.#send(this.#down, OP.close, closePayload(CLOSE.badGateway, reason), false);
        }
      }
      this.#down.shutdown();
    }
    this.#halfClosed = true;
    if (this.#up.done && this.#down.done) this.#armClose();
  }

  #gone(from: "client" | "upstream"): void {
    if (this.#over) return;
    if (from === "upstream") {
      this.#ended("upstream");
      // What it said last may still be on its way.
      if (this.#down.waitingBytes === 0) this.#up.shutdown();
      this.#armClose();
      return;
    }
    this.#finish(this.#end ?? { by: "client", code: CLOSE.abnormal, reason: "" });
  }

  #armClose(): void {
    if (this.#closeTimer !== undefined || this.#over) return;
    this.#closeTimer = setTimeout(() => this.#finish(this.#end!), CLOSE_MS);
    this.#closeTimer.unref();
  }

  #finish(end: RelayEnd): void {
    if (this.#over) return;
    this.#over = true;
    clearTimeout(this.#closeTimer);
    this.#up.release();
    this.#down.release();
    this.#client.destroy();
    this.#upstream.destroy();
    this.#options.onEnd(end);
  }

  #send(way: ByteWay, opcode: number, payload: Uint8Array, masked: boolean): void {
    // A zero key: the payload goes as it is, and the mask's purpose (RFC 6455 §10.3) concerns browsers' data, not ours.
    const head = masked
      ? [0x80 | opcode, 0x80 | payload.length, 0, 0, 0, 0]
      : [0x80 | opcode, payload.length];
    const frame = Buffer.concat([Buffer.from(head), payload]);
    way.pass(frame, 0, frame.length);
  }
}

function closePayload(code: number, reason: string): Buffer {
  return Buffer.concat([Buffer.of(code >> 8, code & 0xff), Buffer.from(closeReason(reason))]);
}

function readClose(payload: Uint8Array): { code: number; reason: string } {
  if (payload.length < 2)
    return { code: payload.length === 0 ? CLOSE.noStatus : CLOSE.protocolError, reason: "" };
  return { code: (payload[0]! << 8) | payload[1]!, reason: Buffer.from(payload.subarray(2)).toString() };
}
