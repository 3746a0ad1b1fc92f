import { statusLine } from "@tz/http1";
import type { IoMemory } from "../loop/io-memory.js";

/** What the answer says about the connection. */
export const PERSIST = {
  /** HTTP/1.1 default: nothing to say. */
  silent: 0,
  close: 1,
  /** An HTTP/1.0 client asked for it. */
  keepAlive: 2,
} as const;

const CONNECTION_LINE = ["", "Connection: close\r\n", "Connection: keep-alive\r\n"] as const;

/** Where the block of a 200 lies in the I/O memory, between the scanner's tables and the headroom. */
const HOT_PREFIX_START = 48 * 1024;
/** The one with lines of its listener behind it. */
const HOT_PREFIX_START_WITH_LINES = 56 * 1024;

/**
 * The first lines of every answer: status line, `Date` and `Connection`. Rewritten when the second changes, shared
 * by all answers of that second: within it a block is one and the same object. Answers with a lead keep a copy of
 * it; for the others the block of a persistent 200 lies in the I/O memory, so that they are two pieces of one
 * `writev` and nothing is copied.
 */
export class StatusPrefixes {
  readonly hotStart: number;
  hotLength = 0;
  /** The same block as bytes of their own. */
  hot: Uint8Array = new Uint8Array(0);
  readonly #memory: IoMemory;
  readonly #blocks = new Map<number, Uint8Array>();
  readonly #undated = new Map<number, Uint8Array>();
  #second = -1;
  /** `Date` and the lines of the listener. */
  #dateLines = "";
  readonly #lines: string;

  /** @param lines whole lines for all answers; one set of prefixes with and one without any may share a memory */
  constructor(memory: IoMemory, lines = "") {
    this.#memory = memory;
    this.#lines = lines;
    this.hotStart = lines === "" ? HOT_PREFIX_START : HOT_PREFIX_START_WITH_LINES;
  }

  /** @param wallMs milliseconds since 1970 */
  refresh(wallMs: number): void {
    const second = Math.floor(wallMs / 1000);
    if (second === this.#second) return;
    this.#second = second;
    this.#dateLines = `Date: ${new Date(second * 1000).toUTCString()}\r\n${this.#lines}`;
    this.#blocks.clear();
    this.hotLength = this.#memory.buffer.write(
      `${statusLine(200)}${this.#dateLines}`,
      this.hotStart,
      "latin1",
    );
    this.hot = this.block(200, PERSIST.silent);
  }

  /** The block of a status as bytes of their own. */
  block(status: number, persist: number): Uint8Array {
    const key = status * 4 + persist;
    let block = this.#blocks.get(key);
    if (block === undefined) {
      block = Buffer.from(`${statusLine(status)}${this.#dateLines}${CONNECTION_LINE[persist]}`, "latin1");
      this.#blocks.set(key, block);
    }
    return block;
  }

  /** {@link block} for an answer that says its own `Date`. */
  undated(status: number, persist: number): Uint8Array {
    const key = status * 4 + persist;
    let block = this.#undated.get(key);
    if (block === undefined) {
      block = Buffer.from(`${statusLine(status)}${this.#lines}${CONNECTION_LINE[persist]}`, "latin1");
      this.#undated.set(key, block);
    }
    return block;
  }
}
