/** What happened on a server's TLS listeners. */
export interface TlsStats {
  /** Handshakes that were completed. */
  readonly handshakes: number;
  /** Of them, those that resumed a session. */
  readonly resumed: number;
  /** Handshakes that failed, were refused or took too long. */
  readonly failed: number;
  /** `SSL` objects of the OpenSSL engine that are alive. */
  readonly sslObjects: number;
  /** HTTP/2 sessions that are open. */
  readonly http2Sessions: number;
}

/** The same, to be counted in. */
export class TlsCounts implements TlsStats {
  handshakes = 0;
  resumed = 0;
  failed = 0;
  sslObjects = 0;
  http2Sessions = 0;
}
