import type { RequestHead } from "@tz/http1";
import type { RequestClient } from "../handlers/request-client.js";
import { clientOrigin } from "../proxies/forwarded.js";
import type { ServerCore } from "../server-core.js";
import type { AccessLogOptions, LogWriter } from "./access-log-options.js";
import { LOG_FORMATS, type LogEntry, type LogFormat } from "./log-line.js";

/** Characters of lines that wait for their writer; lines beyond are dropped. */
const HELD_MAX = 1 << 20;
/** As much is written at a time. */
const PIECE = 1 << 16;
const WRITE_DELAY_MS = 100;
/** A writer that failed is left alone for as long. */
const RETRY_MS = 1000;
/** What is left is written within this when the server closes, or not at all. */
const CLOSE_MAX_MS = 1000;

/** What became of the lines of this process. */
export interface AccessLogStats {
  readonly written: number;
  /** Lost: the writer was too slow, or failed. */
  readonly dropped: number;
}

/**
 * Writes a line for each request when its answer has left, many at a time and without ever waiting for the writer.
 *
 * ```
 *   begin ─▶ entry … end ─▶ held (1 MiB) ── 64 KiB or 100 ms ──▶ write, one call at a time
 *                             └─ full: dropped, counted, and said in the log once there is room
 * ```
 */
export class AccessLog {
  readonly #core: ServerCore;
  readonly #format: LogFormat;
  readonly #sample: number;
  readonly #write: LogWriter;
  #lines: string[] = [];
  /** Characters of `#lines` and of what is being written. */
  #held = 0;
  #writing: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #failed = false;
  #closed = false;
  #written = 0;
  #dropped = 0;
  #unreported = 0;

  constructor(core: ServerCore, { format, sample }: AccessLogOptions, write: LogWriter) {
    this.#core = core;
    this.#format = LOG_FORMATS[format];
    this.#sample = sample;
    this.#write = write;
  }

  get stats(): AccessLogStats {
    return { written: this.#written, dropped: this.#dropped };
  }

  /** Takes from a head what will be written: `undefined` when the request is not in the sample. */
  begin(head: RequestHead, client: RequestClient, isHttp2: boolean): LogEntry | undefined {
    if (this.#isSkipped()) return undefined;
    const { trusted, options, loop } = this.#core;
    const peer = { address: client.remoteAddress, scheme: client.scheme, host: "" };
    const origin = trusted === undefined ? peer : clientOrigin(peer, head, options.forwardedBy, trusted);
    return {
      timeMs: loop.wallMs,
      startMs: loop.nowMs,
      address: origin.address,
      method: head.method,
      target: head.target,
      httpVersion: isHttp2 ? "2.0" : `1.${head.minorVersion}`,
      referer: head.field("referer"),
      userAgent: head.field("user-agent"),
      status: 0,
      bodyBytes: 0,
    };
  }

  /** The entry of what was no request, or came too late to be one. */
  refused(client: RequestClient): LogEntry | undefined {
    if (this.#isSkipped()) return undefined;
    const { loop } = this.#core;
    return {
      timeMs: loop.wallMs,
      startMs: loop.nowMs,
      address: client.remoteAddress,
      method: undefined,
      target: undefined,
      httpVersion: undefined,
      referer: undefined,
      userAgent: undefined,
      status: 0,
      bodyBytes: 0,
    };
  }

  #isSkipped(): boolean {
    return this.#sample < 1 && Math.random() >= this.#sample;
  }

  /** @param nowMs on the loop's clock */
  end(entry: LogEntry, nowMs: number, isAborted: boolean): void {
    const line = this.#format.line(entry, Math.max(0, nowMs - entry.startMs), isAborted);
    if (this.#closed || this.#held + line.length > HELD_MAX) {
      this.#drop(1);
      return;
    }
    this.#lines.push(line);
    this.#held += line.length;
    if (this.#writing !== undefined || this.#failed) return;
    if (this.#held >= PIECE) this.#start();
    else this.#startIn(WRITE_DELAY_MS);
  }

  #drop(count: number): void {
    this.#dropped += count;
    this.#unreported += count;
  }

  #startIn(ms: number): void {
    this.#timer ??= setTimeout(() => this.#start(), ms).unref();
  }

  #start(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#writing ??= this.#writeAll().finally(() => {
      this.#writing = undefined;
      if (this.#failed && !this.#closed) this.#startIn(RETRY_MS);
    });
  }

  /** Never rejects. */
  async #writeAll(): Promise<void> {
    while (this.#lines.length > 0 || this.#unreported > 0) {
      const missing = this.#unreported;
      const { text, count, held } = this.#take();
      const note = missing === 0 ? "" : this.#format.droppedLine(missing, this.#core.loop.wallMs);
      try {
        await this.#write(note + text);
        this.#failed = false;
        this.#written += count;
        this.#unreported -= missing;
      } catch (error) {
        this.#drop(count);
        if (!this.#failed && !this.#closed) this.#core.reportError(error);
        this.#failed = true;
        return;
      } finally {
        this.#held -= held;
      }
    }
  }

  /** The oldest lines, about one piece of them. */
  #take(): { text: string; count: number; held: number } {
    let count = 0;
    let held = 0;
    while (count < this.#lines.length && held < PIECE) held += this.#lines[count++]!.length;
    return { text: this.#lines.splice(0, count).join(""), count, held };
  }

  /** Writes what is left, if the writer takes it in time. */
  async close(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, CLOSE_MAX_MS);
    });
    this.#start();
    await Promise.race([this.#writing, late]);
    clearTimeout(timer);
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#drop(this.#lines.length);
    this.#lines = [];
    await this.#write.close?.();
  }
}
