import type { ResponsePlan, Tunnel, TunnelHandler } from "@tz/http1";
import {
  CLOSE,
  type ConnectionHandler,
  type ConnectionParts,
  type Sink,
  WebSocketConnection,
  Workspace,
} from "@tz/ws";
import type { IoMemory } from "../loop/io-memory.js";
import { Upgraded } from "../upgraded.js";

/**
 * What takes the connection over when the 101 has left.
 * @param opened called with the connection before its first byte is read
 */
export function webSocketUpgrade(
  parts: ConnectionParts,
  handler: ConnectionHandler,
  opened: (connection: WebSocketConnection) => void,
): NonNullable<ResponsePlan["upgrade"]> {
  return (tunnel) => {
    const carrier = new WebSocketTunnel(tunnel, handler, parts);
    opened(carrier.connection);
    return carrier;
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

/**
 * A WebSocket connection on the server's own loop, seen from both ends: frames are read where they were received and
 * built where they are sent from. One object for both roles, since idle sockets are many.
 */
class WebSocketTunnel implements TunnelHandler, Sink {
  readonly connection: WebSocketConnection;
  readonly #tunnel: Tunnel;
  readonly #workspace: Workspace | undefined;

  constructor(tunnel: Tunnel, handler: ConnectionHandler, parts: ConnectionParts) {
    const workspace = tunnel instanceof Upgraded ? workspaceOf(tunnel.memory) : undefined;
    this.#tunnel = tunnel;
    this.#workspace = workspace;
    this.connection = new WebSocketConnection("server", this, handler, {
      ...parts,
      ...(workspace !== undefined && { workspace }),
    });
  }

  // ---- from the server

  onData(bytes: Uint8Array, start: number, end: number): void {
    if (this.#workspace !== undefined && bytes.buffer === this.#workspace.bytes.buffer) {
      this.connection.receiveInPlace(start, end);
    } else {
      this.connection.receive(bytes, start, end);
    }
  }
  onEnd(): void {
    // Half-open WebSockets do not exist: whoever ends the transport has ended the conversation.
    this.connection.ended();
    this.#tunnel.destroy();
  }
  onWritable(): void {
    this.connection.writable();
  }
  onClose(): void {
    this.connection.ended();
  }
  onTick(nowMs: number): void {
    this.connection.tick(nowMs);
  }
  onStop(): void {
    this.connection.close(CLOSE.goingAway);
  }

  // ---- from the connection

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
