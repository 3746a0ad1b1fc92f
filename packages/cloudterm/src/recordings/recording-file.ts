import type { FileHandle } from "node:fs/promises";
import { StringDecoder } from "node:string_decoder";
import type { TerminalEnd } from "../terminals/terminal-backend.js";
import type { TerminalSize } from "../terminals/terminal-size.js";
import type { OutputRecorder } from "./recorder.js";

export interface RecordingFileOptions extends TerminalSize {
  readonly id: string;
  readonly file: FileHandle;
  readonly title: string;
  readonly maxBytes: number;
  readonly maxQueueBytes: number;
  readonly now: () => number;
  /** Bytes were added, or it is finished. */
  readonly onGrow: (bytes: number) => void;
  readonly onDone: (failed: Error | undefined) => void;
}

/** Room that is kept for the last events. */
const LAST_BYTES = 4096;

/**
 * Writes an asciicast v3 (https://docs.asciinema.org/manual/asciicast/v3/): a JSON line with the size, then a line for
 * each event with the seconds since the one before.
 */
export class RecordingFile implements OutputRecorder {
  readonly id: string;
  readonly #options: RecordingFileOptions;
  readonly #decoder = new StringDecoder("utf8");
  readonly #drains: (() => void)[] = [];
  #queue: Buffer[] = [];
  #queuedBytes = 0;
  #writtenBytes = 0;
  #lastMs: number;
  #writing = false;
  #full = false;
  #ended = false;
  #wasBehind = false;

  constructor(options: RecordingFileOptions) {
    this.id = options.id;
    this.#options = options;
    this.#lastMs = options.now();
    const { columns: cols, rows, title } = options;
    const header = {
      version: 3,
      term: { cols, rows, type: "xterm-256color" },
      timestamp: Math.floor(this.#lastMs / 1000),
      title,
    };
    this.#line(JSON.stringify(header));
  }

  get isBehind(): boolean {
    return this.#queuedBytes > this.#options.maxQueueBytes;
  }

  onDrain(listener: () => void): void {
    this.#drains.push(listener);
  }

  output(bytes: Uint8Array, start: number, end: number): void {
    // A character that is cut waits for its rest.
    const text = this.#decoder.write(Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start));
    if (text !== "") this.#event("o", text);
  }

  resize({ columns, rows }: TerminalSize): void {
    this.#event("r", `${columns}x${rows}`);
  }

  end({ code }: TerminalEnd): void {
    if (this.#ended) return;
    const rest = this.#decoder.end();
    if (rest !== "") this.#event("o", rest);
    this.#event("x", String(code ?? -1), true);
    this.#ended = true;
    this.#write();
  }

  #event(kind: "o" | "r" | "x" | "m", data: string, last = false): void {
    if (this.#ended || (this.#full && !last)) return;
    const nowMs = this.#options.now();
    const seconds = Math.max(0, nowMs - this.#lastMs) / 1000;
    const line = `[${seconds.toFixed(6)}, "${kind}", ${JSON.stringify(data)}]`;
    const total = this.#writtenBytes + this.#queuedBytes + line.length * 3;
    if (!last && total > this.#options.maxBytes - LAST_BYTES && total > LAST_BYTES) {
      // A line of the largest size may be three times as long in bytes as in characters.
      this.#full = true;
      this.#lastMs = nowMs;
      this.#line(`[${seconds.toFixed(6)}, "m", "the recording is full"]`);
      return;
    }
    this.#lastMs = nowMs;
    this.#line(line);
  }

  #line(text: string): void {
    const bytes = Buffer.from(`${text}\n`);
    this.#queue.push(bytes);
    this.#queuedBytes += bytes.length;
    if (this.isBehind) this.#wasBehind = true;
    this.#write();
  }

  #write(): void {
    if (this.#writing) return;
    this.#writing = true;
    this.#writeAll().then(
      () => this.#finish(undefined),
      (error: Error) => this.#finish(error),
    );
  }

  /** All events of a turn, then of the time that the disk took, in one write each. */
  async #writeAll(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    while (this.#queue.length > 0) {
      const bytes = Buffer.concat(this.#queue);
      this.#queue = [];
      for (let at = 0; at < bytes.length; ) {
        at += (await this.#options.file.write(bytes, at, bytes.length - at)).bytesWritten;
      }
      this.#queuedBytes -= bytes.length;
      this.#writtenBytes += bytes.length;
      this.#options.onGrow(bytes.length);
      if (this.#wasBehind && !this.isBehind) {
        this.#wasBehind = false;
        for (const listener of this.#drains) listener();
      }
    }
  }

  #finish(error: Error | undefined): void {
    this.#writing = false;
    if (error !== undefined) {
      // The disk is full or gone: the terminal goes on without a recording.
      this.#ended = true;
      this.#queue = [];
      this.#queuedBytes = 0;
      for (const listener of this.#drains) listener();
    }
    if (!this.#ended) return;
    this.#options.file.close().then(
      () => this.#options.onDone(error),
      (closing: Error) => this.#options.onDone(error ?? closing),
    );
  }
}
