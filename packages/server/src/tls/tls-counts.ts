import { type Peer, publishTls } from "../observe/connection-channels.js";
import type { StatsBlock } from "../observe/stats-block.js";

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
  /** Where it is counted too, with the option `stats`: all workers' figures lie there. */
  block: StatsBlock | undefined;

  get figures(): TlsStats {
    const { handshakes, resumed, failed, sslObjects, http2Sessions } = this;
    return { handshakes, resumed, failed, sslObjects, http2Sessions };
  }

  /** A handshake is complete. */
  completed(isResumed: boolean, peer: Peer): void {
    publishTls(isResumed ? "resumed" : "handshake", peer);
    this.handshakes++;
    this.block?.count("tlsHandshakes", 1);
    if (!isResumed) return;
    this.resumed++;
    this.block?.count("tlsResumed", 1);
  }

  /** A handshake came to nothing. */
  refused(peer: Peer): void {
    publishTls("failed", peer);
    this.failed++;
    this.block?.count("tlsFailed", 1);
  }
}
