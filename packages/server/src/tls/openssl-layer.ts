import type { OpenSsl } from "@tz/sys";
import type { ClientHello } from "./client-hello.js";
import type { HandshakeGate } from "./handshake-gate.js";
import type { OpensslContexts } from "./openssl-contexts.js";
import type { TlsCounts } from "./tls-counts.js";
import type { TlsTransport } from "./tls-transport.js";

/** What the connections of one listener share. */
export interface OpensslLayer {
  readonly openssl: OpenSsl;
  readonly handshakeTimeoutMs: number;
  readonly gate: HandshakeGate;
  readonly counts: TlsCounts;
  /** Changes when certificates or ticket keys do: asked at each handshake. */
  readonly contexts: OpensslContexts;
  /** Whether `node:tls` carries this client: it offers HTTP/2, and HTTP/2 is on. */
  handsOver(hello: ClientHello): boolean;
  /** A handshake has chosen HTTP/2. */
  begin(transport: TlsTransport): void;
  /** Takes the descriptor, with the ClientHello still in it. */
  handOver(transport: TlsTransport, hello: ClientHello): void;
}
