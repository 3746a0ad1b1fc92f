import { ByteQueue } from "./byte-queue.js";
import { closeChannel, errorChannel, openChannel } from "./channels.js";
import { CLOSE } from "./close-codes.js";
import { closePayload, type PeerClose, readClose } from "./close-frame.js";
import { type DeflateAgreement, deflaterFor, inflaterFor } from "./deflate/agreement.js";
import { sharedDeflateRuntime } from "./deflate/runtime.js";
import { shown, WsError } from "./errors.js";
import { FrameSender } from "./frame-sender.js";
import { Liveness } from "./liveness.js";
import { type MessageEvents, MessageReader } from "./message-reader.js";
import { MessageSender, type SendOptions } from "./message-sender.js";
import { CONTROL_PAYLOAD_BYTES_MAX, FIN, OPCODE, type Role } from "./opcode.js";
import { type ConnectionSettings, connectionSettings } from "./options.js";
import type { Sink } from "./sink.js";
import { sharedWorkspace, type Workspace } from "./workspace.js";

/**
 * What happens on a connection. One handler may serve any number of them; `bytes[start, end)` is valid during
 * the call only.
 */
export interface ConnectionHandler {
  /** A whole message; text is valid UTF-8. */
  onMessage(
    connection: WebSocketConnection,
    bytes: Uint8Array,
    start: number,
    end: number,
    isText: boolean,
  ): void;
  /** All that was buffered has left, after a send that returned false. */
  onDrain?(connection: WebSocketConnection): void;
  onPing?(connection: WebSocketConnection, bytes: Uint8Array, start: number, end: number): void;
  onPong?(connection: WebSocketConnection, bytes: Uint8Array, start: number, end: number): void;
  /** Why the connection fails, before `onClose`. */
  onError?(connection: WebSocketConnection, error: WsError): void;
  /**
   * The end, exactly once.
   *
   * @param code of the peer's Close; 1005 when that had none, 1006 when there was no Close
   * @param clean both ends sent a Close
   */
  onClose?(connection: WebSocketConnection, code: number, reason: string, clean: boolean): void;
}

export interface ConnectionParts {
  /** From `connectionSettings`; default: all defaults. */
  readonly settings?: ConnectionSettings | undefined;
  /** permessage-deflate as agreed in the handshake. */
  readonly deflate?: DeflateAgreement | undefined;
  /** The subprotocol that was agreed. */
  readonly protocol?: string | undefined;
  /** Default: one for the thread. */
  readonly workspace?: Workspace | undefined;
}

export type ConnectionState = "open" | "closing" | "closed";

let defaultSettings: ConnectionSettings | undefined;

/**
 * One WebSocket connection after the handshake, over any transport: fed with bytes, writing into a
 * {@link Sink}. No timers, no sockets, no buffers while idle.
 *
 * ```
 *   receive ──▶ FrameParser ──▶ MessageReader (join, UTF-8, inflate) ──▶ handler.onMessage
 *      send ──▶ MessageSender (fragments, deflate) ──▶ FrameSender (cork, mask) ──▶ sink
 * ```
 *
 * The driver calls `receive` (or `receiveInPlace`), `writable`, `ended` and, about once a second, `tick`.
 */
export class WebSocketConnection {
  readonly role: Role;
  readonly protocol: string | undefined;
  /** For the application. */
  data: unknown = undefined;

  readonly #sink: Sink;
  readonly #handler: ConnectionHandler;
  readonly #settings: ConnectionSettings;
  readonly #workspace: Workspace;
  readonly #reader: MessageReader;
  readonly #frames: FrameSender;
  readonly #messages: MessageSender;
  readonly #liveness: Liveness;

  #state: ConnectionState = "open";
  #peerClose: PeerClose | undefined = undefined;
  #closeSent = false;
  /** A Close that waits for messages that are still compressed. */
  #closeWaiting: Buffer | undefined = undefined;
  /** The transport is to be ended as soon as nothing is buffered. */
  #endWhenDrained = false;
  #drainWanted = false;
  /** The pong that is owed while the sink is blocked: only the last ping needs one (RFC 6455 §5.5.3). */
  #pongWaiting: Buffer | undefined = undefined;
  #paused = false;
  #reading = false;
  /** Received while paused. */
  #held: ByteQueue | undefined = undefined;

