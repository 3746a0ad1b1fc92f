import type { ResponsePlan } from "@tz/http1";
import { CLOSE, type ConnectionHandler, textOf, type WebSocketConnection, type WsError } from "@tz/ws";
import { ServerError } from "../errors.js";
import type { RouteOptions } from "../handlers/route-options.js";
import { isAnswer, toPlan } from "../handlers/to-plan.js";
import type { ServerRequest } from "../request.js";
import { HandshakeJudge, type HandshakeSettings } from "./handshake-judge.js";
import type { Rooms } from "./rooms.js";
import { ServerSocket } from "./server-socket.js";

type AnyParams = Readonly<Record<string, unknown>>;

/**
 * What happens on the sockets of a route. A handler that throws, or whose promise rejects, is told to `app.onError` and
 * costs its socket alone (1011). Handlers that return a promise are not waited for: the next message may come meanwhile
 * (`socket.pause()` holds it back).
 */
export interface SocketHandlers<Data = undefined, Params = AnyParams> {
  /**
   * Before a handshake that is in order is answered: what it returns is `socket.data`; a plan or a `Response` refuses
   * (401, 403, 503 …), and so does an error with a status. Write it first: `Data` is taken from it.
   */
  accept?(
    request: ServerRequest<Params>,
  ): Data | ResponsePlan | Response | Promise<Data | ResponsePlan | Response>;
  open?(socket: ServerSocket<Data>, request: ServerRequest<Params>): unknown;
  /** A text as a string, a binary message as a copy that may be kept. */
  message?(socket: ServerSocket<Data>, data: string | Buffer): unknown;
  /** All that was buffered has left, after a `send` that returned `false`. */
  drain?(socket: ServerSocket<Data>): unknown;
  ping?(socket: ServerSocket<Data>, data: Buffer): unknown;
  pong?(socket: ServerSocket<Data>, data: Buffer): unknown;
  /** The peer broke the protocol or a limit; `close` follows. */
  error?(socket: ServerSocket<Data>, error: WsError): unknown;
  /**
   * The end, exactly once; the socket has left its rooms.
   * @param code of the peer's Close; 1005 when that had none, 1006 when there was no Close
   * @param clean both ends sent a Close
   */
  close?(socket: ServerSocket<Data>, code: number, reason: string, clean: boolean): unknown;
}

export interface SocketOptions extends HandshakeSettings {
  /** What any route may have: rate, middleware, schemas of `params`, `query` and `headers`. It applies to the handshake. */
  readonly route?: RouteOptions;
}

/** @throws WsError `TZ_WS_OPTION`, ServerError `TZ_SERVER_OPTION` for options that are unknown or out of bounds */
export function socketRoute<Data, Params>(
  handlers: SocketHandlers<Data, Params>,
  options: SocketOptions,
  rooms: Rooms,
  report: (error: unknown) => void,
): (request: ServerRequest<Params>) => ResponsePlan | Promise<ResponsePlan> {
  checkHandlers(handlers);
  const judge = new HandshakeJudge(options, ["route"]);
  const guard = new Guard(report);
  const handler = connectionHandler(handlers, guard);
  return (request) => {
    const handshake = judge.judge(request);
    if (!("accepted" in handshake)) return handshake;
    const decide = (data: unknown): ResponsePlan => {
      if (isAnswer(data)) return toPlan(data);
      return judge.accept(handshake, handler, (connection) => {
        const socket = new ServerSocket(connection, data as Data, request.client.address, rooms);
        connection.data = socket;
        guard.run(connection, () => handlers.open?.(socket, request));
      });
    };
    const data: unknown = handlers.accept?.(request);
    return data instanceof Promise ? data.then(decide) : decide(data);
  };
}

const HANDLERS = ["accept", "open", "message", "drain", "ping", "pong", "error", "close"];

/** An object may keep state of its own beside its handlers, but a function that is never called is a mistake. */
function checkHandlers(handlers: object): void {
  for (const [name, value] of Object.entries(handlers)) {
    const known = HANDLERS.includes(name);
    if (!known && typeof value === "function") {
      throw new ServerError(
        "TZ_SERVER_OPTION",
        `unknown WebSocket handler ${JSON.stringify(name)}; allowed: ${HANDLERS.join(", ")}`,
      );
    }
    if (known && value !== undefined && typeof value !== "function")
      throw new ServerError("TZ_SERVER_OPTION", `WebSocket handler ${JSON.stringify(name)} is no function`);
  }
}

function connectionHandler<Data, Params>(
  handlers: SocketHandlers<Data, Params>,
  guard: Guard,
): ConnectionHandler {
  const of = (connection: WebSocketConnection): ServerSocket<Data> => connection.data as ServerSocket<Data>;
  const copy = (bytes: Uint8Array, start: number, end: number): Buffer =>
    Buffer.from(bytes.subarray(start, end));
  const { message, drain, ping, pong, error } = handlers;
  return {
    onMessage: (connection, bytes, start, end, isText) => {
      if (message === undefined) return;
      const data = isText ? textOf(bytes, start, end) : copy(bytes, start, end);
      guard.run(connection, () => message.call(handlers, of(connection), data));
    },
    ...(drain !== undefined && {
      onDrain: (connection) => guard.run(connection, () => drain.call(handlers, of(connection))),
    }),
    ...(ping !== undefined && {
      onPing: (connection, bytes, start, end) =>
        guard.run(connection, () => ping.call(handlers, of(connection), copy(bytes, start, end))),
    }),
    ...(pong !== undefined && {
      onPong: (connection, bytes, start, end) =>
        guard.run(connection, () => pong.call(handlers, of(connection), copy(bytes, start, end))),
    }),
    ...(error !== undefined && {
      onError: (connection, cause) =>
        guard.run(connection, () => error.call(handlers, of(connection), cause)),
    }),
    onClose: (connection, code, reason, clean) => {
      const socket = of(connection);
      socket.leaveAll();
      guard.run(connection, () => handlers.close?.(socket, code, reason, clean));
    },
  };
}

/** Runs handlers, so that the failure of one concerns its own socket only. */
class Guard {
  readonly #report: (error: unknown) => void;

  constructor(report: (error: unknown) => void) {
    this.#report = report;
  }

  run(connection: WebSocketConnection, work: () => unknown): void {
    try {
      const result = work();
      if (result instanceof Promise) result.catch((error: unknown) => this.#failed(connection, error));
    } catch (error) {
      this.#failed(connection, error);
    }
  }

  #failed(connection: WebSocketConnection, error: unknown): void {
    this.#report(error);
    connection.close(CLOSE.internalError);
  }
}
