import { randomBytes } from "node:crypto";
import { constants, mkdirSync, readdirSync, readFileSync, statSync } from "node:fs";
import { open, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { CloudtermError } from "../errors.js";
import { type NumberOptions, type Numbers, type NumberTable, resolveNumbers } from "../option-table.js";
import type { TerminalSize } from "../terminals/terminal-size.js";
import type { OutputRecorder } from "./recorder.js";
import { RecordingFile } from "./recording-file.js";

const MiB = 1024 * 1024;

export const RECORDING_LIMITS = {
  maxRecordingBytes: {
    default: 64 * MiB,
    min: 64 * 1024,
    max: 4096 * MiB,
    unit: "bytes",
    meaning: "A recording that is larger stops, with a mark.",
  },
  maxTotalBytes: {
    default: 1024 * MiB,
    min: 64 * 1024,
    max: 2 ** 44,
    unit: "bytes",
    meaning: "When all recordings are larger, the oldest are deleted.",
  },
  maxRecordings: {
    default: 10_000,
    min: 1,
    max: 1_000_000,
    unit: "recordings",
    meaning: "When there are more, the oldest are deleted.",
  },
  maxQueueBytes: {
    default: 4 * MiB,
    min: 64 * 1024,
    max: 256 * MiB,
    unit: "bytes",
    meaning: "When so much of a recording waits for the disk, its program waits.",
  },
} as const satisfies NumberTable;

export interface RecordingsOptions {
  readonly directory: string;
  readonly limits?: NumberOptions<typeof RECORDING_LIMITS> | undefined;
  readonly now?: (() => number) | undefined;
  /** A recording could not be written or deleted. */
  readonly onError?: ((error: Error) => void) | undefined;
}

export interface RecordingStart extends TerminalSize {
  /** Id of the terminal. */
  readonly id: string;
  readonly user: string;
  readonly backend: string;
}

export interface Recording {
  readonly id: string;
  readonly user: string;
  readonly terminal: string;
  readonly backend: string;
  readonly createdMs: number;
  readonly byteLength: number;
  /** It is being written. */
  readonly running: boolean;
}

interface Entry {
  readonly about: Omit<Recording, "byteLength" | "running">;
  byteLength: number;
  running: boolean;
  /** Deleted while it was written. */
  unwanted: boolean;
}

const ID = /^[A-Za-z0-9_-]{20}$/;

/** @throws Error when the file does not say whose it is and since when */
function aboutIn(path: string): Omit<Entry["about"], "id"> {
  const value = JSON.parse(readFileSync(path, "utf8")) as Partial<
    Record<keyof Entry["about"], unknown>
  > | null;
  const { user, terminal, backend, createdMs } = value ?? {};
  const isWhole =
    typeof user === "string" &&
    typeof terminal === "string" &&
    typeof backend === "string" &&
    typeof createdMs === "number" &&
    Number.isFinite(createdMs);
  if (!isWhole) throw new Error(`${path} does not say whose recording it is`);
  return { user, terminal, backend, createdMs };
}

/**
 * Recordings of terminals in a directory: `ID.cast` (asciicast v3) and `ID.json` (whose it is). Names are made of ids that
 * this class made, never of what a request says.
 */
export class Recordings {
  readonly #directory: string;
  readonly #limits: Numbers<typeof RECORDING_LIMITS>;
  readonly #now: () => number;
  readonly #onError: (error: Error) => void;
  /** The oldest first. */
  readonly #entries = new Map<string, Entry>();
  #totalBytes = 0;

  /** @throws CloudtermError `TZ_CLOUDTERM_OPTION`; a system error when the directory cannot be made or read */
  constructor({ directory, limits = {}, now = Date.now, onError = () => {} }: RecordingsOptions) {
    this.#directory = directory;
    this.#limits = resolveNumbers("recordings", RECORDING_LIMITS, limits);
    this.#now = now;
    this.#onError = onError;
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    const found: Entry[] = [];
    for (const name of readdirSync(directory)) {
      const id = name.slice(0, -".json".length);
      if (!name.endsWith(".json") || !ID.test(id)) continue;
      try {
        const about = aboutIn(join(directory, name));
        const byteLength = statSync(join(directory, `${id}.cast`)).size;
        found.push({ about: { ...about, id }, byteLength, running: false, unwanted: false });
      } catch (error) {
        onError(error as Error);
      }
    }
    found.sort((a, b) => a.about.createdMs - b.about.createdMs);
    for (const entry of found) {
      this.#entries.set(entry.about.id, entry);
      this.#totalBytes += entry.byteLength;
    }
    this.#trim();
  }

  get totalBytes(): number {
    return this.#totalBytes;
  }

  /** Starts one: what `Terminals` takes as `record`. */
  async record({ id: terminal, user, backend, columns, rows }: RecordingStart): Promise<OutputRecorder> {
    const id = randomBytes(15).toString("base64url");
    const about = { id, user, terminal, backend, createdMs: this.#now() };
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
    const file = await open(this.#path(id, "cast"), flags, 0o600);
    await writeFile(this.#path(id, "json"), JSON.stringify(about), { mode: 0o600, flag: "wx" });
    const entry: Entry = { about, byteLength: 0, running: true, unwanted: false };
    this.#entries.set(id, entry);
    const { maxRecordingBytes: maxBytes, maxQueueBytes } = this.#limits;
    const recorder = new RecordingFile({
      id,
      file,
      columns,
      rows,
      title: `${backend} ${user}`,
      maxBytes,
      maxQueueBytes,
      now: this.#now,
      onGrow: (bytes) => {
        if (!entry.unwanted) this.#totalBytes += bytes;
        entry.byteLength += bytes;
        this.#trim();
      },
      onDone: (error) => {
        entry.running = false;
        if (error !== undefined) this.#onError(error);
        this.#trim();
      },
    });
    this.#trim();
    return recorder;
  }

  /** The newest first. */
  list(user?: string): readonly Recording[] {
    const found = [...this.#entries.values()].reverse();
    const own = user === undefined ? found : found.filter(({ about }) => about.user === user);
    return own.map(({ about, byteLength, running }) => ({ ...about, byteLength, running }));
  }

  get(id: string): Recording | undefined {
    const entry = this.#entries.get(id);
    return entry && { ...entry.about, byteLength: entry.byteLength, running: entry.running };
  }

  /** The asciicast as it is so far. @throws CloudtermError `TZ_CLOUDTERM_NOT_FOUND` */
  async read(id: string): Promise<Buffer> {
    if (!this.#entries.has(id))
      throw new CloudtermError("TZ_CLOUDTERM_NOT_FOUND", "there is no such recording");
    return readFile(this.#path(id, "cast"));
  }

  /** Where the asciicast is, to be served as a file; `undefined` when there is none. */
  pathOf(id: string): string | undefined {
    return this.#entries.has(id) ? this.#path(id, "cast") : undefined;
  }

  /** Deletes one, also while it is written. @returns whether there was one */
  async delete(id: string): Promise<boolean> {
    const entry = this.#entries.get(id);
    if (entry === undefined) return false;
    await this.#remove(entry);
    return true;
  }

  async #remove(entry: Entry): Promise<void> {
    const { id } = entry.about;
    this.#entries.delete(id);
    this.#totalBytes -= entry.byteLength;
    entry.unwanted = true;
    await Promise.all([
      rm(this.#path(id, "cast"), { force: true }),
      rm(this.#path(id, "json"), { force: true }),
    ]);
  }

  /** The oldest that are finished go until the rest fits. */
  #trim(): void {
    const { maxTotalBytes, maxRecordings } = this.#limits;
    for (const entry of this.#entries.values()) {
      if (this.#totalBytes <= maxTotalBytes && this.#entries.size <= maxRecordings) return;
      if (!entry.running) this.#remove(entry).catch(this.#onError);
    }
  }

  #path(id: string, extension: "cast" | "json"): string {
    return join(this.#directory, `${id}.${extension}`);
  }
}
