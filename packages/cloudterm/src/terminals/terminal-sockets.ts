import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import type { ResponsePlan } from "@tz/http1";
import { type ServerRequest, text, webSocket } from "@tz/server";
import { type ConnectionOptions, type DeflateOptions, type UpgradeOptions, upgrade } from "@tz/ws";
import { isSameOrigin, isSameOriginNode } from "./same-origin.js";
import { type SocketAccess, TerminalSocket, terminalSocketHandler } from "./terminal-socket.js";
import { TERMINAL_PROTOCOL, TTYD_PROTOCOL } from "./wire.js";

export interface TerminalSocketsOptions {
  /** Limits and timing of the WebSockets; see `CONNECTION_OPTIONS` of `@tz/ws`. */
  readonly connection?: ConnectionOptions | undefined;
  /** permessage-deflate. Default `true`. */
  readonly deflate?: boolean | DeflateOptions | undefined;
  /**
   * Whether pages of that origin may connect; in place of the default: the origin that the request was sent to, or none
   * (programs send none).
   */
  readonly allowOrigin?: ((origin: string | undefined) => boolean) | undefined;
}

const CONNECTION: ConnectionOptions = {
  maxMessageBytes: 4 * 1024 * 1024,
  maxFragments: 1024,
  pingIntervalMs: 5000,
  // Three missed pings: a telephone that changes its network comes back within seconds.
  idleTimeoutMs: 20_000,
  closeTimeoutMs: 1000,
};

/**
 * Answers the handshakes of terminal WebSockets, on `@tz/server` and on `node:http`. Who asks, and what they may do, is
 * found out before and handed in.
 *
 * ```js
 * const sockets = new TerminalSockets();
 * app.get("/terminals/:id/socket", (request) => sockets.accept(request, { terminal, access: "write" }));
 * ```
 */
export class TerminalSockets {
  readonly #given = new WeakMap<ServerRequest, SocketAccess>();
  readonly #accept: (request: ServerRequest) => ResponsePlan;
  readonly #options: TerminalSocketsOptions;

  /** @throws WsError `TZ_WS_OPTION` */
  constructor(options: TerminalSocketsOptions = {}) {
    this.#options = options;
    const { deflate = true } = options;
    this.#accept = webSocket(terminalSocketHandler, {
      connection: { ...CONNECTION, ...options.connection },
      deflate,
      chooseProtocol,
      onOpen: (connection, request) => {
        connection.data = new TerminalSocket(connection, this.#given.get(request)!);
      },
    });
  }

  /** For `@tz/server`: what a route returns. A request of a foreign page is answered 403, one without a protocol 400. */
  accept(request: ServerRequest, given: SocketAccess): ResponsePlan {
    const { allowOrigin } = this.#options;
    const origin = request.field("origin");
    if (!(allowOrigin?.(origin) ?? isSameOrigin(request)))
      return text("a page of another origin\n", { status: 403 });
    if (!offersProtocol(request.field("sec-websocket-protocol"))) return text(NO_PROTOCOL, { status: 400 });
    this.#given.set(request, given);
    return this.#accept(request);
  }

  /** For `node:http` and `node:https`: answers an `upgrade` event. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Uint8Array, given: SocketAccess): void {
    const { allowOrigin = () => isSameOriginNode(request), deflate = true, connection } = this.#options;
    const options: UpgradeOptions = {
      ...CONNECTION,
      ...connection,
      deflate,
      handler: terminalSocketHandler,
      allowOrigin,
      chooseProtocol,
    };
    if (!offersProtocol(request.headers["sec-websocket-protocol"])) {
      socket.end(
        `HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: ${NO_PROTOCOL.length}\r\n\r\n${NO_PROTOCOL}`,
      );
      return;
    }
    const opened = upgrade(request, socket, head, options);
    if (opened !== undefined) opened.data = new TerminalSocket(opened, given);
  }
}

const NO_PROTOCOL = `Sec-WebSocket-Protocol must be ${TERMINAL_PROTOCOL} or ${TTYD_PROTOCOL}\n`;

function chooseProtocol(offered: readonly string[]): string | undefined {
  return [TERMINAL_PROTOCOL, TTYD_PROTOCOL].find((protocol) => offered.includes(protocol));
}

function offersProtocol(field: string | undefined): boolean {
  const offered = (field ?? "").split(",").map((name) => name.trim());
  return chooseProtocol(offered) !== undefined;
}
