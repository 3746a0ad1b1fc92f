import { type ClientRequest, request as httpRequest, type IncomingMessage } from "node:http";
import type { RequestOptions } from "node:https";
import type { Duplex } from "node:stream";
import type { ConnectionHandler, WebSocketConnection } from "../connection.js";
import { shown, WsError } from "../errors.js";
import { confirmHandshake, type HandshakeOffer, offerHandshake } from "../handshake/client-handshake.js";
import { attachSocket } from "./attach-socket.js";
import { type SharedOptions, sharedSettings } from "./connection-options.js";

export interface ConnectOptions extends SharedOptions {
  readonly handler: ConnectionHandler;
  /** Subprotocols in order of preference. */
  readonly protocols?: readonly string[] | undefined;
  /** More fields of the request: `Origin`, `Cookie`, `Authorization`. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** How long the connection and the handshake may take together. Default: 30,000. */
  readonly handshakeTimeoutMs?: number | undefined;
  /** For `wss:`: `ca`, `cert`, `key`, `servername`, `rejectUnauthorized` … as `node:https` takes them. */
  readonly tls?: RequestOptions | undefined;
  /** A Unix socket to connect to; the URL still gives host and path. */
  readonly socketPath?: string | undefined;
}

const OTHER_OPTIONS = ["handler", "protocols", "headers", "handshakeTimeoutMs", "tls", "socketPath"] as const;

const HANDSHAKE_TIMEOUT_MS = 30_000;
const HANDSHAKE_TIMEOUT_MS_MAX = 600_000;

/**
 * Opens a connection to a `ws:` or `wss:` URL.
 *
 * @returns the connection, open; the handler is called from then on
 * @throws WsError `TZ_WS_CONNECT` without a connection, `TZ_WS_RESPONSE` when the server's answer is not the
 *   handshake, `TZ_WS_OPTION`, `TZ_WS_ARGUMENT`
 */
export async function connect(url: string | URL, options: ConnectOptions): Promise<WebSocketConnection> {
  const { settings, deflate } = sharedSettings("connect", options, OTHER_OPTIONS);
  const timeoutMs = timeoutOf(options);
  const offer = offerHandshake({ protocols: options.protocols, deflate });
  const { response, socket, head } = await exchange(request(url, offer, options), timeoutMs);
  try {
    const confirmed = confirmHandshake(offer, {
      status: response.statusCode ?? 0,
      field(name) {
        const value = response.headers[name];
        return Array.isArray(value) ? value.join(", ") : value;
      },
    });
    return attachSocket("client", socket, head, options.handler, { settings, ...confirmed });
  } catch (error) {
    socket.destroy();
    throw error;
  }
}

function request(url: string | URL, offer: HandshakeOffer, options: ConnectOptions): ClientRequest {
  const target = new URL(url);
  const secure = target.protocol === "wss:";
  if (!secure && target.protocol !== "ws:") {
    throw new WsError(
      "TZ_WS_ARGUMENT",
      `the URL's scheme must be ws: or wss:, got ${shown(target.protocol)}`,
    );
  }
  target.protocol = secure ? "https:" : "http:";
  const headers = { ...options.headers, ...Object.fromEntries(offer.fields) };
  const { socketPath } = options;
  const common = { headers, agent: false as const, ...(socketPath !== undefined && { socketPath }) };
  if (!secure) return httpRequest(target, common);
  // Servers have this module too, and need no client for TLS.
  const https = process.getBuiltinModule("node:https");
  return https.request(target, { ...options.tls, ...common });
}

function timeoutOf({ handshakeTimeoutMs = HANDSHAKE_TIMEOUT_MS }: ConnectOptions): number {
  const max = HANDSHAKE_TIMEOUT_MS_MAX;
  if (Number.isInteger(handshakeTimeoutMs) && handshakeTimeoutMs >= 1 && handshakeTimeoutMs <= max) {
    return handshakeTimeoutMs;
  }
  throw new WsError(
    "TZ_WS_OPTION",
    `connect: option "handshakeTimeoutMs" must be an integer from 1 to ${max} (ms), got ${shown(handshakeTimeoutMs)}`,
  );
}

interface Exchange {
  readonly response: IncomingMessage;
  readonly socket: Duplex;
  readonly head: Buffer;
}

function exchange(request: ClientRequest, timeoutMs: number): Promise<Exchange> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      reject(new WsError("TZ_WS_CONNECT", `no handshake within ${timeoutMs} ms`));
      request.destroy();
    }, timeoutMs);
    request.on("upgrade", (response, socket, head) => {
      clearTimeout(timer);
      resolve({ response, socket, head });
    });
    request.on("response", (response) => {
      clearTimeout(timer);
      reject(new WsError("TZ_WS_RESPONSE", `the server's handshake: status ${response.statusCode}`));
      request.destroy();
    });
    request.on("error", (cause) => {
      clearTimeout(timer);
      reject(new WsError("TZ_WS_CONNECT", cause.message, { cause }));
    });
    request.end();
  });
}
