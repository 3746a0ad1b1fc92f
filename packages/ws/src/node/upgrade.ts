import { type IncomingMessage, STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";
import type { ConnectionHandler, WebSocketConnection } from "../connection.js";
import { WsError } from "../errors.js";
import {
  acceptHandshake,
  type Fields,
  type HandshakeOptions,
  type HandshakeRequest,
} from "../handshake/server-handshake.js";
import { attachSocket } from "./attach-socket.js";
import { type SharedOptions, type SharedSettings, sharedSettings } from "./connection-options.js";

export interface UpgradeOptions extends SharedOptions {
  readonly handler: ConnectionHandler;
  readonly chooseProtocol?: HandshakeOptions["chooseProtocol"];
  readonly allowOrigin?: HandshakeOptions["allowOrigin"];
  /** More fields of the 101, such as cookies. */
  readonly fields?: Fields | undefined;
  /** Called when the request was refused; it has been answered. */
  readonly onRejected?: ((error: WsError) => void) | undefined;
}

const OTHER_OPTIONS = ["handler", "chooseProtocol", "allowOrigin", "fields", "onRejected"] as const;

/** Options that were validated. */
const validated = new WeakMap<UpgradeOptions, SharedSettings>();

/**
 * Answers a `node:http` or `node:https` server's `upgrade` event: `server.on("upgrade", (req, socket, head) =>
 * upgrade(req, socket, head, options))`. Use one options object for all requests: it is validated once.
 *
 * @returns the connection, or `undefined` when the request was refused and answered with why
 * @throws WsError `TZ_WS_OPTION`; `TZ_WS_ARGUMENT` for a protocol that was not offered or a field that breaks the
 *   head. The socket is destroyed then
 */
export function upgrade(
  request: IncomingMessage,
  socket: Duplex,
  head: Uint8Array,
  options: UpgradeOptions,
): WebSocketConnection | undefined {
  try {
    return answer(request, socket, head, options);
  } catch (error) {
    socket.destroy();
    throw error;
  }
}

function answer(
  request: IncomingMessage,
  socket: Duplex,
  head: Uint8Array,
  options: UpgradeOptions,
): WebSocketConnection | undefined {
  let shared = validated.get(options);
  if (shared === undefined) {
    shared = sharedSettings("upgrade", options, OTHER_OPTIONS);
    validated.set(options, shared);
  }
  const { settings, deflate } = shared;
  const { chooseProtocol, allowOrigin, handler } = options;
  const result = acceptHandshake(nodeRequest(request), { deflate, chooseProtocol, allowOrigin });
  if (!result.accepted) {
    const body = `${result.error.message}\n`;
    const fields: Fields = [
      ...result.fields.filter(([name]) => name !== "Connection"),
      ["Connection", "close"],
      ["Content-Type", "text/plain; charset=utf-8"],
      ["Content-Length", String(Buffer.byteLength(body))],
    ];
    // A peer that is gone before it reads the refusal is no error of ours.
    socket.on("error", () => socket.destroy());
    socket.end(responseHead(result.status, fields) + body);
    options.onRejected?.(result.error);
    return undefined;
  }
  socket.write(responseHead(101, [...result.fields, ...(options.fields ?? [])]));
  return attachSocket("server", socket, head, handler, {
    settings,
    deflate: result.deflate,
    protocol: result.protocol,
  });
}

function nodeRequest(request: IncomingMessage): HandshakeRequest {
  return {
    method: request.method ?? "",
    minorVersion: request.httpVersionMajor > 1 ? 1 : request.httpVersionMinor,
    field(name) {
      const value = request.headers[name];
      return Array.isArray(value) ? value.join(", ") : value;
    },
  };
}

/** @throws WsError `TZ_WS_ARGUMENT` when a value of the application would break the head's lines */
function responseHead(status: number, fields: Fields): string {
  let head = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ""}\r\n`;
  for (const [name, value] of fields) {
    if (/[\r\n\0]/.test(name + value))
      throw new WsError("TZ_WS_ARGUMENT", `field "${name}" holds a line break`);
    head += `${name}: ${value}\r\n`;
  }
  return `${head}\r\n`;
}
