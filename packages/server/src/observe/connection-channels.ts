import { channel } from "node:diagnostics_channel";

/** On `tz:server:connection`: what happens to connections, those below TLS and HTTP/2 too. */
export interface ConnectionEvent {
  /** `"upgraded"`: a WebSocket or another protocol took over. */
  readonly kind: "opened" | "upgraded" | "closed";
  readonly remoteAddress: string;
  readonly remotePort: number;
  /** Of `"closed"`: 0 for a close in order. */
  readonly errno?: number;
  /** Of `"closed"`: requests that were read. */
  readonly requests?: number;
}

/** On `tz:server:limit`: somebody was refused, cut, or made to wait by a limit. */
export interface LimitEvent {
  /** The option, or the error code of the limit; `EMFILE` and its kin where the system's limits are reached. */
  readonly limit: string;
  readonly detail: string;
  /** Whom it concerns; empty for the server as a whole. */
  readonly remoteAddress: string;
}

/** On `tz:server:tls`. */
export interface TlsEvent {
  readonly kind: "handshake" | "resumed" | "failed";
  readonly remoteAddress: string;
  readonly remotePort: number;
}

/** Some are known only as long as the other end is there. */
export interface Peer {
  readonly remoteAddress?: string | undefined;
  readonly remotePort?: number | undefined;
}

const connectionChannel = channel("tz:server:connection");
const limitChannel = channel("tz:server:limit");
const tlsChannel = channel("tz:server:tls");

/** Who is at the other end: a descriptor that is closed cannot be asked any more. */
const peers = new WeakMap<object, Required<Peer>>();

/** Publishes; makes no message when nobody listens. @param connection the same object each time */
export function publishConnection(
  kind: ConnectionEvent["kind"],
  connection: Peer,
  more: Pick<ConnectionEvent, "errno" | "requests"> = {},
): void {
  if (!connectionChannel.hasSubscribers) return;
  let peer = peers.get(connection);
  if (peer === undefined) {
    peer = { remoteAddress: connection.remoteAddress ?? "", remotePort: connection.remotePort ?? 0 };
    peers.set(connection, peer);
  }
  const { remoteAddress = "", remotePort = 0 } = peer;
  const event: ConnectionEvent = { kind, remoteAddress, remotePort, ...more };
  connectionChannel.publish(event);
}

/** @param peer whom it concerns; nobody: the server as a whole */
export function publishLimit(limit: string, detail: string, peer?: Peer): void {
  if (!limitChannel.hasSubscribers) return;
  const event: LimitEvent = { limit, detail, remoteAddress: peer?.remoteAddress ?? "" };
  limitChannel.publish(event);
}

export function publishTls(kind: TlsEvent["kind"], peer: Peer): void {
  if (!tlsChannel.hasSubscribers) return;
  const { remoteAddress = "", remotePort = 0 } = peer;
  const event: TlsEvent = { kind, remoteAddress, remotePort };
  tlsChannel.publish(event);
}
