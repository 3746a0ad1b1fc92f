import type { ConnectionSettings } from "./options.js";

/** What a tick asks the connection to do. */
export type LivenessAction = "nothing" | "ping" | "idle" | "closeTimeout";

const CONTROL_WINDOW_MS = 1000;

/**
 * Time of one connection, without timers of its own and without reading a clock when bytes arrive: the driver
 * ticks about once a second, and all times are as exact as its ticks.
 */
export class Liveness {
  readonly #settings: ConnectionSettings;
  /** Bytes came since the last tick. */
  #received = true;
  #lastReceivedMs = 0;
  #lastPingMs = 0;
  #closingSinceMs = -1;
  #controlFrames = 0;
  #windowStartMs = -1;

  constructor(settings: ConnectionSettings) {
    this.#settings = settings;
  }

  noteReceived(): void {
    this.#received = true;
  }

  /** Counts a ping or pong. @returns false when there were too many. Nothing is too many before the first tick */
  noteControl(): boolean {
    this.#controlFrames++;
    return this.#windowStartMs < 0 || this.#controlFrames <= this.#settings.maxControlFramesPerSecond;
  }

  tick(nowMs: number, closing: boolean): LivenessAction {
    if (this.#windowStartMs < 0 || nowMs - this.#windowStartMs >= CONTROL_WINDOW_MS) {
      this.#windowStartMs = nowMs;
      this.#controlFrames = 0;
    }
    if (closing) return this.#tickClosing(nowMs);
    if (this.#received) {
      this.#received = false;
      this.#lastReceivedMs = this.#lastPingMs = nowMs;
      return "nothing";
    }
    const { idleTimeoutMs, pingIntervalMs } = this.#settings;
    if (idleTimeoutMs > 0 && nowMs - this.#lastReceivedMs >= idleTimeoutMs) return "idle";
    if (pingIntervalMs === 0 || nowMs - this.#lastPingMs < pingIntervalMs) return "nothing";
    this.#lastPingMs = nowMs;
    return "ping";
  }

  #tickClosing(nowMs: number): LivenessAction {
    if (this.#closingSinceMs < 0) this.#closingSinceMs = nowMs;
    return nowMs - this.#closingSinceMs >= this.#settings.closeTimeoutMs ? "closeTimeout" : "nothing";
  }
}
