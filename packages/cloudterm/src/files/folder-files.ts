import { randomBytes } from "node:crypto";
import { constants, createReadStream, fstat, statSync } from "node:fs";
import { link, lstat, open, readdir, rename, unlink } from "node:fs/promises";
import { promisify } from "node:util";
import {
  close,
  errnoName,
  hasOpenat2,
  O_CLOEXEC,
  O_DIRECTORY,
  O_NONBLOCK,
  O_PATH,
  O_RDONLY,
  openat,
  openat2,
  RESOLVE_BENEATH,
  RESOLVE_NO_MAGICLINKS,
} from "@tz/sys";
import { CloudtermError, shown } from "../errors.js";
import {
  checkedPath,
  ENTRIES_MAX,
  type FileEntry,
  type OpenFile,
  parentAndName,
  type SaveOptions,
  sorted,
  type TerminalFiles,
  tooLarge,
} from "./terminal-files.js";

const BENEATH = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
const AT_FDCWD = -100;
/** A rename beside a `..` makes the kernel unsure; it is asked again. */
const TRIES = 16;
const statOf = promisify(fstat);

/**
 * Files below one directory of this machine. That nothing leads out of it, neither `..` nor a symbolic link, nor one that is
 * put in place while it is looked at, is the kernel's business (`openat2`, Linux 5.6): without it there are no files.
 * @throws CloudtermError `TZ_CLOUDTERM_OPTION` when it is no directory, or the kernel cannot keep paths in it
 */
export function folderFiles(directory: string): TerminalFiles {
  if (!statSync(directory, { throwIfNoEntry: false })?.isDirectory()) {
    throw new CloudtermError(
      "TZ_CLOUDTERM_OPTION",
      `files is ${shown(directory)}; allowed: a directory that is there`,
    );
  }
  if (!hasOpenat2()) {
    throw new CloudtermError("TZ_CLOUDTERM_OPTION", "files needs openat2 (Linux 5.6) to keep paths inside");
  }
  return new FolderFiles(directory);
}

class FolderFiles implements TerminalFiles {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  async list(path: string): Promise<readonly FileEntry[]> {
    return this.#inDirectory(checkedPath(path), async (at) => {
      const names = (await readdir(at)).slice(0, ENTRIES_MAX);
      const entries = await Promise.all(
        names.map(async (name): Promise<FileEntry | undefined> => {
          const stats = await lstat(`${at}/${name}`).catch(() => undefined);
          if (stats === undefined) return undefined;
          const kind = stats.isDirectory() ? "directory" : stats.isFile() ? "file" : "other";
          return { name, kind, byteLength: stats.size, modifiedMs: stats.mtimeMs };
        }),
      );
      return sorted(entries.filter((entry) => entry !== undefined));
    });
  }

  async read(path: string, maxBytes: number): Promise<OpenFile> {
    const { name } = parentAndName(path);
    // Without blocking: opening a pipe would wait for somebody who writes.
    const fd = this.#open(path, O_RDONLY | O_NONBLOCK);
    try {
      const stats = await statOf(fd);
      if (!stats.isFile()) throw new CloudtermError("TZ_CLOUDTERM_FILE", `${shown(name)} is no file`);
      if (stats.size > maxBytes) throw tooLarge(maxBytes);
      return { name, byteLength: stats.size, chunks: chunksOf(fd, stats.size) };
    } catch (error) {
      close(fd);
      throw error;
    }
  }

  async save(path: string, chunks: AsyncIterable<Uint8Array>, options: SaveOptions): Promise<number> {
    const { parent, name } = parentAndName(path);
    return this.#inDirectory(parent, async (at) => {
      const part = `${at}/.${randomBytes(9).toString("base64url")}.part`;
      const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = constants;
      const file = await open(part, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o666);
      try {
        let byteLength = 0;
        try {
          for await (const chunk of chunks) {
            byteLength += chunk.length;
            if (byteLength > options.maxBytes) throw tooLarge(options.maxBytes);
            await file.writeFile(chunk);
          }
        } finally {
          await file.close();
        }
        if (options.overwrite === true) await rename(part, `${at}/${name}`);
        else await link(part, `${at}/${name}`);
        return byteLength;
      } finally {
        await unlink(part).catch(() => {});
      }
    });
  }

  /** Works in a directory by its descriptor: it stays the one that was judged, whatever its path leads to meanwhile. */
  async #inDirectory<Result>(path: string, work: (at: string) => Promise<Result>): Promise<Result> {
    const fd = this.#open(path === "" ? "." : path, O_PATH | O_DIRECTORY);
    try {
      return await work(`/proc/self/fd/${fd}`);
    } catch (error) {
      // Ours, and those of whoever gives the body.
      const { code } = error as NodeJS.ErrnoException;
      throw code?.startsWith("TZ_") === true ? error : failure(code, path);
    } finally {
      close(fd);
    }
  }

  /** @returns a descriptor that is the caller's */
  #open(path: string, flags: number): number {
    const root = openat(AT_FDCWD, this.#directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (root < 0) throw failure(errnoName(-root), this.#directory);
    try {
      // As the page has them, paths begin at this directory.
      const relative = path.replace(/^\/+/, "") || ".";
      for (let i = 0; i < TRIES; i++) {
        const fd = openat2(root, relative, flags | O_CLOEXEC, BENEATH);
        if (fd >= 0) return fd;
        if (errnoName(-fd) !== "EAGAIN") throw failure(errnoName(-fd), path);
      }
      throw failure("EAGAIN", path);
    } finally {
      close(root);
    }
  }
}

/** A file that grows meanwhile is sent as long as was said. */
async function* chunksOf(fd: number, size: number): AsyncGenerator<Uint8Array> {
  const stream = createReadStream("", { fd, autoClose: true, start: 0, end: Math.max(0, size - 1) });
  if (size > 0) yield* stream;
  else stream.destroy();
}

function failure(code: string | undefined, path: string): CloudtermError {
  if (code === "ENOENT" || code === "ENOTDIR")
    return new CloudtermError("TZ_CLOUDTERM_NOT_FOUND", `there is no ${shown(path)}`);
  if (code === "EEXIST") return new CloudtermError("TZ_CLOUDTERM_FILE_EXISTS");
  const outside = code === "EXDEV" || code === "ELOOP";
  return new CloudtermError(
    "TZ_CLOUDTERM_FILE",
    outside ? `${shown(path)} leads out of the directory of files` : `${shown(path)}: ${code ?? "it failed"}`,
  );
}
