import type { ResponsePlan } from "@tz/http1";
import type { ConnectionHandler, WebSocketConnection } from "@tz/ws";
import type { ServerRequest } from "../request.js";
import { HandshakeJudge, type HandshakeSettings } from "./handshake-judge.js";

export interface WebSocketOptions extends HandshakeSettings {
  /** Called when a connection is open. */
  readonly onOpen?: (connection: WebSocketConnection, request: ServerRequest) => void;
}

/**
 * Makes a handler that answers the opening handshake (RFC 6455 §4.2) and carries the connection on the server's own
 * loop. This is the bare form, without copies: `handler` gets ranges of the loop's memory. `app.ws` is the comfortable
 * one.
 *
 * ```js
 * const echo = webSocket({ onMessage: (socket, bytes, start, end, isText) => socket.sendRange(bytes, start, end, isText) });
 * app.handle((request) => (request.upgrade ? echo(request) : notFound));
 * ```
 *
 * A handshake that is refused is answered with its status (400, 403, 405, 426 …).
 * @throws WsError `TZ_WS_OPTION`, ServerError `TZ_SERVER_OPTION` for options that are unknown or out of bounds
 */
export function webSocket(
  handler: ConnectionHandler,
  options: WebSocketOptions = {},
): (request: ServerRequest) => ResponsePlan {
  const judge = new HandshakeJudge(options, ["onOpen"]);
  const { onOpen } = options;
  return (request) => {
    const result = judge.judge(request);
    if (!("accepted" in result)) return result;
    return judge.accept(result, handler, (connection) => onOpen?.(connection, request));
  };
}
