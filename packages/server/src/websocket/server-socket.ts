import type { ConnectionState, SendOptions, WebSocketConnection } from "@tz/ws";
import type { PublishOptions, Rooms } from "./rooms.js";

/**
 * A WebSocket of `app.ws`, from its handshake to its end.
 *
 * Bytes that the peer does not take wait in memory, `bufferedBytes` of them, at most `maxBufferedBytes` and one message:
 * who sends much looks at what {@link send} returns and goes on at `drain`.
 */
export class ServerSocket<Data = undefined> {
  /** What `accept` returned for this socket. */
  readonly data: Data;
  /** The peer's address, or what trusted proxies say of the client. */
  readonly remoteAddress: string;
  readonly #connection: WebSocketConnection;
  readonly #table: Rooms;
  #rooms: Set<string> | undefined;

  /** @internal */
  constructor(connection: WebSocketConnection, data: Data, remoteAddress: string, table: Rooms) {
    this.#connection = connection;
    this.data = data;
    this.remoteAddress = remoteAddress;
    this.#table = table;
  }

  /** The subprotocol that was agreed. */
  get protocol(): string | undefined {
    return this.#connection.protocol;
  }

  get state(): ConnectionState {
    return this.#connection.state;
  }

  /** Bytes that wait for the peer, and payload that waits for the compressor. */
  get bufferedBytes(): number {
    return this.#connection.bufferedBytes;
  }

  /**
   * Sends a message: strings as text, bytes as binary unless `text` is set. The bytes are copied or sent before this
   * returns.
   * @returns `true` to go on; `false` when bytes wait (go on at `drain`) or the socket is not open (it is dropped)
   */
  send(data: string | Uint8Array, options?: SendOptions): boolean {
    return this.#connection.send(data, options);
  }

  /** @throws WsError `TZ_WS_ARGUMENT` above 125 bytes */
  ping(payload?: string | Uint8Array): void {
    this.#connection.ping(payload);
  }

  /** All that `work` sends leaves in as few system calls as possible. What message handlers send does so anyway. */
  cork(work: () => void): void {
    this.#connection.cork(work);
  }

  /** Reads no more until {@link resume}: the peer has to wait. */
  pause(): void {
    this.#connection.pause();
  }

  resume(): void {
    this.#connection.resume();
  }

  /**
   * Ends in order, behind all that was sent.
   * @param code 1000–1003, 1007–1014 or 3000–4999; default 1000
   * @throws WsError `TZ_WS_ARGUMENT` for another code, or a reason above 123 bytes
   */
  close(code?: number, reason?: string): void {
    this.#connection.close(code, reason);
  }

  /** Ends at once: the peer sees 1006. */
  terminate(): void {
    this.#connection.terminate();
  }

  // ---- Rooms ----

  /** The rooms that this socket is in. */
  get rooms(): ReadonlySet<string> {
    return this.#rooms ?? NO_ROOMS;
  }

  /** Gets what is published to a room from now on. A socket that is closing joins nothing. */
  join(room: string): void {
    if (this.state !== "open") return;
    this.#rooms ??= new Set();
    this.#rooms.add(room);
    this.#table.add(room, this);
  }

  leave(room: string): void {
    if (this.#rooms?.delete(room) === true) this.#table.remove(room, this);
  }

  /** Sends to everybody else in a room; it need not be in there itself. @returns how many sockets took it */
  publish(room: string, data: string | Uint8Array, options?: PublishOptions): number {
    return this.#table.publish(room, data, options, this);
  }

  /** @internal The end: it is in no room any more. */
  leaveAll(): void {
    for (const room of this.#rooms ?? NO_ROOMS) this.#table.remove(room, this);
    this.#rooms = undefined;
  }
}

const NO_ROOMS: ReadonlySet<string> = new Set();
