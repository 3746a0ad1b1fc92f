/**
 * Converted images on disk: bounded, shared by processes, there again after a restart.
 *
 * ```
 *   cacheDir/  K7x….avif  qW2….webp  …     names hold all that the content depends on, so a file never changes
 *   index      least recently used ─▶ … ─▶ most recently used      bytes ≤ maxBytes
 * ```
 *
 * Files appear under their name when they are whole. Another process may add and remove files: the directory is read
 * again from time to time, and a file that is gone is made anew.
 */
import { mkdir, readdir, rename, rm, stat, writeFile } from "node:fs/promises";
import path from "node:path";

/** Names of ours; anything else in the directory is left alone. */
const NAME = /^[\w-]{43}\.(?:avif|webp|jpeg|png)$/;
const PARTIAL = /^[\w-]{43}\.(?:avif|webp|jpeg|png)\.\d+\.partial$/;
/** A partial file that is older was left by a process that is gone. */
const PARTIAL_AGE_MS = 10 * 60_000;
/** How long what other processes do to the directory may go unseen. */
const RESCAN_MS = 30_000;
/** After the disk was full, nothing is tried for so long. */
const FULL_PAUSE_MS = 30_000;

/** What a store needs of a disk. */
export interface Disk {
  write(file: string, bytes: Uint8Array): Promise<void>;
}

const realDisk: Disk = { write: (file, bytes) => writeFile(file, bytes, { flag: "wx" }) };

export interface ImageStoreInit {
  readonly directory: string;
  readonly maxBytes: number;
  readonly disk?: Disk;
  readonly now?: () => number;
  readonly onFull?: (error: unknown) => void;
}

export class ImageStore {
  readonly #init: ImageStoreInit;
  readonly #disk: Disk;
  readonly #now: () => number;
  /** Name to bytes, least recently used first. */
  readonly #index = new Map<string, number>();
  #bytes = 0;
  #evictions = 0;
  #scannedAtMs = 0;
  #pausedUntilMs = Number.NEGATIVE_INFINITY;

  private constructor(init: ImageStoreInit) {
    this.#init = init;
    this.#disk = init.disk ?? realDisk;
    this.#now = init.now ?? (() => performance.now());
  }

  /** Makes the directory and takes over what is in it. @throws the error of the file system */
  static async open(init: ImageStoreInit): Promise<ImageStore> {
    await mkdir(init.directory, { recursive: true, mode: 0o700 });
    const store = new ImageStore(init);
    await store.#scan();
    await store.#shrink(init.maxBytes);
    return store;
  }

  get stats(): { readonly files: number; readonly bytes: number; readonly evictions: number } {
    return { files: this.#index.size, bytes: this.#bytes, evictions: this.#evictions };
  }

  /** The disk was full a moment ago: converting would be for nothing. */
  get isPaused(): boolean {
    return this.#now() < this.#pausedUntilMs;
  }

  /** Is it there? Then it is the most recently used one. */
  has(name: string): boolean {
    const bytes = this.#index.get(name);
    if (bytes === undefined) return false;
    this.#index.delete(name);
    this.#index.set(name, bytes);
    return true;
  }

  /** It turned out not to be there any more. */
  forget(name: string): void {
    this.#bytes -= this.#index.get(name) ?? 0;
    this.#index.delete(name);
  }

  /** Keeps an image; `false` when the disk does not take it. */
  async put(name: string, bytes: Uint8Array): Promise<boolean> {
    const { maxBytes, onFull } = this.#init;
    if (bytes.byteLength > maxBytes) return false;
    if (this.#now() - this.#scannedAtMs > RESCAN_MS) await this.#scan();
    await this.#shrink(maxBytes - bytes.byteLength);
    for (let attempt = 1; ; attempt++) {
      try {
        await this.#write(name, bytes);
        return true;
      } catch (error) {
        if (attempt === 1 && isFull(error) && this.#index.size > 0) {
          // Others fill the disk: half of what is here makes room, once.
          await this.#shrink(this.#bytes / 2);
          continue;
        }
        this.#pausedUntilMs = this.#now() + FULL_PAUSE_MS;
        onFull?.(error);
        return false;
      }
    }
  }

  async #write(name: string, bytes: Uint8Array): Promise<void> {
    const file = path.join(this.#init.directory, name);
    const partial = `${file}.${process.pid}.partial`;
    try {
      await this.#disk.write(partial, bytes);
      await rename(partial, file);
    } catch (error) {
      await rm(partial, { force: true });
      throw error;
    }
    this.forget(name);
    this.#index.set(name, bytes.byteLength);
    this.#bytes += bytes.byteLength;
  }

  async #shrink(toBytes: number): Promise<void> {
    for (const name of this.#index.keys()) {
      if (this.#bytes <= toBytes) return;
      this.forget(name);
      this.#evictions++;
      await rm(path.join(this.#init.directory, name), { force: true });
    }
  }

  /** Brings the index in line with the directory. What is new to it counts as least recently used, oldest first. */
  async #scan(): Promise<void> {
    this.#scannedAtMs = this.#now();
    const { directory } = this.#init;
    const found: { name: string; bytes: number; mtimeMs: number }[] = [];
    for (const name of await readdir(directory)) {
      const file = path.join(directory, name);
      if (PARTIAL.test(name)) await this.#removeLeftOver(file);
      if (!NAME.test(name)) continue;
      const status = await stat(file).catch(() => undefined);
      if (status?.isFile() === true) found.push({ name, bytes: status.size, mtimeMs: status.mtimeMs });
    }
    found.sort((a, b) => a.mtimeMs - b.mtimeMs);
    const there = new Map(found.map(({ name, bytes }) => [name, bytes]));
    const used = [...this.#index.keys()].filter((name) => there.has(name));
    const order = [...[...there.keys()].filter((name) => !this.#index.has(name)), ...used];
    this.#index.clear();
    this.#bytes = 0;
    for (const name of order) {
      this.#index.set(name, there.get(name)!);
      this.#bytes += there.get(name)!;
    }
  }

  async #removeLeftOver(file: string): Promise<void> {
    const status = await stat(file).catch(() => undefined);
    if (status !== undefined && Date.now() - status.mtimeMs > PARTIAL_AGE_MS) await rm(file, { force: true });
  }
}

function isFull(error: unknown): boolean {
  return ["ENOSPC", "EDQUOT"].includes((error as NodeJS.ErrnoException).code ?? "");
}
