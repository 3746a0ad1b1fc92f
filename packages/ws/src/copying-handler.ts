import type { ConnectionHandler, WebSocketConnection } from "./connection.js";
import type { WsError } from "./errors.js";
import { textOf } from "./text.js";

/** What happens on a connection, with data that is the application's own. */
export interface ConnectionEvents {
  /** A text as a string, a binary message as a copy that may be kept. */
  message?(connection: WebSocketConnection, data: string | Buffer): void;
  drain?(connection: WebSocketConnection): void;
  ping?(connection: WebSocketConnection, data: Buffer): void;
  pong?(connection: WebSocketConnection, data: Buffer): void;
  error?(connection: WebSocketConnection, error: WsError): void;
  /** @param clean both ends sent a Close */
  close?(connection: WebSocketConnection, code: number, reason: string, clean: boolean): void;
}

/** A handler for applications that want strings and buffers rather than ranges of shared memory. */
export function copyingHandler(events: ConnectionEvents): ConnectionHandler {
  return {
    onMessage: (connection, bytes, start, end, isText) =>
      events.message?.(
        connection,
        isText ? textOf(bytes, start, end) : Buffer.from(bytes.subarray(start, end)),
      ),
    onDrain: (connection) => events.drain?.(connection),
    onPing: (connection, bytes, start, end) =>
      events.ping?.(connection, Buffer.from(bytes.subarray(start, end))),
    onPong: (connection, bytes, start, end) =>
      events.pong?.(connection, Buffer.from(bytes.subarray(start, end))),
    onError: (connection, error) => events.error?.(connection, error),
    onClose: (connection, code, reason, clean) => events.close?.(connection, code, reason, clean),
  };
}
