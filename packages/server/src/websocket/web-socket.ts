import { ResponseHead, type ResponsePlan, type Tunnel, type TunnelHandler } from "@tz/http1";
import {
  acceptHandshake,
  CLOSE,
  type ConnectionHandler,
  type ConnectionOptions,
  connectionSettings,
  type DeflateOptions,
  deflateSettings,
  type HandshakeOptions,
  type Sink,
  WebSocketConnection,
  Workspace,
} from "@tz/ws";
import type { IoMemory } from "../loop/io-memory.js";
import type { ServerRequest } from "../request.js";
import { Upgraded } from "../upgraded.js";

export interface WebSocketOptions {
  /** Limits and timing; see `CONNECTION_OPTIONS` of `@tz/ws`. */
  readonly connection?: ConnectionOptions;
  /** permessage-deflate (RFC 7692): `true` for its defaults. Default `false`. */
  readonly deflate?: boolean | DeflateOptions;
  /** Picks one of the subprotocols that the client offers. */
  readonly chooseProtocol?: HandshakeOptions["chooseProtocol"];
  /** Whether pages of that origin may connect. Default: all may. */
  readonly allowOrigin?: HandshakeOptions["allowOrigin"];
  /** Called when a connection is open. */
  readonly onOpen?: (connection: WebSocketConnection, request: ServerRequest) => void;
}

/**
 * Makes a handler that answers the opening handshake (RFC 6455 §4.2) and carries the connection on the server's
 * own loop: frames are read where they were received and built where they are sent from.
 *
 * ```js
 * const chat = webSocket(copyingHandler({ message: (socket, data) => socket.send(data) }), { deflate: true });
 * app.handle((request) => (request.upgrade ? chat(request) : notFound));
 * ```
 *
 * A handshake that is refused is answered with its status (400, 405, 426 …).
 * @throws WsError `TZ_WS_OPTION` for options that are unknown or out of bounds
 */
export function webSocket(
  handler: ConnectionHandler,
  options: WebSocketOptions = {},
): (request: ServerRequest) => ResponsePlan {
  const settings = connectionSettings(options.connection);
  const deflate =
    options.deflate === undefined || options.deflate === false
      ? undefined
      : deflateSettings(options.deflate === true ? undefined : options.deflate);
  const { chooseProtocol, allowOrigin, onOpen } = options;
  return (request) => {
    const result = acceptHandshake(request, { deflate, chooseProtocol, allowOrigin });
    const fields = result.fields.flat();
    if (!result.accepted) {
      const bytes = Buffer.from(`${result.error.message}\n`);
      const refused = fields.concat(
        "Content-Type",
        "text/plain; charset=utf-8",
        "Content-Length",
        String(bytes.byteLength),
      );
      return {
        head: new ResponseHead(result.status, withoutConnection(refused)),
        body: { kind: "bytes", bytes },
      };
    }
    const { protocol } = result;
    return {
      head: new ResponseHead(101, fields),
      body: { kind: "none" },
      upgrade: (tunnel) => {
        const workspace = tunnel instanceof Upgraded ? workspaceOf(tunnel.memory) : undefined;
        const parts = { settings, deflate: result.deflate, protocol, ...(workspace && { workspace }) };
        const connection = new WebSocketConnection("server", new TunnelSink(tunnel), handler, parts);
        onOpen?.(connection, request);
        return new WebSocketTunnel(tunnel, connection, workspace);
      },
    };
  };
}

const workspaces = new WeakMap<IoMemory, Workspace>();

/** One workspace per loop, inside its I/O memory. */
function workspaceOf(memory: IoMemory): Workspace {
  let workspace = workspaces.get(memory);
  if (workspace === undefined) {
    workspace = new Workspace({ memory: memory.memory, stage: memory.staging, send: memory.frames });
    workspaces.set(memory, workspace);
  }
  return workspace;
}

/** `Connection` is the server's own business except in a 101. */
function withoutConnection(fields: readonly string[]): string[] {
  const kept: string[] = [];
  for (let i = 0; i < fields.length; i += 2) {
    if (fields[i] !== "Connection") kept.push(fields[i]!, fields[i + 1]!);
  }
  return kept;
}

class TunnelSink implements Sink {
  readonly #tunnel: Tunnel;

  constructor(tunnel: Tunnel) {
    this.#tunnel = tunnel;
  }
  write(chunk: Uint8Array): number {
    return this.#tunnel.write(chunk, 0, chunk.byteLength);
  }
  writeRange(bytes: Uint8Array, start: number, end: number): number {
    return this.#tunnel.write(bytes, start, end);
  }
  close(): void {
    this.#tunnel.shutdown();
  }
  abort(): void {
    this.#tunnel.destroy();
  }
  pause(): void {
    this.#tunnel.pause();
  }
  resume(): void {
    this.#tunnel.resume();
  }
}

class WebSocketTunnel implements TunnelHandler {
  readonly #tunnel: Tunnel;
  readonly #connection: WebSocketConnection;
  readonly #workspace: Workspace | undefined;

  constructor(tunnel: Tunnel, connection: WebSocketConnection, workspace: Workspace | undefined) {
    this.#tunnel = tunnel;
    this.#connection = connection;
    this.#workspace = workspace;
  }
  onData(bytes: Uint8Array, start: number, end: number): void {
    if (this.#workspace !== undefined && bytes.buffer === this.#workspace.bytes.buffer) {
      this.#connection.receiveInPlace(start, end);
    } else {
      this.#connection.receive(bytes, start, end);
    }
  }
  onEnd(): void {
    // Half-open WebSockets do not exist: whoever ends the transport has ended the conversation.
    this.#connection.ended();
    this.#tunnel.destroy();
  }
  onWritable(): void {
    this.#connection.writable();
  }
  onClose(): void {
    this.#connection.ended();
  }
  onTick(nowMs: number): void {
    this.#connection.tick(nowMs);
  }
  onStop(): void {
    this.#connection.close(CLOSE.goingAway);
  }
}
