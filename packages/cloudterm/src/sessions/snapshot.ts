import { readFileSync, renameSync } from "node:fs";
import { replaceFile } from "../atomic-file.js";
import type { SessionRecord, StoredSession } from "./session-store.js";

const FORMAT = "tz-sessions-1";

/**
 * The sessions of a snapshot; none when there is no file. One that cannot be understood is renamed to `FILE.damaged`:
 * the gateway starts, everybody logs in again, and nothing is lost that could be looked into.
 */
export function readSnapshot(path: string): StoredSession[] {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
  try {
    const { format, sessions } = JSON.parse(text) as { format: unknown; sessions: [string, SessionRecord][] };
    if (format !== FORMAT) throw new Error("another format");
    return sessions.map(([key, record]) => {
      if (typeof key !== "string") throw new Error("no session");
      return { key, record: checked(record) };
    });
  } catch {
    renameSync(path, `${path}.damaged`);
    return [];
  }
}

function checked(record: SessionRecord): SessionRecord {
  const { id, user, createdMs, lastSeenMs, endMs, idleMs, address, agent } = record;
  const texts = [id, user, address, agent];
  const numbers = [createdMs, lastSeenMs, endMs, idleMs];
  if (texts.some((text) => typeof text !== "string") || numbers.some((value) => !Number.isFinite(value))) {
    throw new Error("no session");
  }
  return { id, user, createdMs, lastSeenMs, endMs, idleMs, address, agent };
}

/** Writes snapshots one after the other: many changes in one, and `flush` waits for one that has them all. */
export class SnapshotWriter {
  readonly #path: string;
  readonly #delayMs: number;
  readonly #entries: () => Iterable<StoredSession>;
  #timer: NodeJS.Timeout | undefined;
  #dirty = false;
  #writing: Promise<void> | undefined;

  constructor(path: string, delayMs: number, entries: () => Iterable<StoredSession>) {
    this.#path = path;
    this.#delayMs = delayMs;
    this.#entries = entries;
  }

  later(): void {
    this.#dirty = true;
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      // What could not be written is tried again by the next change or flush.
      this.#write().catch(() => {});
    }, this.#delayMs).unref();
  }

  /** Resolves when everything up to now is on disk. @throws Error of the system */
  async flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#dirty = true;
    await this.#write();
  }

  async #write(): Promise<void> {
    // One that has begun may have missed the last change.
    while (this.#writing !== undefined) await this.#writing.catch(() => {});
    if (!this.#dirty) return;
    this.#dirty = false;
    const sessions: [string, SessionRecord][] = [];
    for (const { key, record } of this.#entries()) sessions.push([key, record]);
    const writing = replaceFile(this.#path, JSON.stringify({ format: FORMAT, sessions }));
    this.#writing = writing;
    try {
      await writing;
    } catch (error) {
      // Whoever waits behind this one must not take it for done.
      this.#dirty = true;
      throw error;
    } finally {
      this.#writing = undefined;
    }
  }
}
