/** The other side of a request, as its carrier (a connection, a `node:http` exchange) knows it. */
export interface RequestClient {
  /** Address of the peer; empty for Unix sockets. */
  readonly remoteAddress: string;
  readonly remotePort: number;
  /** The scheme that the peer speaks. */
  readonly scheme: "http" | "https";
  /** The certificate that the client has shown over TLS and that was verified, as DER. */
  readonly peerCertificate: Uint8Array | undefined;
  /**
   * Calls when the client goes away before the answer is complete: at once when it already has. One listener a
   * request.
   */
  onGone(listener: () => void): void;
}
