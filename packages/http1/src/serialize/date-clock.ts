import { type Latin1View, latin1View } from "../latin1.js";
import { httpDate } from "./http-date.js";

/**
 * The Date line of answers, made once a second: `Date: … GMT CRLF` as text and as bytes of constant length.
 * Whoever owns the clock calls {@link tick} (a timer, or each turn of a loop); it is cheap when the second is
 * the same.
 */
export class DateClock {
  /** `Date: Sun, 06 Nov 1994 08:49:37 GMT CRLF`. */
  line = "";
  /** {@link line} as bytes; rewritten in place. */
  readonly bytes: Uint8Array;
  /** The time of the last tick that changed the line, in whole seconds. */
  second = -1;
  readonly #now: () => number;
  readonly #text: Latin1View;

  constructor(now: () => number = Date.now) {
    this.#now = now;
    this.bytes = Buffer.from(`Date: ${httpDate(0)}\r\n`, "latin1");
    this.#text = latin1View(this.bytes);
    this.tick();
  }

  /** @returns whether the line has changed */
  tick(): boolean {
    const second = Math.floor(this.#now() / 1000);
    if (second === this.second) return false;
    this.second = second;
    this.line = `Date: ${httpDate(second * 1000)}\r\n`;
    this.#text.latin1Write(this.line, 0);
    return true;
  }
}
