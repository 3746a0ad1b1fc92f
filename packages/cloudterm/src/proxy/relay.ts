/** How a proxied connection ended. */
export interface RelayEnd {
  readonly by: "client" | "upstream" | "gateway";
  /** Close code, 1006 when there was none. In `splice` mode frames are not seen: always 1006. */
  readonly code: number;
  readonly reason: string;
}

export interface RelaySettings {
  readonly maxMessageBytes: number;
  readonly maxFragments: number;
  readonly pingIntervalMs: number;
  readonly idleTimeoutMs: number;
  readonly maxTimeMs: number;
}

/** Two connections that were joined. */
export interface Relay {
  readonly passedBytes: number;
  /** Bytes that wait in this process. */
  readonly waitingBytes: number;
  /** Comes about once a second. @param nowMs of `performance.now()` */
  tick(nowMs: number): void;
  stop(code: number, reason: string): void;
}
