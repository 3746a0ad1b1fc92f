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
        if (this.#dropped > 0) {
          lines.push(
            line({ time: new Date(this.#now()).toISOString(), event: "audit.dropped", count: this.#dropped }),
          );
          this.#dropped = 0;
        }
        await this.#append(lines);
      }
      this.#failed = undefined;
    } catch (error) {
      this.#failed = error;
    } finally {
      this.#writing = undefined;
    }
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
      this.#file = await open(this.path, "a", 0o600);
      this.#bytes = (await this.#file.stat()).size;
    }
    return this.#file;
  }

  async #put(batch: string): Promise<void> {
    if (batch === "") return;
    const file = await this.#open();
    await file.writeFile(batch);
    this.#bytes += Buffer.byteLength(batch);
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

function parsed(text: string): unknown {
  if (text === "") return undefined;
  try {
    return JSON.parse(text);
  } catch {
    // The last line of a process that was killed.
    return undefined;
  }
}
