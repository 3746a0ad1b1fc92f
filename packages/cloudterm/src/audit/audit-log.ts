import { type FileHandle, open, readFile, rename, rm } from "node:fs/promises";
import { CloudtermError } from "../errors.js";

/** What happened, and who did it from where. Never a password, code, cookie or terminal content. */
export interface AuditEvent {
  readonly event: string;
  readonly user?: string | undefined;
  readonly address?: string | undefined;
  readonly [detail: string]: string | number | boolean | undefined;
}

export interface AuditLogOptions {
  /** A file that would become larger is put aside as `FILE.1`. Default 16 MiB. */
  readonly maxFileBytes?: number;
  /** `FILE.1` … `FILE.n` are kept. Default 8. */
  readonly keepFiles?: number;
  /** Events that may wait for the disk; beyond, they are counted and the count is written. Default 10,000. */
  readonly maxWaiting?: number;
  readonly now?: () => number;
}

const LINE_FEED = 0x0a;
const MiB = 1024 * 1024;

/** JSON lines, appended in order, mode 0600, rotated by size. A line that was written is on its way to the disk (fsync at rotation and close). */
export class AuditLog {
  readonly path: string;
  readonly #maxFileBytes: number;
  readonly #keepFiles: number;
  readonly #maxWaiting: number;
  readonly #now: () => number;
  #waiting: string[] = [];
  #dropped = 0;
  #writing: Promise<void> | undefined;
  #file: FileHandle | undefined;
  #bytes = 0;
  /** The file ends with half a line: of a process that was killed, or of a disk that was full. */
  #isTorn = false;
  #failed: unknown;

  /** @throws CloudtermError `TZ_CLOUDTERM_OPTION` */
  constructor(
    path: string,
    { maxFileBytes = 16 * MiB, keepFiles = 8, maxWaiting = 10_000, now = Date.now }: AuditLogOptions = {},
  ) {
    for (const [name, value, min] of [
      ["maxFileBytes", maxFileBytes, 1024],
      ["keepFiles", keepFiles, 1],
      ["maxWaiting", maxWaiting, 1],
    ] as const) {
      if (!Number.isSafeInteger(value) || value < min) {
        throw new CloudtermError(
          "TZ_CLOUDTERM_OPTION",
          `option ${name} is ${value}; allowed: a whole number of ${min} or more`,
        );
      }
    }
    this.path = path;
    this.#maxFileBytes = maxFileBytes;
    this.#keepFiles = keepFiles;
    this.#maxWaiting = maxWaiting;
    this.#now = now;
  }

  /** Notes an event; the line is written in the background, in order. */
  write(event: AuditEvent): void {
    if (this.#waiting.length >= this.#maxWaiting) {
      this.#dropped++;
      return;
    }
    this.#waiting.push(line({ time: new Date(this.#now()).toISOString(), ...event }));
    this.#writing ??= this.#drain();
  }

  /** Resolves when everything up to now is written. @throws the system's error when it could not be */
  async flush(): Promise<void> {
    while (this.#writing !== undefined) await this.#writing;
    if (this.#failed !== undefined) throw this.#failed;
  }

  /** The last events, the newest first, as far as they are in the current file and the one before. */
  async tail(limit: number): Promise<unknown[]> {
    await this.flush();
    const events: unknown[] = [];
    for (const path of [this.path, `${this.path}.1`]) {
      const text = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
        if (error.code === "ENOENT") return "";
        throw error;
      });
      for (const each of text.split("\n").reverse()) {
        if (events.length >= limit) return events;
        const event = parsed(each);
        if (event !== undefined) events.push(event);
      }
    }
    return events;
  }

  async close(): Promise<void> {
    await this.flush().finally(() => this.#closeFile());
  }

  async #drain(): Promise<void> {
    // What comes in the same turn leaves in one write.
    await Promise.resolve();
    try {
      while (this.#waiting.length > 0) {
        const lines = this.#waiting;
        this.#waiting = [];
        const dropped = this.#dropped;
        this.#dropped = 0;
        try {
          await this.#append(dropped === 0 ? lines : [...lines, this.#droppedLine(dropped)]);
        } catch (error) {
          // Some of them may be there; which, nobody knows.
          this.#dropped += dropped + lines.length;
          // The end of the file is looked at again before the next line.
          await this.#closeFile().catch(() => {});
          throw error;
        }
      }
      this.#failed = undefined;
    } catch (error) {
      this.#failed = error;
    } finally {
      this.#writing = undefined;
    }
  }

  #droppedLine(count: number): string {
    return line({ time: new Date(this.#now()).toISOString(), event: "audit.dropped", count });
  }

  async #append(lines: readonly string[]): Promise<void> {
    let batch = "";
    let batchBytes = 0;
    for (const each of lines) {
      await this.#open();
      const bytes = Buffer.byteLength(each);
      const held = this.#bytes + batchBytes;
      if (held > 0 && held + bytes > this.#maxFileBytes) {
        await this.#put(batch);
        batch = "";
        batchBytes = 0;
        await this.#rotate();
      }
      batch += each;
      batchBytes += bytes;
    }
    await this.#put(batch);
  }

  async #open(): Promise<FileHandle> {
    if (this.#file === undefined) {
      this.#file = await open(this.path, "a+", 0o600);
      this.#bytes = (await this.#file.stat()).size;
      this.#isTorn = this.#bytes > 0 && !(await endsWithLine(this.#file, this.#bytes));
    }
    return this.#file;
  }

  async #put(batch: string): Promise<void> {
    if (batch === "") return;
    const file = await this.#open();
    const text = this.#isTorn ? `\n${batch}` : batch;
    await file.appendFile(text);
    this.#isTorn = false;
    this.#bytes += Buffer.byteLength(text);
  }

  async #rotate(): Promise<void> {
    await this.#closeFile();
    await rm(`${this.path}.${this.#keepFiles}`, { force: true });
    for (let i = this.#keepFiles - 1; i >= 0; i--) {
      const from = i === 0 ? this.path : `${this.path}.${i}`;
      await rename(from, `${this.path}.${i + 1}`).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== "ENOENT") throw error;
      });
    }
  }

  async #closeFile(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    this.#bytes = 0;
    if (file === undefined) return;
    await file.sync();
    await file.close();
  }
}

/** One line, and safe to look at in a terminal: JSON leaves DEL and the C1 controls as they are. */
function line(event: Record<string, unknown>): string {
  const text = JSON.stringify(event).replace(/[\x7f-\x9f\u2028\u2029]/g, (one) => {
    return `\\u${one.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
  return `${text}\n`;
}

async function endsWithLine(file: FileHandle, byteLength: number): Promise<boolean> {
  const last = Buffer.alloc(1);
  const { bytesRead } = await file.read(last, 0, 1, byteLength - 1);
  return bytesRead === 1 && last[0] === LINE_FEED;
}

function parsed(text: string): unknown {
  if (text === "") return undefined;
  try {
    return JSON.parse(text);
  } catch {
    // Half a line: of a process that was killed, or of a disk that was full.
    return undefined;
  }
}