  constructor(role: Role, sink: Sink, handler: ConnectionHandler, parts: ConnectionParts = {}) {
    this.role = role;
    this.protocol = parts.protocol;
    this.#sink = sink;
    this.#handler = handler;
    this.#settings = parts.settings ?? (defaultSettings ??= connectionSettings());
    this.#workspace = parts.workspace ?? sharedWorkspace();
    this.#liveness = new Liveness(this.#settings);
    const { deflate } = parts;
    const runtime = deflate && sharedDeflateRuntime();
    const inflater = deflate && inflaterFor(role, deflate, runtime!, this.#settings.maxMessageBytes);
    const deflater = deflate && deflaterFor(role, deflate, runtime!);
    this.#reader = new MessageReader(
      role,
      this.#workspace,
      new WebSocketConnection.#Incoming(this),
      this.#settings,
      inflater,
    );
    this.#frames = new FrameSender(role, sink, this.#workspace);
    this.#messages = new MessageSender(this.#frames, deflater, deflate?.settings.thresholdBytes ?? 0, () =>
      this.#afterWaiting(),
    );
    if (openChannel.hasSubscribers) openChannel.publish({ connection: this });
  }
  // ---- For the application ----

  get state(): ConnectionState {
    return this.#state;
  }

  /** Bytes that wait for the transport, and payload that waits for the compressor. */
  get bufferedBytes(): number {
    return this.#frames.bufferedBytes + this.#messages.waitingBytes;
  }

  /**
   * Sends a message, or a frame of one: strings as text, bytes as binary unless `text` is set. The bytes are
   * copied or sent before this returns.
   *
   * @returns true to go on; false when bytes wait (stop until `onDrain`) or the connection is not open (the
   *   message is dropped)
   */
  send(data: string | Uint8Array, options?: SendOptions): boolean {
    if (typeof data !== "string") {
      return this.sendRange(data, 0, data.length, options?.text === true, options);
    }
    if (!this.#maySend()) return false;
    this.#messages.sendText(data, options?.fin ?? true, options?.compress);
    return this.#afterSend();
  }

  /** {@link send} for `bytes[start, end)`, without a view: what an echo does. */
  sendRange(bytes: Uint8Array, start: number, end: number, isText: boolean, options?: SendOptions): boolean {
    if (!this.#maySend()) return false;
    this.#messages.send(bytes, start, end, isText, options?.fin ?? true, options?.compress);
    return this.#afterSend();
  }

  /** @throws WsError `TZ_WS_ARGUMENT` above 125 bytes */
  ping(payload: string | Uint8Array = NO_BYTES): void {
    this.#sendControl(OPCODE.ping, payload);
  }

  /** A pong that nobody asked for (RFC 6455 §5.5.3). @throws WsError `TZ_WS_ARGUMENT` above 125 bytes */
  pong(payload: string | Uint8Array = NO_BYTES): void {
    this.#sendControl(OPCODE.pong, payload);
  }

  /**
   * Begins the closing handshake (RFC 6455 §7.1.2), behind all that was sent. `onClose` follows when the peer
   * has answered, or after `closeTimeoutMs`. A paused connection is resumed: messages may still come.
   *
   * @param code 1000–1003, 1007–1014 or 3000–4999
   * @throws WsError `TZ_WS_ARGUMENT` for a code that must not be sent or a reason above 123 bytes
   */
  close(code: number = CLOSE.normal, reason = ""): void {
    const payload = closePayload(code, reason);
    if (this.#state !== "open") return;
    this.#state = "closing";
    this.#sendClose(payload);
    // The peer's Close lies behind what it sent before.
    this.resume();
  }

  /** Ends the transport at once, without a Close. */
  terminate(): void {
    if (this.#state === "closed") return;
    this.#abort();
  }

  /** All frames that `work` sends leave in as few writes as possible. Callbacks from `receive` are corked so. */
  cork(work: () => void): void {
    this.#frames.cork();
    try {
      work();
    } finally {
      this.#frames.uncork();
    }
  }

  /** No more messages until `resume`. */
  pause(): void {
    if (this.#paused || this.#state === "closed") return;
    this.#paused = true;
    this.#reader.parser.halted = true;
    this.#sink.pause?.();
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    if (this.#reader.busy) return;
    if (!this.#reading) {
      this.#continueReading();
      return;
    }
    // Called from a callback of the read that is under way: it goes on by itself.
    this.#reader.parser.halted = false;
    this.#sink.resume?.();
  }

  // ---- For the driver ----

  /** Received bytes. They are copied into the workspace before they are read, and are not changed. */
  receive(bytes: Uint8Array, start = 0, end = bytes.length): void {
    if (!this.#mayRead(bytes, start, end)) return;
    let at = start;
    this.#enter();
    try {
      at = this.#readStaged(bytes, start, end);
    } finally {
      this.#leave();
    }
    this.#afterRead(bytes, at, end);
  }

  /** Received bytes that lie at `[start, end)` of the workspace's memory: they are unmasked there. */
  receiveInPlace(start: number, end: number): void {
    const { bytes } = this.#workspace;
    if (!this.#mayRead(bytes, start, end)) return;
    let at = start;
    this.#enter();
    try {
      at = this.#reader.parser.parse(start, end);
    } finally {
      this.#leave();
    }
    this.#afterRead(bytes, at, end);
  }

  /** The sink takes bytes again. */
  writable(): void {
    if (this.#state === "closed" || !this.#frames.drain()) return;
    if (this.#pongWaiting !== undefined) {
      const payload = this.#pongWaiting;
      this.#pongWaiting = undefined;
      this.#answerPing(payload, 0, payload.length);
      if (this.#frames.isBlocked) return;
    }
    if (this.#endWhenDrained) this.#endIfDrained();
    else this.#reportDrain();
  }

  /** The transport has ended: the peer closed it, or it failed. Nothing is written after it. */
  ended(cause?: Error): void {
    if (this.#state === "closed") return;
    if (cause !== undefined) this.#report(new WsError("TZ_WS_TRANSPORT", cause.message, { cause }));
    this.#finish();
  }

  /** Time passes: pings, idle and closing timeouts. @param nowMs from any clock that does not go back */
  tick(nowMs: number): void {
    if (this.#state === "closed") return;
    // Who is not read is not idle.
    if (this.#paused) this.#liveness.noteReceived();
    switch (this.#liveness.tick(nowMs, this.#state === "closing")) {
      case "ping":
        if (!this.#frames.isBlocked) this.#frames.send(FIN | OPCODE.ping, NO_BYTES, 0, 0);
        break;
      case "idle":
        this.#fail(new WsError("TZ_WS_IDLE"));
        break;
      case "closeTimeout":
        this.#report(new WsError("TZ_WS_CLOSE_TIMEOUT"));
        this.#abort();
        break;
      case "nothing":
    }
  }

  // ---- Reading ----

  /** What the reader reports, kept off the public class. */
  static readonly #Incoming = class implements MessageEvents {
    readonly #connection: WebSocketConnection;

    constructor(connection: WebSocketConnection) {
      this.#connection = connection;
    }

    onMessage(bytes: Uint8Array, start: number, end: number, isText: boolean): void {
      const connection = this.#connection;
      try {
        connection.#handler.onMessage(connection, bytes, start, end, isText);
      } catch (error) {
        connection.#failFor(error);
        throw error;
      }
    }

    onControl(opcode: number, bytes: Uint8Array, start: number, end: number): void {
      const connection = this.#connection;
      try {
        connection.#onControl(opcode, bytes, start, end);
      } catch (error) {
        connection.#failFor(error);
        throw error;
      }
    }

    onReadError(error: WsError): void {
      this.#connection.#fail(error);
    }

    onReadResume(): void {
      if (!this.#connection.#paused) this.#connection.#continueReading();
    }
  };

  /** @returns false when the bytes are not wanted, or had to be put aside */
  #mayRead(bytes: Uint8Array, start: number, end: number): boolean {
    const { parser } = this.#reader;
    if (parser.failed) return false;
    this.#liveness.noteReceived();
    if (!this.#reading && !parser.halted && this.#held === undefined) return true;
    if (this.#held === undefined) {
      this.#held = new ByteQueue();
      if (!this.#reading) this.#sink.pause?.();
    }
    this.#held.append(bytes, start, end);
    return false;
  }

  #enter(): void {
    this.#reading = true;
    this.#frames.cork();
  }

  #leave(): void {
    this.#reading = false;
    this.#frames.uncork();
  }

  #readStaged(bytes: Uint8Array, start: number, end: number): number {
    const workspace = this.#workspace;
    const { parser } = this.#reader;
    let at = start;
    while (at < end && !parser.halted && !parser.failed) {
      const stagedAt = workspace.stagedEnd;
      const length = workspace.stage(bytes, at, end);
      if (length === 0) throw new WsError("TZ_WS_ARGUMENT", "connections feed each other too deeply");
      try {
        at += parser.parse(stagedAt, stagedAt + length) - stagedAt;
      } finally {
        workspace.unstage(stagedAt);
      }
    }
    return at;
  }

  /** Puts aside what was not read, in front of what came meanwhile; or goes on with that. */
  #afterRead(bytes: Uint8Array, at: number, end: number): void {
    const { parser } = this.#reader;
    if (parser.failed || (at === end && this.#held === undefined)) return;
    const queue = new ByteQueue();
    queue.append(bytes, at, end);
    this.#held?.drain((later, from, to) => {
      queue.append(later, from, to);
      return to - from;
    });
    this.#held = queue;
    if (parser.halted) this.#sink.pause?.();
    else this.#continueReading();
  }

  #continueReading(): void {
    const { parser } = this.#reader;
    parser.halted = false;
    const held = this.#held;
    while (held !== undefined && held.length > 0 && !parser.halted && !parser.failed) {
      this.#enter();
      try {
        held.drain((bytes, start, end) => this.#readStaged(bytes, start, end) - start);
      } finally {
        this.#leave();
      }
    }
    if (parser.halted || parser.failed) return;
    this.#held = undefined;
    this.#sink.resume?.();
  }

  #onControl(opcode: number, bytes: Uint8Array, start: number, end: number): void {
    if (opcode === OPCODE.close) {
      this.#onClose(bytes, start, end);
    } else if (!this.#liveness.noteControl()) {
      this.#fail(new WsError("TZ_WS_CONTROL_FLOOD"));
    } else if (opcode === OPCODE.pong) {
      this.#handler.onPong?.(this, bytes, start, end);
    } else {
      if (this.#settings.autoPong) this.#answerPing(bytes, start, end);
      this.#handler.onPing?.(this, bytes, start, end);
    }
  }

  #answerPing(bytes: Uint8Array, start: number, end: number): void {
    if (this.#closeSent) return;
    if (this.#frames.isBlocked) this.#pongWaiting = Buffer.from(bytes.subarray(start, end));
    else this.#frames.send(FIN | OPCODE.pong, bytes, start, end);
  }

  #onClose(bytes: Uint8Array, start: number, end: number): void {
    const read = readClose(bytes, start, end);
    if (read instanceof WsError) {
      this.#fail(read);
      return;
    }
    this.#peerClose = read;
    this.#reader.close();
    const answered = this.#state === "closing";
    this.#state = "closing";
    if (answered) this.#afterCloses();
    else this.#sendClose(closePayload(read.code === CLOSE.noStatus ? undefined : read.code));
  }

  // ---- Writing ----

  #maySend(): boolean {
    if (this.#state !== "open") return false;
    const buffered = this.#frames.backlogBytes + this.#messages.waitingBytes;
    if (buffered === 0 || buffered < this.#settings.maxBufferedBytes) return true;
    this.#report(new WsError("TZ_WS_BUFFER_FULL", `${buffered} bytes wait for a peer that does not read`));
    this.#abort();
    return false;
  }

  #afterSend(): boolean {
    if (!this.#frames.isBlocked && !this.#messages.busy) return true;
    this.#drainWanted = true;
    return false;
  }

  #sendControl(opcode: number, payload: string | Uint8Array): void {
    const bytes = typeof payload === "string" ? Buffer.from(payload, "utf8") : payload;
    if (bytes.length > CONTROL_PAYLOAD_BYTES_MAX) {
      throw new WsError("TZ_WS_ARGUMENT", `a control frame of ${shown(bytes.length)} bytes, 125 are allowed`);
    }
    if (this.#maySend()) this.#frames.send(FIN | opcode, bytes, 0, bytes.length);
  }

  /** No message waits for the compressor any more. */
  #afterWaiting(): void {
    const payload = this.#closeWaiting;
    this.#closeWaiting = undefined;
    if (payload !== undefined) this.#sendClose(payload);
    else if (!this.#frames.isBlocked) this.#reportDrain();
  }

  #reportDrain(): void {
    if (!this.#drainWanted || this.#messages.busy) return;
    this.#drainWanted = false;
    if (this.#state === "open") this.#handler.onDrain?.(this);
  }

  // ---- Ending ----

  #sendClose(payload: Buffer): void {
    if (this.#messages.busy) {
      this.#closeWaiting = payload;
      return;
    }
    this.#frames.send(FIN | OPCODE.close, payload, 0, payload.length);
    this.#closeSent = true;
    this.#afterCloses();
  }

  /** The server ends the transport first (RFC 6455 §7.1.1); a client waits for it. */
  #afterCloses(): void {
    if (!this.#closeSent || this.#peerClose === undefined || this.role === "client") return;
    this.#endIfDrained();
  }

  #endIfDrained(): void {
    this.#endWhenDrained = true;
    this.#frames.flush();
    if (this.#frames.isBlocked || this.#state === "closed") return;
    this.#sink.close();
    this.#finish();
  }

  /** _Fail the WebSocket Connection_ (RFC 6455 §7.1.7). */
  #fail(error: WsError): void {
    if (this.#state === "closed" || this.#endWhenDrained) return;
    this.#reader.close();
    this.#state = "closing";
    this.#messages.close();
    this.#closeWaiting = undefined;
    this.#report(error);
    if (!this.#closeSent && error.closeCode !== undefined) {
      const payload = closePayload(error.closeCode);
      this.#frames.send(FIN | OPCODE.close, payload, 0, payload.length);
      this.#closeSent = true;
    }
    this.#endIfDrained();
  }

  #failFor(cause: unknown): void {
    this.#fail(new WsError("TZ_WS_HANDLER", undefined, { cause }));
  }

  #report(error: WsError): void {
    if (errorChannel.hasSubscribers) errorChannel.publish({ connection: this, error });
    this.#handler.onError?.(this, error);
  }

  #abort(): void {
    if (this.#state === "closed") return;
    if (this.#sink.abort !== undefined) this.#sink.abort();
    else this.#sink.close();
    this.#finish();
  }

  #finish(): void {
    if (this.#state === "closed") return;
    this.#state = "closed";
    this.#reader.close();
    this.#messages.close();
    this.#frames.clear();
    this.#held = this.#pongWaiting = this.#closeWaiting = undefined;
    const { code, reason } = this.#peerClose ?? { code: CLOSE.abnormal, reason: "" };
    const clean = this.#closeSent && this.#peerClose !== undefined;
    if (closeChannel.hasSubscribers) closeChannel.publish({ connection: this, code, reason, clean });
    this.#handler.onClose?.(this, code, reason, clean);
  }
}

const NO_BYTES = new Uint8Array(0);
